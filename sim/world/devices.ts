/** The devices of one machine, which outlive the processes on it: two disks and, where rows are persistent, an ordered map. */
import type { Micros, NodeId } from "../../core/units.ts";
import type { Draws } from "../draws.ts";
import type { Plan } from "../plan/plan.ts";
import type { DirectoryHost } from "./directory.ts";
import { type DiskStrike, HostDiskChance } from "./disk-chance.ts";
import { type DiskRole, type DiskWorld, SimDisk } from "./disk.ts";
import { type Page, SimKv } from "./ordered-kv.ts";

/** The machine. */
export interface DevicesHost {
  readonly id: NodeId;
  /** Which process runs, or is gone. */
  readonly boot: number;
  readonly healed: boolean;
  /** True time. */
  readonly now: Micros;
  /** `done` runs at `time`, in a turn of the process that runs now, if that one still does. */
  complete(time: Micros, occasion: number, done: () => void): void;
}

/** Somebody who watches them; HostObserver says of each call what it tells. */
export interface DevicesObserver {
  wrote(file: string, offset: number, bytes: Uint8Array, seq: number): void;
  synced(file: string, throughSeq: number): void;
  removed(file: string): void;
  truncated(file: string, bytes: number): void;
  snapshotRemoved(): void;
  snapshotsSynced(media: ReadonlyMap<string, Uint8Array>): void;
  rowsSynced(): void;
  pageRead(page: Page): void;
  lieTold(file: string): void;
  struck(what: DiskStrike): void;
}

/** Where the numbers of the snapshot disk's changes begin, and those of the map's, so that the draws of each are its own. */
const snapshotDiskSeq = 1_000_000_000;
const kvSeq = 2_000_000_000;

/** One for each machine. What a power cut, a kill or a wipe does to all of them is done here. */
export class Devices implements DirectoryHost {
  readonly chance: HostDiskChance;
  readonly #host: DevicesHost;
  readonly #draws: Draws;
  readonly #observer: DevicesObserver;
  readonly #keepsRows: boolean;
  #disk: SimDisk;
  #snapshotDisk: SimDisk;
  #kv: SimKv | null;
  /** No sync ends before that time. */
  #syncsHeldUntil: Micros = 0;
  /** By then every sync has ended that was held. */
  #heldSyncsEndAt: Micros = 0;

  /** `keepsRows`: on an ordered map, so that they outlive the process. */
  constructor(host: DevicesHost, draws: Draws, plan: Plan, keepsRows: boolean, observer: DevicesObserver) {
    this.#host = host;
    this.#draws = draws;
    this.#keepsRows = keepsRows;
    this.#observer = observer;
    this.chance = new HostDiskChance(host, draws, plan, (what) => observer.struck(what));
    this.#disk = this.#newDisk();
    this.#snapshotDisk = this.#newSnapshotDisk();
    this.#kv = this.#newKv();
  }

  get disk(): SimDisk {
    return this.#disk;
  }

  get snapshotDisk(): SimDisk {
    return this.#snapshotDisk;
  }

  /** Where its rows are, if they outlive the process. */
  get kv(): SimKv | null {
    return this.#kv;
  }

  /** Others, empty, are in their places. */
  replace(): void {
    this.#disk = this.#newDisk();
    this.#snapshotDisk = this.#newSnapshotDisk();
    this.#kv = this.#newKv();
  }

  /** The power is gone, and with it the page cache; with `damage`, so are rows that had been synced. */
  cutPower(damage: boolean): void {
    this.#kv?.cutPower(damage);
    this.#disk.cutPower();
    this.#snapshotDisk.cutPower();
  }

  /** Up to then a sync is held, though no new one may be. */
  get syncsHeldUntil(): Micros {
    return Math.max(this.#syncsHeldUntil, this.#heldSyncsEndAt);
  }

  /** No sync ends before `until`. */
  holdSyncs(until: Micros): void {
    this.#syncsHeldUntil = until;
  }

  drawDamage(bound: number): number {
    return this.#draws.below(bound, "damage", this.#host.id, this.#host.boot);
  }

  #newDisk(): SimDisk {
    return new SimDisk(
      {
        ...this.#world,
        wrote: (file, offset, bytes, seq) => this.#observer.wrote(file, offset, bytes, seq),
        synced: (file, throughSeq) => this.#observer.synced(file, throughSeq),
        removed: (file) => this.#observer.removed(file),
        truncated: (file, bytes) => this.#observer.truncated(file, bytes),
        namesSynced: () => undefined,
      },
      0,
    );
  }

  #newSnapshotDisk(): SimDisk {
    return new SimDisk(
      {
        ...this.#world,
        wrote: () => undefined,
        synced: () => undefined,
        removed: () => this.#observer.snapshotRemoved(),
        truncated: () => undefined,
        namesSynced: (media) => this.#observer.snapshotsSynced(media()),
      },
      snapshotDiskSeq,
    );
  }

  get #world(): Pick<DiskWorld, "chance" | "complete" | "lieTold"> {
    return {
      chance: this.chance,
      complete: (role, occasion, done) => this.#complete(role, occasion, done),
      lieTold: (file) => this.#observer.lieTold(file),
    };
  }

  #newKv(): SimKv | null {
    if (!this.#keepsRows) return null;
    const { id } = this.#host;
    return new SimKv({
      complete: (role, occasion, done) => this.#complete(role, kvSeq + occasion, done),
      syncFails: (occasion) => this.chance.syncFails(kvSeq + occasion),
      readFails: (occasion) => this.chance.rowsReadFails(occasion),
      left: (bound, occasion) => this.#draws.below(bound, "crashRows", id, this.#host.boot, occasion),
      kvSynced: () => this.#observer.rowsSynced(),
      pageRead: (page) => this.#observer.pageRead(page),
    });
  }

  #complete(role: DiskRole, occasion: number, done: () => void): void {
    const held = role === "sync" ? this.#syncsHeldUntil : 0;
    const time = Math.max(held, this.#host.now + this.chance.latency(role, occasion));
    if (time === held) this.#heldSyncsEndAt = Math.max(this.#heldSyncsEndAt, held);
    this.#host.complete(time, occasion, done);
  }
}
