/**
 * The world of one run: N nodes on simulated ports, clients, an operator, a nemesis, and those who watch. The same plan
 * gives the same world, event for event. Here it is only put together; what happens goes over the bus.
 */
import { OnlineChecker, type Operation } from "../checker/online.ts";
import type { Configuration } from "../core/protocol/configuration.ts";
import type { Raft } from "../core/raft/raft.ts";
import type { Micros, NodeId } from "../core/units.ts";
import { Bus } from "./bus.ts";
import { type Decision, Draws } from "./draws.ts";
import { Intervener } from "./intervener.ts";
import type { Intervention } from "./interventions.ts";
import { runMustEnd } from "./laws/limits.ts";
import { MachineKeeper } from "./machine-keeper.ts";
import { Coverage } from "./nemesis/coverage.ts";
import { FaultMoments } from "./nemesis/fault-moments.ts";
import { LoopCoverage } from "./nemesis/loops.ts";
import { type CoverageSink, Marks } from "./nemesis/marks.ts";
import { Nemesis } from "./nemesis/nemesis.ts";
import { nodeOptions } from "./node-options.ts";
import { hasLived } from "./plan/origin.ts";
import type { Plan } from "./plan/plan.ts";
import type { Answers } from "./safety/answers.ts";
import { BoundedWaits } from "./safety/bounded-waits.ts";
import { ChangeWatch } from "./safety/change-watch.ts";
import { ClusterView } from "./safety/cluster-view.ts";
import { Departures } from "./safety/departures.ts";
import { DirectoryWatch } from "./safety/directory-watch.ts";
import { Ghost } from "./safety/ghost.ts";
import { Judge } from "./safety/judge.ts";
import { LyingDiskLedger } from "./safety/lying-disk-ledger.ts";
import { FaultBudget } from "./safety/redundancy.ts";
import { Scheduler } from "./scheduler.ts";
import { StateRecorder } from "./state-recorder.ts";
import { TraceWriter } from "./trace-writer.ts";
import type { Recorder } from "./trace/recorder.ts";
import { Trace } from "./trace/trace.ts";
import { Client, type ClientWorld } from "./workload/client.ts";
import { HandClient } from "./workload/hand-client.ts";
import { Monitor } from "./workload/monitor.ts";
import { Operator } from "./workload/operator.ts";
import { Reader } from "./workload/reader.ts";
import { targetsOf } from "./workload/targets.ts";
import type { Addresses } from "./world/addresses.ts";
import { Host, hostEvents } from "./world/host.ts";
import { livedDirectory } from "./world/lived-directory.ts";
import { SimNetwork } from "./world/network.ts";

/** How a world is watched and directed. Without `invariants` no fault strikes that only the ghost could allow. */
export type WorldOptions = {
  /** Takes each line of the trace as it happens, or null. */
  readonly print: ((line: string) => void) | null;
  /** False: only the client history is judged. */
  readonly invariants: boolean;
  /** What goes wrong and is asked, and nothing else; null: whatever the seed draws. */
  readonly given?: readonly Decision[] | null;
  /** Whether all of that is kept. */
  readonly keepsDecisions?: boolean;
  /** What somebody does by hand, in the order of its events. */
  readonly interventions?: readonly Intervention[] | null;
  /** Keeps every line of the trace. */
  readonly recorder?: Recorder | null;
};

/** One world, which runs once. After a Violation it must not go on. */
export class Simulator implements ClientWorld {
  readonly plan: Plan;
  readonly bus = new Bus();
  readonly scheduler = new Scheduler();
  readonly draws: Draws;
  readonly network: SimNetwork;
  readonly hosts: readonly Host[];
  readonly view: ClusterView;
  readonly machines: MachineKeeper;
  readonly clients: Client[] = [];
  readonly online = new OnlineChecker();
  /** Sends what is asked by hand, behind the last client. */
  readonly hand: HandClient;
  readonly intervener: Intervener;
  readonly operator: Operator;
  readonly reader: Reader;
  readonly monitor: Monitor;
  readonly nemesis: Nemesis;
  readonly trace: Trace;
  readonly ghost: Ghost;
  /** Whether the ghost judges. */
  readonly isJudged: boolean;
  /** What the committed prefix says of answers; null where the ghost does not judge. */
  readonly answers: Answers | null;
  readonly history: Operation[] = [];
  /** Null: no report is to be written. */
  readonly stateRecorder: StateRecorder | null;
  readonly marks = new Marks();
  readonly budget: FaultBudget;
  /** Tier c: what was lost of what disks had promised. */
  readonly lies = new LyingDiskLedger();
  /** The healed core of the liveness phase; empty before. */
  core: readonly NodeId[] = [];

