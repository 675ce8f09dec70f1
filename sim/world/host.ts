/**
 * A machine: its disk and clock outlive the process on it, which starts, pauses, is killed and loses power. Everything
 * that reaches the process comes as a turn: one input, then the end of the turn, then a look by those who watch.
 */
import { Node } from "../../core/node/node.ts";
import type { Ending, NodeOptions } from "../../core/node/options.ts";
import type { Fact } from "../../core/ports.ts";
import { MemoryState } from "../../core/storage/memory-state.ts";
import { OrderedState } from "../../core/storage/ordered-state.ts";
import type { StateStore } from "../../core/storage/state-store.ts";
import type { Envelope } from "../../core/raft/messages.ts";
import type { Micros, NodeId } from "../../core/units.ts";
import { Copies, type Draws } from "../draws.ts";
import type { Plan } from "../nemesis/options.ts";
import type { Scheduler, Target } from "../scheduler.ts";
import { SimClock, SimTimer } from "./clock.ts";
import { type DiskRole, type DiskWorld, readMicros, SimDisk } from "./disk.ts";
import type { SimNetwork } from "./network.ts";
import { SimKv } from "./ordered-kv.ts";
import { SimRandom } from "./random.ts";
import { vouchedPlace } from "./vouched.ts";

/** Codes of the events that a host takes. */
export const hostEvents = { message: 1, timer: 2, disk: 3, request: 4 } as const;

/** Somebody who watches: the simulator. All calls come inside the host's turn, but `turnEnded`, which closes it. */
export interface Watcher {
  sent(from: NodeId, to: NodeId, envelope: Envelope): void;
  received(host: Host, envelope: Envelope): void;
  fact(host: Host, fact: Fact, a: number, b: number, c: number): void;
  wrote(host: Host, file: string, bytes: Uint8Array, seq: number): void;
  synced(host: Host, file: string, throughSeq: number): void;
  removed(host: Host, file: string): void;
  /** What a power cut would leave of the directory of snapshots, whose names were just made durable. */
  snapshotsSynced(host: Host, media: ReadonlyMap<string, Uint8Array>): void;
  /** The rows of `host` as they are now survive a power cut. */
  rowsSynced(host: Host): void;
  turnEnded(host: Host): void;
  /** A process is about to start on what its disk holds. */
  starting(host: Host): void;
  ended(host: Host, ending: Ending): void;
  /** What a sync had promised is gone with the power. */
  lieTold(id: NodeId): void;
  /** Its disk stalls, or fails. */
  struck(what: "diskStall" | "syncFailure" | "readFailure" | "writeFailure" | "syncLie", id: NodeId): void;
}

/** Where the numbers of the snapshot disk's changes begin, so that its draws are its own. */
const snapshotDiskSeq = 1_000_000_000;
const kvSeq = 2_000_000_000;

type Completion = { readonly life: number; readonly done: () => void };
type TimerEvent = { readonly life: number; readonly timer: SimTimer };

export class Host implements Target, DiskWorld {
  readonly id: NodeId;
  disk: SimDisk;
  snapshotDisk: SimDisk;
  /** Where its rows are, if they outlive the process. */
  kv: SimKv | null;
  store: StateStore;
  node: Node | null = null;
  /** Starts of this machine's process; completions and timers of an earlier one are dropped. */
  life = 0;
  paused = false;
  /** Frozen for the rest of the run: no fault and no healing touches it any more. */
  healed = false;
  /** Removed from the cluster: it does not come back by itself. */
  retired = false;
  /** It has begun anew, and can only join. */
  wiped = false;
  /** A power cut has taken synced rows; it has not started since. */
  rowsDamaged = false;
  /** Its log was damaged, and it has not been bound anew since. */
  mustRecover = false;
  /** Nobody can give back what it has lost: only a copy of its directory would help. */
  dead = false;
  /** Its log was lost, and it counts for nothing until it holds the entry that binds it anew. */
  isRecovering = false;
  notes: string[] = [];
  /** No sync ends before that time; and the next one fails. */
  syncsHeldUntil: Micros = 0;
  nextSyncFails = false;
  readonly #scheduler: Scheduler;
  readonly #network: SimNetwork;
  readonly #draws: Draws;
  readonly #plan: Plan;
  readonly #watcher: Watcher;
  readonly #options: NodeOptions;
  readonly #copies = new Copies();
  #clock: SimClock | null = null;
  #waiting: { code: number; payload: unknown }[] = [];

