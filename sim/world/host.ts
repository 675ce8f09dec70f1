/**
 * A machine: its disk and clock outlive the process on it, which starts, pauses, is killed and loses power. Everything
 * that reaches the process comes as a turn: one input, then the end of the turn, then a look by those who watch.
 */
import { Node } from "../../core/node/node.ts";
import type { Ending, NodeOptions } from "../../core/node/options.ts";
import type { Fact } from "../../core/ports.ts";
import type { Envelope } from "../../core/protocol/message.ts";
import { MemoryState } from "../../core/storage/memory-state.ts";
import { OrderedState } from "../../core/storage/ordered-state.ts";
import type { StateStore } from "../../core/storage/state-store.ts";
import type { Micros, NodeId } from "../../core/units.ts";
import type { Draws } from "../draws.ts";
import type { Plan } from "../plan/plan.ts";
import type { Scheduler } from "../scheduler.ts";
import { SimClock, type SimTimer, type TimerQueue } from "./clock.ts";
import { Directory, type DirectoryHost } from "./directory.ts";
import { type DiskRole, type DiskWorld, SimDisk } from "./disk.ts";
import { HostDiskChance } from "./disk-chance.ts";
import type { SimNetwork } from "./network.ts";
import { SimKv } from "./ordered-kv.ts";
import { SimRandom } from "./random.ts";
import type { StreamEvent } from "./stream.ts";
import type { StreamHost } from "./streams.ts";
import type { HostObserver } from "./host-observer.ts";

/** Codes of the events that a host takes. */
export const hostEvents = { message: 1, timer: 2, disk: 3, request: 4, stream: 5, beat: 6 } as const;

/** Where the numbers of the snapshot disk's changes begin, so that its draws are its own. */
const snapshotDiskSeq = 1_000_000_000;
const kvSeq = 2_000_000_000;

type Completion = { readonly boot: number; readonly done: () => void };
type TimerEvent = { readonly boot: number; readonly timer: SimTimer };

export class Host implements StreamHost, DiskWorld, DirectoryHost, TimerQueue {
  readonly id: NodeId;
  disk: SimDisk;
  snapshotDisk: SimDisk;
  /** Where its rows are, if they outlive the process. */
  kv: SimKv | null;
  store: StateStore;
  node: Node | null = null;
  /** Starts of this machine's process; completions and timers of an earlier one are dropped. */
  boot = 0;
  paused = false;
  /** Frozen for the rest of the run: no fault and no healing touches it any more. */
  healed = false;
  /** Its process has been told to stop. */
  isStopping = false;
  /** Removed from the cluster: it does not come back by itself. */
  retired = false;
  /** It has begun anew, and can only join. */
  wiped = false;
  /** Of how many machines, from n1 on, the list is that the operator gives at a start. */
  listLength: number;
  /** A power cut has taken synced rows; it has not started since. */
  rowsDamaged = false;
  /** Nobody can give back what it has lost: only a copy of its directory would help. */
  dead = false;
  readonly directory: Directory;
  notes: string[] = [];
  /** No sync ends before that time. */
  syncsHeldUntil: Micros = 0;
  /** The newest boot that its process, taking part, has heard of each directory, by node and incarnation. */
  readonly #heardBoots = new Map<string, number>();
  readonly chance: HostDiskChance;
  readonly #scheduler: Scheduler;
  readonly #network: SimNetwork;
  readonly #draws: Draws;
  readonly #plan: Plan;
  readonly #observer: HostObserver<Host>;
  readonly #options: NodeOptions;
  #clock: SimClock | null = null;
  readonly #waiting: { code: number; payload: unknown }[] = [];
  /** Until then it takes turns only at beats, so long apart. */
  #slowUntil: Micros = 0;
  #beatMicros: Micros = 0;
  #beatIsDue = false;

