/**
 * A machine: its disk and clock outlive the process on it, which starts, pauses, is killed and loses power. Everything
 * that reaches the process comes as a turn: one input, then the end of the turn, then a look by those who watch.
 */
import { assert } from "../../core/assert.ts";
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
import { SimClock, SimTimer, type TimerQueue } from "./clock.ts";
import { Devices, type DevicesHost } from "./devices.ts";
import { Directory } from "./directory.ts";
import { FoundStarts } from "./found-starts.ts";
import type { HostObserver } from "./host-observer.ts";
import { Inbox } from "./inbox.ts";
import {
  canStart,
  emptied,
  left,
  type MachineState,
  paused,
  resumed,
  started,
  stopped,
  toldToStop,
} from "./machine-state.ts";
import { MachineList } from "./machine-list.ts";
import type { SimNetwork } from "./network.ts";
import { SimRandom } from "./random.ts";
import type { StreamEvent } from "./stream.ts";
import type { StreamHost } from "./streams.ts";

/** Codes of the events that a host takes. */
export const hostEvents = { message: 1, timer: 2, disk: 3, request: 4, stream: 5, beat: 6 } as const;

type Completion = { readonly boot: number; readonly done: () => void };
type TimerEvent = { readonly boot: number; readonly timer: SimTimer };

/** What a machine stands in. */
export type HostWorld = {
  readonly scheduler: Scheduler;
  readonly network: SimNetwork;
  readonly draws: Draws;
  readonly plan: Plan;
  readonly observer: HostObserver<Host>;
};

/** One machine of a run, known by its id; machines are made before the run begins, spares too. */
export class Host implements StreamHost, DevicesHost, TimerQueue {
  readonly id: NodeId;
  /** Starts of this machine's process; completions and timers of an earlier one are dropped. */
  boot = 0;
  readonly devices: Devices;
  readonly directory: Directory;
  readonly notes: string[] = [];
  #state: MachineState = { kind: "unused" };
  /** Of the healed core: no fault of its own touches it any more. */
  #isHealed = false;
  /** It has begun empty, and can only join. */
  #isWiped = false;
  #store: StateStore;
  readonly found = new FoundStarts();
  readonly list: MachineList;
  readonly #scheduler: Scheduler;
  readonly #network: SimNetwork;
  readonly #draws: Draws;
  readonly #plan: Plan;
  readonly #observer: HostObserver<Host>;
  readonly #options: NodeOptions;
  readonly #inbox: Inbox;