  constructor(
    id: NodeId,
    scheduler: Scheduler,
    network: SimNetwork,
    draws: Draws,
    plan: Plan,
    watcher: Watcher,
    options: NodeOptions,
  ) {
    this.id = id;
    this.#scheduler = scheduler;
    this.#network = network;
    this.#draws = draws;
    this.#plan = plan;
    this.#watcher = watcher;
    this.#options = options;
    this.disk = new SimDisk(this, 0);
    this.snapshotDisk = new SimDisk(this.#snapshotWorld(), snapshotDiskSeq);
    this.kv = this.#newKv();
    this.store = new MemoryState(plan.sessionLimits);
    network.attach(id, this);
  }

  #newKv(): SimKv | null {
    if (this.#options.engine === "memory") return null;
    return new SimKv({
      complete: (role, occasion, done) => this.complete(role, kvSeq + occasion, done),
      syncFails: (occasion) => this.syncFails(kvSeq + occasion),
      left: (bound, occasion) => this.#draws.below(bound, "crashRows", this.id, this.life, occasion),
      kvSynced: () => this.#watcher.rowsSynced(this),
    });
  }

  /** The machine is replaced by an empty one of the same name. */
  wipe(): void {
    this.disk = new SimDisk(this, 0);
    this.snapshotDisk = new SimDisk(this.#snapshotWorld(), snapshotDiskSeq);
    this.kv = this.#newKv();
    this.retired = false;
    this.mustRecover = false;
    this.isRecovering = false;
    this.wiped = true;
  }

  /** The same world, watched for other things. */
  #snapshotWorld(): DiskWorld {
    return {
      complete: (role, occasion, done) => this.complete(role, occasion, done),
      syncFails: (occasion) => this.syncFails(occasion),
      syncLies: (occasion) => this.syncLies(occasion),
      lieTold: () => this.lieTold(),
      readFails: (occasion) => this.readFails(snapshotDiskSeq + occasion),
      writeFails: (occasion, length) => this.writeFails(occasion, length),
      survives: (seq) => this.survives(seq),
      sectorSurvives: (seq, sector) => this.sectorSurvives(seq, sector),
      namesSurviving: (count) => this.namesSurviving(count),
      wrote: () => undefined,
      synced: () => undefined,
      removed: () => undefined,
      namesSynced: (media) => this.#watcher.snapshotsSynced(this, media()),
    };
  }

  // --- the process

  start(): void {
    this.life += 1;
    const { life } = this;
    this.#watcher.starting(this);
    this.rowsDamaged = false;
    const offset = this.#draws.below(1_000_000_000, "clockOffset", this.id, life);
    const drift = this.#plan.faults.clockDrift;
    const rate = 1 + (drift === 0 ? 0 : (this.#draws.below(2 * drift, "clockRate", this.id, life) - drift) / 1_000_000);
    const clock = new SimClock(this.#scheduler, this, offset, rate);
    this.#clock = clock;
    const network = {
      send: (to: NodeId, envelope: Envelope) => {
        if (this.life !== life) return;
        this.#watcher.sent(this.id, to, envelope);
        this.#network.send(this.id, to, envelope, hostEvents.message);
      },
      // The harder world: nobody is told that a peer is gone.
      connected: () => true,
      setPeers: () => undefined,
    };
    const trace = {
      fact: (fact: Fact, a: number, b: number, c: number) => this.#watcher.fact(this, fact, a, b, c),
      note: (level: string, text: string) => this.notes.push(`${level} ${text}`),
    };
    const { sessionLimits } = this.#plan;
    this.store = this.kv === null ? new MemoryState(sessionLimits) : new OrderedState(this.kv.open(), sessionLimits);
    const random = new SimRandom(this.#draws, this.id, life);
    const onEnd = (ending: Ending): void => this.#watcher.ended(this, ending);
    const ports = {
      clock,
      disk: this.disk.open(),
      snapshotDisk: this.snapshotDisk.open(),
      network,
      random,
      trace,
      store: this.store,
    };
    const node = new Node(ports, onEnd, { ...this.#options, join: this.#options.join || this.wiped });
    this.node = node;
    this.#turn(() => node.start());
  }

  /** The process is gone. With `power`, so is the page cache; with `damage`, so are rows that had been synced. */
  stop(power: boolean, damage = false): void {
    this.node?.kill();
    this.node = null;
    this.life += 1;
    this.paused = false;
    this.#waiting = [];
    this.kv?.processDied();
    if (!power) return;
    this.kv?.cutPower(damage);
    this.rowsDamaged = damage;
    this.disk.cutPower();
    this.snapshotDisk.cutPower();
  }

  /** Damages the log of this machine, which is down, below what had been synced; false where there is nothing of that. */
  damageLog(): boolean {
    const place = vouchedPlace(this.disk.contents(), (bound) => this.#draws.below(bound, "damage", this.id, this.life));
    if (place === null) return false;
    this.disk.damage(place.name, place.offset);
    this.mustRecover = true;
    this.isRecovering = true;
    return true;
  }

  resume(): void {
    this.paused = false;
    for (const { code, payload } of this.#waiting.splice(0)) this.on(code, payload);
  }

  on(code: number, payload: unknown): void {
    if (this.node === null) {
      if (code === hostEvents.request) (payload as Request).refused();
      return;
    }
    if (this.paused) {
      this.#waiting.push({ code, payload });
      return;
    }
    if (code === hostEvents.message) {
      const envelope = payload as Envelope;
      this.#turn((node) => {
        this.#watcher.received(this, envelope);
        node.receive(envelope);
      });
    } else if (code === hostEvents.timer) {
      const { life, timer } = payload as TimerEvent;
      if (life === this.life && this.#clock?.due(timer) === true) this.#turn(() => timer.fire());
    } else if (code === hostEvents.disk) {
      const { life, done } = payload as Completion;
      if (life === this.life) this.#turn(done);
    } else {
      this.#turn((node) => (payload as Request).run(node));
    }
  }

  #turn(run: (node: Node) => void): void {
    if (this.node === null || this.#clock === null) return;
    const clock = this.#clock;
    run(this.node);
    clock.runTurnEnds();
    if (this.isRecovering) this.#lookWhetherWhole();
    this.#watcher.turnEnded(this);
  }

  /** Whether its process, on its own clock, would answer reads by lease now. */
  get believesInLease(): boolean {
    const raft = this.node?.running?.raft;
    return raft !== undefined && this.#clock !== null && raft.leaseRead(this.#clock.now()) !== null;
  }

  #lookWhetherWhole(): void {
    const running = this.node?.running ?? null;
    if (this.mustRecover || running === null) return;
    this.isRecovering = running.raft.log.durableIndex < this.node!.status().incarnation;
  }

  queueTimer(at: Micros, timer: SimTimer): void {
    const event: TimerEvent = { life: this.life, timer };
    this.#scheduler.at(at, this.#draws.u32("tie", this.id, at, hostEvents.timer), this, hostEvents.timer, event);
  }

  // --- what the disk asks

  complete(role: DiskRole, occasion: number, done: () => void): void {
    const { syncMicros, faults } = this.#plan;
    let micros = readMicros;
    if (role !== "read") {
      const copy = this.#copies.next(occasion * 2 + (role === "sync" ? 1 : 0));
      micros = syncMicros / 2 + this.#draws.below(syncMicros * 1.5, "syncLatency", this.id, occasion, copy);
      const stalls = !this.healed && this.#draws.chance(faults.diskStall, "syncStall", this.id, occasion, copy);
      if (stalls) this.#watcher.struck("diskStall", this.id);
      if (stalls) micros += this.#draws.below(3_000_000, "syncStall", this.id, occasion, copy + 1_000_000);
    }
    const held = role === "sync" ? this.syncsHeldUntil : 0;
    const time = Math.max(held, this.#scheduler.now + Math.ceil(micros));
    const event: Completion = { life: this.life, done };
    this.#scheduler.at(time, this.#draws.u32("tie", this.id, occasion, hostEvents.disk), this, hostEvents.disk, event);
  }

  syncFails(occasion: number): boolean {
    if (this.nextSyncFails) {
      this.nextSyncFails = false;
      return true;
    }
    const fails =
      !this.healed && this.#draws.chance(this.#plan.faults.syncFailure, "syncFailure", this.id, occasion, this.life);
    if (fails) this.#watcher.struck("syncFailure", this.id);
    return fails;
  }

  syncLies(occasion: number): boolean {
    const ppm = this.healed ? 0 : this.#plan.faults.syncLie;
    const lies = this.#draws.chance(ppm, "syncLie", this.id, occasion, this.life);
    if (lies) this.#watcher.struck("syncLie", this.id);
    return lies;
  }

  lieTold(): void {
    this.#watcher.lieTold(this.id);
  }

  readFails(occasion: number): boolean {
    const ppm = this.healed ? 0 : this.#plan.faults.readFailure;
    const fails = this.#draws.chance(ppm, "readFailure", this.id, occasion, this.life);
    if (fails) this.#watcher.struck("readFailure", this.id);
    return fails;
  }

  writeFails(occasion: number, length: number): number | null {
    const ppm = this.healed ? 0 : this.#plan.faults.writeFailure;
    if (!this.#draws.chance(ppm, "writeFailure", this.id, occasion, this.life)) return null;
    this.#watcher.struck("writeFailure", this.id);
    return this.#draws.below(length + 1, "failedPart", this.id, occasion, this.life);
  }

  survives(seq: number): boolean {
    return this.#draws.below(2, "crashKeep", this.id, seq, this.life) === 0;
  }

  sectorSurvives(seq: number, sector: number): boolean {
    // Half of the surviving writes are whole.
    const whole = this.#draws.below(2, "crashTear", this.id, seq, this.life) === 0;
    return whole || this.#draws.below(2, "crashTear", this.id, seq, this.life, sector + 1) === 0;
  }

  namesSurviving(count: number): number {
    return this.#draws.below(count + 1, "crashNames", this.id, this.life);
  }

  wrote(file: string, _offset: number, bytes: Uint8Array, seq: number): void {
    this.#watcher.wrote(this, file, bytes, seq);
  }

  synced(file: string, throughSeq: number): void {
    this.#watcher.synced(this, file, throughSeq);
  }

  removed(file: string): void {
    this.#watcher.removed(this, file);
  }

  namesSynced(): void {
    // Of the log's names nothing is asked here.
  }
}

/** A client's request, as a host takes it. */
export type Request = { readonly run: (node: Node) => void; readonly refused: () => void };