  constructor(
    id: NodeId,
    scheduler: Scheduler,
    network: SimNetwork,
    draws: Draws,
    plan: Plan,
    observer: HostObserver<Host>,
    options: NodeOptions,
  ) {
    this.id = id;
    this.#scheduler = scheduler;
    this.#network = network;
    this.#draws = draws;
    this.#plan = plan;
    this.listLength = plan.nodes;
    this.#observer = observer;
    this.#options = options;
    this.chance = new HostDiskChance(this, draws, plan, (what) => observer.struck(what, id));
    this.disk = new SimDisk(this, 0);
    this.snapshotDisk = new SimDisk(this.#snapshotWorld(), snapshotDiskSeq);
    this.kv = this.#newKv();
    this.store = new MemoryState(plan.sessionLimits);
    this.directory = new Directory(this);
    network.attach(this);
  }

  #newKv(): SimKv | null {
    if (this.#options.engine === "memory") return null;
    return new SimKv({
      complete: (role, occasion, done) => this.complete(role, kvSeq + occasion, done),
      syncFails: (occasion) => this.chance.syncFails(kvSeq + occasion),
      readFails: (occasion) => this.chance.rowsReadFails(occasion),
      left: (bound, occasion) => this.#draws.below(bound, "crashRows", this.id, this.boot, occasion),
      kvSynced: () => this.#observer.rowsSynced(this),
    });
  }

  /** The machine is replaced by an empty one of the same name. */
  wipe(): void {
    this.disk = new SimDisk(this, 0);
    this.snapshotDisk = new SimDisk(this.#snapshotWorld(), snapshotDiskSeq);
    this.kv = this.#newKv();
    this.retired = false;
    this.directory.wipe();
    this.wiped = true;
  }

  /** The same world, watched for other things. */
  #snapshotWorld(): DiskWorld {
    return {
      chance: this.chance,
      complete: (role, occasion, done) => this.complete(role, occasion, done),
      lieTold: (file) => this.lieTold(file),
      wrote: () => undefined,
      synced: () => undefined,
      removed: () => undefined,
      namesSynced: (media) => this.#observer.snapshotsSynced(this, media()),
    };
  }

  // --- the process

  start(): void {
    this.boot += 1;
    const { boot } = this;
    this.#heardBoots.clear();
    this.#observer.starting(this);
    this.rowsDamaged = false;
    const offset = this.#draws.below(1_000_000_000, "clockOffset", this.id, boot);
    const drift = this.#plan.faults.clockDrift;
    const rate = 1 + (drift === 0 ? 0 : (this.#draws.below(2 * drift, "clockRate", this.id, boot) - drift) / 1_000_000);
    const clock = new SimClock(this.#scheduler, this, offset, rate);
    this.#clock = clock;
    const network = this.#network.portOf(this.id, hostEvents.message, (to, envelope) => {
      if (this.boot === boot) this.#observer.sent(this.id, to, envelope);
      return this.boot === boot;
    });
    this.#network.streams?.started(this.id);
    const trace = {
      fact: (fact: Fact, a: number, b: number, c: number) => this.#observer.fact(this, fact, a, b, c),
      note: (level: string, text: string) => this.notes.push(`${level} ${text}`),
    };
    const { sessionLimits } = this.#plan;
    this.store = this.kv === null ? new MemoryState(sessionLimits) : new OrderedState(this.kv.open(), sessionLimits);
    const random = new SimRandom(this.#draws, this.id, boot);
    const onEnd = (ending: Ending): void => this.#observer.ended(this, ending);
    const ports = {
      clock,
      disk: this.disk.open(),
      snapshotDisk: this.snapshotDisk.open(),
      network,
      random,
      trace,
      store: this.store,
    };
    // Its operator knows where everybody is now.
    const cluster = this.#network.addresses.list(this.listLength);
    const peerUrl = this.#announcedUrl;
    const node = new Node(ports, onEnd, { ...this.#options, cluster, peerUrl, join: this.#options.join || this.wiped });
    this.node = node;
    this.#turn(() => node.start());
  }

  /** One that is not in the founders' list says where it is reached, and so does one that has moved. */
  get #announcedUrl(): string | null {
    const { addresses } = this.#network;
    const isListed = this.id <= this.#plan.nodes || this.#plan.faults.moved === 0;
    return isListed ? addresses.movedUrl(this.id) : addresses.urlOf(this.id);
  }

  /** The process is told to stop; `done` comes in a turn of its own or never. */
  stopGracefully(done: () => void): void {
    this.#turn((node) => node.stop(done));
  }

  /** The process is gone. With `power`, so is the page cache; with `damage`, so are rows that had been synced. */
  stop(power: boolean, damage = false): void {
    this.node?.kill();
    this.node = null;
    this.boot += 1;
    this.paused = false;
    this.isStopping = false;
    // Nobody will take what comes behind it either.
    for (const { code, payload } of this.#waiting.splice(0))
      if (code === hostEvents.stream) this.#network.streams!.missed(payload as StreamEvent);
    this.#slowUntil = 0;
    this.#network.streams?.stopped(this.id, power);
    this.kv?.processDied();
    if (!power) return;
    this.kv?.cutPower(damage);
    this.rowsDamaged = damage;
    this.disk.cutPower();
    this.snapshotDisk.cutPower();
  }

  drawDamage(bound: number): number {
    return this.#draws.below(bound, "damage", this.id, this.boot);
  }

  /** Whether it is kept from its turns, or its clock from going on. */
  get isHampered(): boolean {
    return this.paused || this.#scheduler.now < this.#slowUntil || this.#clock?.isFrozen === true;
  }

  /** How often its process was kept from its turns, or its clock from going on. */
  disturbances = 0;

  /** For `micros` it takes turns only every `beatMicros`: then, all that has come. */
  slowDown(micros: Micros, beatMicros: Micros): void {
    this.disturbances += 1;
    this.#slowUntil = this.#scheduler.now + micros;
    this.#beatMicros = beatMicros;
  }

  /** The clock of its process stands still. */
  freezeClock(micros: Micros, jumps: boolean): void {
    this.disturbances += 1;
    this.#clock?.stand(micros, jumps);
  }

  /** No fault of its own from now on. */
  heal(): void {
    this.healed = true;
    this.#slowUntil = 0;
    this.#clock?.wake();
    this.resume();
  }

  #waitForBeat(): void {
    if (this.#beatIsDue) return;
    this.#beatIsDue = true;
    const tie = this.#draws.u32("tie", this.id, this.boot, hostEvents.beat);
    this.#scheduler.at(this.#scheduler.now + this.#beatMicros, tie, this, hostEvents.beat, null);
  }

  resume(): void {
    this.disturbances += 1;
    this.paused = false;
    for (const { code, payload } of this.#waiting.splice(0)) this.#take(code, payload);
  }

  on(code: number, payload: unknown): void {
    if (code === hostEvents.beat) {
      this.#beatIsDue = false;
      if (!this.paused) this.resume();
      return;
    }
    const isSlow = this.#scheduler.now < this.#slowUntil || this.#waiting.length > 0;
    if (this.node !== null && !this.paused && isSlow) {
      this.#waiting.push({ code, payload });
      return this.#waitForBeat();
    }
    this.#take(code, payload);
  }

  #take(code: number, payload: unknown): void {
    if (this.node === null) {
      if (code === hostEvents.request) (payload as Request).refused();
      else if (code === hostEvents.stream) this.#network.streams!.missed(payload as StreamEvent);
      return;
    }
    if (this.paused) {
      this.#waiting.push({ code, payload });
      return;
    }
    if (code === hostEvents.message) {
      const envelope = payload as Envelope;
      this.#turn(() => this.hear(envelope, (reply) => this.#answer(envelope.from, reply)));
    } else if (code === hostEvents.stream) {
      this.#turn(() => this.#network.streams!.take(this, payload as StreamEvent));
    } else if (code === hostEvents.timer) {
      const { boot, timer } = payload as TimerEvent;
      if (boot === this.boot && this.#clock?.due(timer) === true) this.#turn(() => timer.fire());
    } else if (code === hostEvents.disk) {
      const { boot, done } = payload as Completion;
      if (boot === this.boot) this.#turn(done);
    } else {
      this.#turn((node) => (payload as Request).run(node));
    }
  }

  /** Where there are no streams, an answer is a message like any other. */
  #answer(to: NodeId, envelope: Envelope): void {
    this.#observer.sent(this.id, to, envelope);
    this.#network.send(this.id, to, envelope, hostEvents.message);
  }

  /** A message, inside its turn. */
  hear(envelope: Envelope, answer: (envelope: Envelope) => void): void {
    if (this.node === null) return;
    if (this.node.replica === null) this.#network.introduce(envelope.from, this.node, this.id);
    this.#observer.received(this, envelope);
    const { from, fromIncarnation, fromBoot } = envelope;
    const key = `${from}.${fromIncarnation}`;
    if (this.node.replica !== null) this.#heardBoots.set(key, Math.max(fromBoot, this.#heardBoots.get(key) ?? 0));
    this.node.receive(envelope, answer);
  }

  /** Whether its process would tell an older start of that directory from its newest one. */
  hasHeardOf(id: NodeId, incarnation: number, boot: number): boolean {
    return (this.#heardBoots.get(`${id}.${incarnation}`) ?? -1) >= boot;
  }

  #turn(run: (node: Node) => void): void {
    if (this.node === null || this.#clock === null) return;
    const clock = this.#clock;
    run(this.node);
    clock.runTurnEnds();
    this.#network.streams?.flush(this.id);
    if (this.directory.isRecovering) this.#lookWhetherWhole();
    this.#observer.turnEnded(this);
  }

  /** Whether its process, on its own clock, would answer reads by lease now. */
  get believesInLease(): boolean {
    const raft = this.node?.replica?.raft;
    // Where clocks may stand still nobody is asked to answer by lease.
    if (this.#plan.faults.clockStall > 0) return false;
    return raft !== undefined && this.#clock !== null && raft.leaseRead(this.#clock.now()) !== null;
  }

  #lookWhetherWhole(): void {
    const replica = this.node?.replica ?? null;
    if (this.directory.mustRecover || replica === null) return;
    this.directory.isRecovering = replica.raft.log.durableIndex < this.node!.status().incarnation;
  }

  queueTimer(at: Micros, timer: SimTimer): void {
    const event: TimerEvent = { boot: this.boot, timer };
    this.#scheduler.at(at, this.#draws.u32("tie", this.id, at, hostEvents.timer), this, hostEvents.timer, event);
  }

  // --- what the disk asks

  complete(role: DiskRole, occasion: number, done: () => void): void {
    const held = role === "sync" ? this.syncsHeldUntil : 0;
    const time = Math.max(held, this.#scheduler.now + this.chance.latency(role, occasion));
    const event: Completion = { boot: this.boot, done };
    this.#scheduler.at(time, this.#draws.u32("tie", this.id, occasion, hostEvents.disk), this, hostEvents.disk, event);
  }

  lieTold(file: string): void {
    this.#observer.lieTold(this.id, file);
  }

  wrote(file: string, _offset: number, bytes: Uint8Array, seq: number): void {
    this.#observer.wrote(this, file, bytes, seq);
  }

  synced(file: string, throughSeq: number): void {
    this.#observer.synced(this, file, throughSeq);
  }

  removed(file: string): void {
    this.#observer.removed(this, file);
  }

  namesSynced(): void {
    // Of the log's names nothing is asked here.
  }
}

/** A client's request, as a host takes it. */
export type Request = { readonly run: (node: Node) => void; readonly refused: () => void };
