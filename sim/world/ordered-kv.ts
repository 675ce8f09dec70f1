/**
 * A node's ordered map, as RocksDB was measured to behave: batches are atomic and take effect when they complete; a
 * process that dies leaves those in flight done or not; a power cut leaves a prefix of the batches in the order of their
 * effect, at least up to the last synced one; after a failed batch later ones seem to succeed, and are lost. A damaged
 * byte drops everything after it, without a word.
 */
import type { DiskError, KvChange, KvScan, OrderedKv } from "../../core/ports.ts";
import type { DiskRole } from "./disk.ts";

/** What the map asks of the world around it. */
export interface KvWorld {
  complete(role: DiskRole, occasion: number, done: () => void): void;
  syncFails(occasion: number): boolean;
  readFails(occasion: number): boolean;
  /** A number in [0, bound): what a crash leaves. */
  left(bound: number, occasion: number): number;
  /** All batches so far survive a power cut. */
  kvSynced(): void;
  pageRead(page: Page): void;
}

/** A page of a scan that begins at `first`: of `asked` pairs `got` were there. */
export type Page = { readonly first: string; readonly end: string; readonly asked: number; readonly got: number };

type Batch = readonly KvChange[];

const readFailed: DiskError = { code: "EIO", message: "a read of the rows failed" };

/** One map, which outlives its processes. A key's order is that of its characters, as in core. */
export class SimKv {
  readonly #world: KvWorld;
  /** Every batch that took effect, in that order, and what they come to. */
  #batches: Batch[] = [];
  #pairs = new Map<string, Uint8Array>();
  #durable = 0;
  /** After a failure nothing more reaches the media. */
  #failedAt = Infinity;
  #inFlight: { readonly seq: number; readonly batch: Batch }[] = [];
  #seq = 0;
  /** Processes that have died. */
  #boot = 0;

  constructor(world: KvWorld) {
    this.#world = world;
  }

  /** The pairs as a process would see them now. */
  get contents(): ReadonlyMap<string, Uint8Array> {
    return this.#pairs;
  }

  /** The pairs as a power cut would leave them at least. */
  get durableContents(): ReadonlyMap<string, Uint8Array> {
    const pairs = new Map<string, Uint8Array>();
    for (const batch of this.#batches.slice(0, this.#durable)) apply(pairs, batch);
    return pairs;
  }

  /** A view for one boot of the process; the host drops completions of an earlier boot. */
  open(): OrderedKv {
    const boot = this.#boot;
    let isOpen = false;
    // As the real one: a call before the map is open is thrown back at who makes it.
    const mustBeOpen = (): void => {
      if (!isOpen) throw new TypeError("the map is not open");
    };
    return {
      open: (done) =>
        this.#world.complete("read", 4, () => {
          isOpen = true;
          done(null);
        }),
      get: (keys, done) => {
        mustBeOpen();
        const seq = ++this.#seq;
        this.#world.complete("read", seq, () => {
          if (this.#world.readFails(seq)) return done(readFailed, []);
          done(
            null,
            keys.map((key) => this.#pairs.get(key)?.slice() ?? null),
          );
        });
      },
      write: (batch, sync, done) => {
        mustBeOpen();
        // A process that ends itself may still run to the end of its turn, and reaches nothing any more.
        if (boot === this.#boot) this.#write(batch, sync, done);
      },
      scan: (first, end) => {
        mustBeOpen();
        return this.#scan(first, end);
      },
      close: () => undefined,
    };
  }

  /** The process is gone: what was in flight has been done or not, each by itself. */
  processDied(): void {
    this.#boot += 1;
    for (const { seq, batch } of this.#inFlight.splice(0)) if (this.#world.left(2, seq) === 0) this.#take(batch);
    if (this.#failedAt < this.#batches.length) this.#keep(this.#failedAt);
    this.#failedAt = Infinity;
  }

  /** While no process runs: the pairs are those, durably. */
  putBack(pairs: ReadonlyMap<string, Uint8Array>): void {
    this.#batches = [[...pairs].map(([key, value]) => ({ key, value }))];
    this.#durable = 1;
    this.#pairs = new Map(pairs);
  }

  /** The power goes. With `damage`, so does a part of what had been synced. */
  cutPower(damage: boolean): void {
    const extra = this.#batches.length - this.#durable;
    const kept = damage ? this.#world.left(this.#durable + 1, 0) : this.#durable + this.#world.left(extra + 1, 0);
    this.#keep(kept);
    this.#durable = kept;
  }

  #keep(count: number): void {
    this.#batches.length = count;
    this.#pairs = new Map();
    for (const batch of this.#batches) apply(this.#pairs, batch);
  }

  #take(batch: Batch): void {
    this.#batches.push(batch);
    apply(this.#pairs, batch);
  }

  #write(given: Batch, sync: boolean, done: (error: DiskError | null) => void): void {
    const seq = ++this.#seq;
    const batch = given.map(({ key, value }) => ({ key, value: value?.slice() ?? null }));
    const flight = { seq, batch };
    this.#inFlight.push(flight);
    this.#world.complete(sync ? "sync" : "read", seq, () => {
      this.#inFlight = this.#inFlight.filter((one) => one !== flight);
      if (sync && this.#world.syncFails(seq)) {
        this.#failedAt = Math.min(this.#failedAt, this.#batches.length);
        return done({ code: "EIO", message: "a synced batch failed" });
      }
      this.#take(batch);
      if (sync && this.#failedAt === Infinity) {
        this.#durable = this.#batches.length;
        this.#world.kvSynced();
      }
      done(null);
    });
  }

  #scan(first: string, end: string): KvScan {
    const keys = [...this.#pairs.keys()].filter((key) => key >= first && key < end).toSorted();
    const pairs = keys.map((key): [string, Uint8Array] => [key, this.#pairs.get(key)!.slice()]);
    let at = 0;
    return {
      next: (count, done) => {
        const some = pairs.slice(at, at + count);
        at += some.length;
        this.#world.pageRead({ first, end, asked: count, got: some.length });
        const seq = ++this.#seq;
        this.#world.complete("read", seq, () => {
          if (this.#world.readFails(seq)) return done(readFailed, []);
          done(null, some);
        });
      },
      end: () => undefined,
    };
  }
}

function apply(pairs: Map<string, Uint8Array>, batch: Batch): void {
  for (const { key, value } of batch) {
    if (value === null) pairs.delete(key);
    else pairs.set(key, value);
  }
}