  constructor(plan: Plan, options: WorldOptions) {
    const { bus, scheduler, lies } = this;
    const recorder = options.recorder ?? null;
    this.plan = plan;
    this.isJudged = options.invariants;
    this.draws = new Draws(plan.seed, options.given ?? null, options.keepsDecisions);
    this.trace = new Trace(options.print, recorder);
    this.ghost = new Ghost(plan.nodes + plan.spares, plan.sessionLimits, plan.origin);
    this.answers = this.isJudged ? this.ghost.answers : null;
    const { draws, trace, ghost, isJudged } = this;
    this.network = new SimNetwork(scheduler, draws, plan, hostEvents.stream);
    this.network.recorder = recorder;
    this.network.struck = (what, from) => bus.struck(what, from);
    if (plan.faults.burst > 0 && isJudged) this.network.departures = ghost.departures = new Departures();
    const { network } = this;
    const ids = Array.from({ length: plan.nodes + plan.spares }, (_, k) => k + 1);
    this.hosts = ids.map(
      (id) => new Host(id, { scheduler, network, draws, plan, observer: bus }, nodeOptions(plan, id)),
    );
    const { hosts } = this;
    this.view = new ClusterView(isJudged ? ghost : null, hosts, plan.nodes);
    this.budget = new FaultBudget(ghost, lies, hosts, plan.tier, isJudged);
    this.nemesis = new Nemesis({
      scheduler,
      draws,
      plan,
      hosts,
      network,
      trace,
      budget: this.budget,
      coverage: coverageOf(bus, this.view),
    });
    this.machines = new MachineKeeper(this, bus);
    this.monitor = new Monitor(scheduler, draws, plan, this);
    this.reader = new Reader(scheduler, draws, plan, this);
    this.hand = new HandClient(plan.clients + 1, scheduler, draws, plan.latencyMicros, this);
    this.intervener = new Intervener(this, options.interventions ?? []);
    this.operator = new Operator(scheduler, draws, plan, this);
    this.stateRecorder = recorder === null ? null : new StateRecorder(recorder, hosts, (id) => ghost.node(id));
    this.#subscribeAll(recorder);
  }

  /**
   * The order is part of the trace's hash. The trace has its line before anybody does anything about an event; the view is up
   * to date when marks and faults ask it; a read is asked before the ghost knows of the commit that gave cause to it; the ghost
   * learns of a lost log before it looks at what replaces it; and a machine's fate is decided when all else is done. For a
   * report a node is looked at when the ghost has judged, which changes nothing.
   */
  #subscribeAll(recorder: Recorder | null): void {
    const { bus, plan, view, nemesis, hosts, ghost, lies, isJudged } = this;
    bus.subscribe(new TraceWriter(this.trace, recorder, this.scheduler));
    bus.subscribe(view);
    bus.subscribe(new Coverage(this.marks, view));
    bus.subscribe(new LoopCoverage(this.marks.reached, plan));
    bus.subscribe(this.monitor);
    bus.subscribe(new FaultMoments(nemesis, hosts, isJudged));
    bus.subscribe(this.reader);
    bus.subscribe(lies);
    bus.subscribe(new DirectoryWatch(ghost));
    if (isJudged) bus.subscribe(new Judge(plan, ghost, lies, hosts, bus));
    if (isJudged) bus.subscribe(new ChangeWatch(ghost, () => this.scheduler.now));
    if (isJudged) bus.subscribe(new BoundedWaits(plan, ghost, lies, hosts, () => this.scheduler.now));
    bus.subscribe(this.machines);
    if (this.stateRecorder !== null) bus.subscribe(this.stateRecorder);
  }

  get addresses(): Addresses {
    return this.network.addresses;
  }

  raftOf(id: NodeId): Raft | null {
    return this.view.raftOf(id);
  }

  /** The newest committed configuration. */
  get committedConfiguration(): Configuration {
    return this.view.committedConfiguration;
  }

  startAll(): void {
    const founders = this.hosts.filter(({ id }) => id <= this.plan.nodes);
    if (hasLived(this.plan.origin)) this.#putLivedDirectories(founders);
    for (const host of founders) this.nemesis.startHost(host);
  }

  #putLivedDirectories(hosts: readonly Host[]): void {
    const word = (id: NodeId, k: number): string => this.draws.u32("storeId", id, 0, k).toString(16).padStart(8, "0");
    const storeIds = hosts.map(({ id }) => [1, 2, 3, 4].map((k) => word(id, k)).join(""));
    for (const { id, directory } of hosts) {
      const { engine, cluster: founders } = nodeOptions(this.plan, id);
      directory.begin(livedDirectory({ id, engine, founders, storeIds }, this.plan.origin));
      this.ghost.hasLived(id);
    }
  }

  addClients(count: number): void {
    for (let id = 1; id <= count; id++) {
      this.clients.push(new Client(id, this.scheduler, this.draws, this.plan, this));
    }
  }

  /** Lets everything happen until `until`, or until `stop` says so after an event. Returns whether it stopped. */
  runUntil(until: Micros, stop: () => boolean = () => false): boolean {
    const note = (time: Micros, tie: number, code: number): void => this.trace.event(time, tie, code);
    this.intervener.reached(this.scheduler.events);
    while (this.scheduler.step(until, note)) {
      runMustEnd(this.scheduler.events);
      this.intervener.reached(this.scheduler.events);
      if (stop()) return true;
    }
    this.scheduler.idleUntil(until);
    return false;
  }

  // --- ClientWorld

  targets(): readonly NodeId[] {
    return targetsOf(this);
  }

  cutOff(client: number, node: NodeId): boolean {
    return this.nemesis.cutOff(client, node);
  }

  committedIndex(): number {
    return this.isJudged ? this.ghost.committed.last : 0;
  }

  record(operation: Operation): void {
    this.history.push(operation);
  }
}

/** What the nemesis tells, and asks of the cluster. */
function coverageOf(bus: Bus, view: ClusterView): CoverageSink {
  return {
    struck: (what, id) => bus.struck(what, id),
    stopping: (host) => bus.stopping(host),
    get everyoneHasRun() {
      return view.everyoneHasRun;
    },
  };
}