  constructor(id: NodeId, { scheduler, network, draws, plan, observer }: HostWorld, options: NodeOptions) {
    this.id = id;
    this.#scheduler = scheduler;
    this.#network = network;
    this.#draws = draws;
    this.#plan = plan;
    this.list = new MachineList(plan);
    this.#observer = observer;
    this.#options = options;
    this.#inbox = new Inbox(scheduler, (at) => {
      scheduler.at(at, draws.u32("tie", id, this.boot, hostEvents.beat), this, hostEvents.beat, null);
    });
    this.devices = new Devices(this, draws, plan, options.engine !== "memory", {
      wrote: (file, offset, bytes, seq) => observer.wrote(this, file, offset, bytes, seq),
      synced: (file, throughSeq) => observer.synced(this, file, throughSeq),
      removed: (file) => observer.removed(this, file),
      truncated: (file, bytes) => observer.truncated(this, file, bytes),
      snapshotRemoved: () => observer.snapshotRemoved(this),
      snapshotsSynced: (media) => observer.snapshotsSynced(this, media),
      rowsSynced: () => observer.rowsSynced(this),
      pageRead: (page) => observer.pageRead(this, page),
      lieTold: (file) => observer.lieTold(id, file),
      struck: (what) => {
        if (what === "diskStall") this.disturbances += 1;
        observer.struck(what, id);
      },
    });
    this.#store = new MemoryState(plan.sessionLimits);
    this.directory = new Directory(this.devices);
    network.attach(this);
  }

  // --- what it is

  get state(): MachineState {
    return this.#state;
  }

  /** The process that runs on it, paused or not. */
  get node(): Node | null {
    return this.#state.kind === "up" ? this.#state.node : null;
  }

  /** Of the process that runs, or ran last. */
  get store(): StateStore {
    return this.#store;
  }

  get paused(): boolean {
    return this.#state.kind === "up" && this.#state.isPaused;
  }

  /** Its process has been told to stop. */
  get isStopping(): boolean {
    return this.#state.kind === "up" && this.#state.isStopping;
  }

  /** No process runs, and one may start on what is there. */
  get canStart(): boolean {
    return canStart(this.#state);
  }

  /** It does not come back by itself: it was removed, or has lost what nobody can give back. */
  get retired(): boolean {
    return this.#state.kind === "retired" || this.#state.kind === "lost";
  }

  /** It may be added to the cluster: it was never in it, or was removed. */
  get mayJoin(): boolean {
    return this.#state.kind === "unused" || this.#state.kind === "retired";
  }

  /** A power cut has taken synced rows; it has not started since. */
  get rowsDamaged(): boolean {
    return this.#state.kind === "down" && this.#state.areRowsDamaged;
  }

  /** Of the healed core: no fault of its own touches it any more. */
  get healed(): boolean {
    return this.#isHealed;
  }

  /** It has begun empty, and can only join. */
  get wiped(): boolean {
    return this.#isWiped;
  }

  /** The machine, on which no process runs, is replaced by an empty one of the same name. */
  wipe(): void {
    this.#state = emptied(this.#state);
    this.devices.replace();
    this.directory.wipe();
    this.#isWiped = true;
  }

  // --- the process

  /** Call it where `canStart`. */
  start(): void {
    this.boot += 1;
    const { boot } = this;
    this.directory.started();
    this.found.clear();
    this.#observer.starting(this);
    const clock = SimClock.ofBoot(boot, this, { scheduler: this.#scheduler, draws: this.#draws, plan: this.#plan });
    const network = this.#network.portOf(this.id, hostEvents.message, (to, envelope) => {
      if (this.boot === boot) this.#observer.sent(this.id, to, envelope);
      return this.boot === boot;
    });
    this.#network.streams?.started(this.id);
    const trace = {
      fact: (fact: Fact, a: number, b: number, c: number) => this.#observer.fact(this, fact, a, b, c),
      note: (level: string, text: string) => this.notes.push(`${level} ${text}`),
    };
    const { sessionLimits, limits } = this.#plan;
    const { disk, snapshotDisk, kv } = this.devices;
    this.#store = kv === null ? new MemoryState(sessionLimits) : new OrderedState(kv.open(), sessionLimits, limits);
    const random = new SimRandom(this.#draws, this.id, boot);
    const onEnd = (ending: Ending): void => this.#observer.ended(this, ending);
    const ports = {
      clock,
      disk: disk.open(),
      snapshotDisk: snapshotDisk.open(),
      network,
      random,
      trace,
      store: this.#store,
    };
    const peerUrl = this.#announcedUrl;
    const join = this.#options.join || this.#isWiped;
    const isJoining = join && (this.directory.identity?.genesis ?? null) === null;
    const cluster = this.list.urls(this.#network.addresses, isJoining);
    const node = new Node(ports, onEnd, { ...this.#options, cluster, peerUrl, join });
    this.#state = started(this.#state, node, clock);
    this.#turn(() => node.start());
  }

  /** A machine that has moved says where it is reached; where machines move, a spare says so from its first start. */
  get #announcedUrl(): string | null {
    const { addresses } = this.#network;
    const isListed = this.id <= this.#plan.nodes || this.#plan.faults.moved === 0;
    return isListed ? addresses.movedUrl(this.id) : addresses.urlOf(this.id);
  }

  /** The process is told to stop. Call it before `stopGracefully`, once. */
  tellToStop(): void {
    this.#state = toldToStop(this.#state);
  }

  /** It begins to; `done` comes in a turn of its own or never. */
  stopGracefully(done: () => void): void {
    this.#turn((node) => node.stop(done));
  }

  /** The process is gone. With `power`, so is the page cache; with `damage`, so are rows that had been synced. */
  stop(power: boolean, damage = false): void {
    this.node?.kill();
    this.#state = stopped(this.#state, power ? damage : null);
    this.boot += 1;
    // Nobody will take what comes behind it either.
    for (const { code, payload } of this.#inbox.takeAll())
      if (code === hostEvents.stream) this.#network.streams!.missed(payload as StreamEvent);
    this.#inbox.speedUp();
    this.#network.streams?.stopped(this.id, power);
    this.devices.kv?.processDied();
    if (power) this.devices.cutPower(damage);
  }

  /** The process that just ended by itself does not come back: `lost`, where nobody can give back what it lacks. */
  leave(kind: "retired" | "lost"): void {
    this.#state = left(this.#state, kind);
  }

  /** Whether it is kept from its turns, or its clock from going on. */
  get isHampered(): boolean {
    const isFrozen = this.#state.kind === "up" && this.#state.clock.isFrozen;
    return this.paused || this.#inbox.isSlow || isFrozen;
  }

  /** How often its process was kept from its turns, its clock from going on, or its disk from answering. */
  disturbances = 0;

  /** For `micros` it takes turns only every `beatMicros`: then, all that has come. */
  slowDown(micros: Micros, beatMicros: Micros): void {
    this.disturbances += 1;
    this.#inbox.slowDown(micros, beatMicros);
  }

  /** The clock of its process stands still. */
  freezeClock(micros: Micros, jumps: boolean): void {
    this.disturbances += 1;
    if (this.#state.kind === "up") this.#state.clock.freeze(micros, jumps);
  }

  /** No fault of its own from now on. */
  heal(): void {
    this.#isHealed = true;
    this.#inbox.speedUp();
    if (this.#state.kind === "up") this.#state.clock.unfreeze();
    this.resume();
  }

  /** It takes no turn before `resume`. */
  pause(): void {
    this.#state = paused(this.#state);
  }

  /** If it was paused, or had only its beats, it takes all that has come. */
  resume(): void {
    this.disturbances += 1;
    this.#state = resumed(this.#state);
    for (const { code, payload } of this.#inbox.takeAll()) this.#take(code, payload);
  }

  on(code: number, payload: unknown): void {
    if (code === hostEvents.beat) {
      this.#inbox.beat();
      if (!this.paused) this.resume();
      return;
    }
    const takesTurns = this.#state.kind === "up" && !this.#state.isPaused;
    if (takesTurns && this.#inbox.mustWait) return this.#inbox.putForBeat(code, payload);
    this.#take(code, payload);
  }

  #take(code: number, payload: unknown): void {
    if (this.#state.kind !== "up") {
      if (code === hostEvents.request) (payload as Request).refused();
      else if (code === hostEvents.stream) this.#network.streams!.missed(payload as StreamEvent);
      return;
    }
    if (this.#state.isPaused) {
      this.#inbox.put(code, payload);
      return;
    }
    if (code === hostEvents.message) {
      const envelope = payload as Envelope;
      this.#turn(() => this.hear(envelope, (reply) => this.#answer(envelope.from, reply)));
    } else if (code === hostEvents.stream) {
      this.#turn(() => this.#network.streams!.take(this, payload as StreamEvent));
    } else if (code === hostEvents.timer) {
      const { boot, timer } = payload as TimerEvent;
      if (boot === this.boot && this.#state.clock.due(timer)) this.#turn(() => timer.fire());
    } else if (code === hostEvents.disk) {
      const { boot, done } = payload as Completion;
      if (boot === this.boot) this.#turn(done);
    } else {
      assert(code === hostEvents.request, "a host takes the events of its table");
      this.#turn((node) => (payload as Request).run(node));
    }
  }

  /** Where there are no streams, an answer is a message like any other. */
  #answer(to: NodeId, envelope: Envelope): void {
    this.#observer.sent(this.id, to, envelope);
    this.#network.send(this.id, to, envelope, hostEvents.message);
  }

  /** A message, inside its turn. `dialled`: the address whose listener answers with it, where a stream brings it. */
  hear(envelope: Envelope, answer: (envelope: Envelope) => void, dialled: string | null = null): void {
    const { node } = this;
    if (node === null) return;
    if (node.replica === null) this.#network.introduce(envelope.from, node, this.id);
    this.#observer.received(this, envelope);
    node.receive(envelope, answer, dialled);
  }

  #turn(run: (node: Node) => void): void {
    if (this.#state.kind !== "up") return;
    const { node, clock } = this.#state;
    run(node);
    clock.runTurnEnds();
    this.#network.streams?.flush(this.id);
    if (this.directory.isRebinding) this.#lookWhetherRebound();
    this.#observer.turnEnded(this);
  }

  /** Whether its process, on its own clock, would answer reads by lease now. */
  get believesInLease(): boolean {
    // Where clocks may stand still nobody is asked to answer by lease.
    if (this.#plan.faults.clockStall > 0 || this.#state.kind !== "up") return false;
    const raft = this.#state.node.replica?.raft;
    return raft !== undefined && raft.leaseRead(this.#state.clock.now()) !== null;
  }

  #lookWhetherRebound(): void {
    const replica = this.node?.replica ?? null;
    if (replica === null || replica.raft.log.durableIndex < this.node!.incarnation) return;
    this.directory.rebound();
    this.list.rebound();
  }

  queueTimer(at: Micros, timer: SimTimer): void {
    const event: TimerEvent = { boot: this.boot, timer };
    this.#scheduler.at(at, this.#draws.u32("tie", this.id, at, hostEvents.timer), this, hostEvents.timer, event);
  }

  // --- what its devices ask

  get now(): Micros {
    return this.#scheduler.now;
  }

  complete(time: Micros, occasion: number, done: () => void): void {
    const event: Completion = { boot: this.boot, done };
    this.#scheduler.at(time, this.#draws.u32("tie", this.id, occasion, hostEvents.disk), this, hostEvents.disk, event);
  }
}

/** A client's request, as a host takes it. */
export type Request = { readonly run: (node: Node) => void; readonly refused: () => void };
