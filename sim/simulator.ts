/**
 * The world of one run: N nodes on simulated ports, clients, an operator, a nemesis, and those who watch. The same plan
 * gives the same world, event for event.
 */
import { OnlineChecker, type Operation } from "../checker/online.ts";
import type { Ending } from "../core/node/options.ts";
import type { Fact } from "../core/ports.ts";
import type { Configuration, Envelope } from "../core/raft/messages.ts";
import { foundersConfiguration } from "../core/node/bootstrap.ts";
import type { Change } from "../core/raft/membership.ts";
import type { Raft } from "../core/raft/raft.ts";
import { segmentNumber } from "../core/storage/wal-record.ts";
import { snapshotPlace } from "../core/storage/snapshot-store.ts";
import type { Micros, NodeId } from "../core/units.ts";
import { type Decision, Draws } from "./draws.ts";
import { type CoverageSink, Nemesis } from "./nemesis/nemesis.ts";
import type { Plan } from "./nemesis/options.ts";
import { Departures } from "./safety/departures.ts";
import { checkExit } from "./safety/exit-check.ts";
import { Ghost, nobody } from "./safety/ghost.ts";
import { rowsOf } from "./safety/ghost-state.ts";
import { FaultBudget } from "./safety/redundancy.ts";
import { LyingDiskLedger } from "./safety/lying-disk-ledger.ts";
import { Invariants } from "./safety/invariants.ts";
import type { Answers } from "./safety/laws/answers.ts";
import { indexesMustBeOrdered } from "./safety/laws/commit.ts";
import { runMustEnd } from "./safety/laws/limits.ts";
import { directoryMustBeOfThisFormat, lostLogMustNotBegin } from "./safety/laws/storage.ts";
import { Marks, phaseOf, type CoverageMark } from "./marks.ts";
import { nodeOptions } from "./node-options.ts";
import type { Recorder } from "./report/record.ts";
import { Scheduler } from "./scheduler.ts";
import { changeCode, messageCode, Trace, type TraceKind } from "./trace/trace.ts";
import { Turn } from "./safety/turn.ts";
import { Client, type ClientWorld } from "./workload/client.ts";
import { Monitor } from "./workload/monitor.ts";
import { Reader } from "./workload/reader.ts";
import { Operator, type OperatorWorld } from "./workload/operator.ts";
import { targetsOf } from "./workload/targets.ts";
import type { Addresses } from "./world/addresses.ts";
import { Host, hostEvents } from "./world/host.ts";
import { SimNetwork } from "./world/network.ts";
import type { HostObserver } from "./world/host-observer.ts";

/** The code of the role "leader" in the fact "role". */
const leaderRole = 3;

export type WorldOptions = {
  /** Takes each line of the trace as it happens, or null. */
  readonly print: ((line: string) => void) | null;
  /** False: only the client history is judged. */
  readonly invariants: boolean;
  /** What goes wrong and is asked, and nothing else; null: whatever the seed draws. */
  readonly given?: readonly Decision[] | null;
  /** Whether all of that is kept. */
  readonly keepsDecisions?: boolean;
  /** Keeps every line of the trace. */
  readonly recorder?: Recorder | null;
};

export class Simulator implements HostObserver, CoverageSink, ClientWorld, OperatorWorld {
  readonly plan: Plan;
  readonly scheduler = new Scheduler();
  readonly draws: Draws;
  readonly network: SimNetwork;
  readonly hosts: readonly Host[];
  readonly clients: Client[] = [];
  readonly online = new OnlineChecker();
  readonly operator: Operator;
  readonly reader: Reader;
  readonly monitor: Monitor;
  /** Whether the ghost judges. */
  readonly isJudged: boolean;
  readonly nemesis: Nemesis;
  readonly trace: Trace;
  readonly ghost: Ghost;
  readonly history: Operation[] = [];
  readonly marks = new Marks();
  readonly budget: FaultBudget;
  /** Tier c: what was lost of what disks had promised. */
  readonly lies = new LyingDiskLedger();
  readonly #recorder: Recorder | null;
  readonly #invariants: Invariants | null;
  readonly answers: Answers | null;
  /** The healed core of the liveness phase; empty before. */
  core: readonly NodeId[] = [];
  /** The nodes that have taken part at some time. */
  readonly #everRan = new Set<NodeId>();
  /** Without a ghost: the furthest committed configuration that any node has reported. */
  #heardOf = { commit: -1, configuration: nobody };
  /** The nodes whose configuration is joint. */
  readonly #joint = new Set<NodeId>();
  readonly #turn = new Turn();

  constructor(plan: Plan, options: WorldOptions) {
    this.plan = plan;
    this.draws = new Draws(plan.seed, options.given ?? null, options.keepsDecisions);
    this.#recorder = options.recorder ?? null;
    this.trace = new Trace(options.print, this.#recorder);
    this.network = new SimNetwork(this.scheduler, this.draws, plan, hostEvents.stream);
    this.network.recorder = this.#recorder;
    this.network.struck = (what, from) => this.struck(what, from);
    this.ghost = new Ghost(plan.nodes + plan.spares, plan.sessionLimits);
    this.#invariants = options.invariants
      ? new Invariants(this.ghost, (id) => this.raftOf(id), plan.entriesPerAppendMax)
      : null;
    this.answers = options.invariants ? this.ghost.answers : null;
    const ids = Array.from({ length: plan.nodes + plan.spares }, (_, k) => k + 1);
    this.hosts = ids.map(
      (id) => new Host(id, this.scheduler, this.network, this.draws, plan, this, nodeOptions(plan, id)),
    );
    this.budget = new FaultBudget(this.ghost, this.lies, this.hosts, plan.tier, options.invariants);
    const { scheduler, draws, hosts, network, trace, budget } = this;
    this.nemesis = new Nemesis(scheduler, draws, plan, hosts, network, trace, budget, this);
    if (plan.faults.burst > 0 && options.invariants) this.network.departures = this.ghost.departures = new Departures();
    this.isJudged = options.invariants;
    this.monitor = new Monitor(scheduler, draws, plan, this);
    this.reader = new Reader(this.scheduler, this.draws, plan, this);
    this.operator = new Operator(this.scheduler, this.draws, plan, this);
  }

  get addresses(): Addresses {
    return this.network.addresses;
  }

  raftOf(id: NodeId): Raft | null {
    return this.hosts[id - 1]!.node?.replica?.raft ?? null;
  }

  line(kind: TraceKind, node: number, a = 0, b = 0, c = 0): void {
    this.trace.line(this.scheduler.now, kind, node, a, b, c);
  }

  startAll(): void {
    for (const host of this.hosts) if (host.id <= this.plan.nodes) this.nemesis.startHost(host);
  }

  addClients(count: number): void {
    for (let id = 1; id <= count; id++) {
      this.clients.push(new Client(id, this.scheduler, this.draws, this.plan, this));
    }
  }

  /** Whether every founder has taken part once: before that, the cluster cannot be without any of them. */
  get everyoneHasRun(): boolean {
    return this.hosts.every(({ id }) => id > this.plan.nodes || this.#everRan.has(id));
  }

  /** Lets everything happen until `until`, or until `stop` says so after an event. Returns whether it stopped. */
  runUntil(until: Micros, stop: () => boolean = () => false): boolean {
    const note = (time: Micros, tie: number, code: number): void => this.trace.event(time, tie, code);
    while (this.scheduler.step(until, note)) {
      runMustEnd(this.scheduler.events);
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
    return this.#invariants === null ? 0 : this.ghost.committed.last;
  }

  record(operation: Operation): void {
    this.history.push(operation);
  }

  called(client: number, k: number, node: NodeId): void {
    this.line("call", client, k, node);
  }

  returned(client: number, k: number, outcome: number): void {
    this.line("return", client, k, outcome);
  }

  /** The newest committed configuration; without a ghost, the nodes' own word is taken. */
  get committedConfiguration(): Configuration {
    if (this.#invariants !== null) return this.ghost.committedConfiguration();
    return this.#heardOf.configuration;
  }

  /** The configuration in force in the log of `id`. */
  configurationAt(id: NodeId): Configuration {
    if (this.#invariants !== null) return this.ghost.configurationOf(this.ghost.node(id).written);
    return this.raftOf(id)?.configuration ?? this.committedConfiguration;
  }

  // --- OperatorWorld

  /** A machine that never ran starts; one that was removed starts empty; one that runs goes on. */
  startJoining(host: Host): void {
    if (!host.mayJoin) return;
    if (host.state.kind === "retired") {
      this.line("wipe", host.id);
      host.wipe();
      this.ghost.wiped(host.id);
    }
    this.nemesis.startHost(host);
  }

  asked(node: NodeId, change: Change): void {
    this.line("change", node, changeCode(change.kind), change.id);
    this.nemesis.targeted.observe("changed", node);
    if (change.kind === "remove") this.nemesis.takeDown(this.hosts[change.id - 1]!);
  }

  answered(node: NodeId, change: Change, outcome: string): void {
    this.line("changed", node, changeCode(change.kind), outcome === "done" ? 1 : 0);
    this.nemesis.targeted.observe("changed", node);
  }

  // --- Watcher

  sent(from: NodeId, to: NodeId, envelope: Envelope): void {
    const { message } = envelope;
    this.line("send", from, to, "term" in message ? message.term : 0, messageCode(message.kind));
    this.#recorder?.of(envelope);
    if (!this.hosts[from - 1]!.directory.isOlderCopy) this.#invariants?.sent(from, envelope, to);
    const { kind } = message;
    if (kind === "append-reply") this.nemesis.targeted.observe("acknowledged", from);
    else if (kind === "pre-vote" || kind === "vote") this.nemesis.targeted.observe("voteAsked", to);
    else if (kind === "vote-reply") this.nemesis.targeted.observe("voteGranted", from);
    else if (kind === "snapshot-chunk") {
      this.nemesis.targeted.observe("snapshotSent", to);
      this.monitor.observe("snapshotSent", this.hosts[to - 1]!);
    }
  }

  received(host: Host, envelope: Envelope): void {
    const { message, from } = envelope;
    this.line("receive", host.id, from, "term" in message ? message.term : 0, messageCode(message.kind));
    this.#recorder?.of(envelope);
    this.#turn.heard(message, this.raftOf(host.id));
  }

  fact(host: Host, fact: Fact, a: number, b: number, c: number): void {
    const raft = this.raftOf(host.id);
    if (raft !== null && raft.commit > this.#heardOf.commit) {
      this.#heardOf = { commit: raft.commit, configuration: raft.committedConfiguration.configuration };
    }
    if (fact === "role") {
      this.line("role", host.id, a, b, c);
      if (a !== leaderRole) return;
      this.nemesis.targeted.observe("elected", host.id);
      this.reader.elected(host);
      if (this.#invariants === null) return;
      const holders = this.hosts.filter((other) => other.believesInLease && this.raftOf(other.id)!.term < b);
      const ids = holders.map(({ id }) => id);
      return this.#invariants.elected(host.id, b, ids);
    }
    if (fact === "recovered") {
      this.#everRan.add(host.id);
      this.nemesis.targeted.observe("recovered", host.id);
      if (host.directory.isOlderCopy) return;
      directoryMustBeOfThisFormat(host.id, host.directory.isOfNewerFormat);
      this.#noteLoss(host);
      lostLogMustNotBegin(host.id, host.directory.runsOnLostLog);
      host.directory.takesPart();
      if (raft === null || this.#invariants === null) return;
      const { replica } = host.node!;
      this.ghost.founded(foundersConfiguration(nodeOptions(this.plan, host.id).cluster, replica!.genesis));
      if (this.lies.liars.has(host.id)) this.lies.recovered(this.ghost.node(host.id), raft);
      else this.#invariants.recovered(host.id, raft, host.store);
      return;
    }
    if (fact === "read-index") return this.line("readIndex", host.id, a, b);
    this.line(fact, host.id, a, b);
    if (fact === "installed") this.nemesis.targeted.observe("installed", host.id);
    else if (fact === "commit" && raft?.leader === host.id) {
      this.nemesis.targeted.observe("committed", host.id);
      this.nemesis.isolation.committed(host.id);
      this.reader.committed(host.id, raft.term);
    }
    if (this.#invariants === null || raft === null || host.directory.isOlderCopy) return;
    if (fact === "commit") this.#invariants.committed(host.id, a, raft);
    else if (fact === "installed") this.#invariants.installed(host.id, a, c);
    else this.#invariants.applied(host.id, a, c);
  }

  /** Whether the ghost counts what is on its disks: of an older copy nothing is, until it is rebound. */
  #isFollowed(host: Host): boolean {
    return this.#invariants !== null && !host.directory.isOlderCopy;
  }

  wrote(host: Host, file: string, bytes: Uint8Array, seq: number): void {
    if (segmentNumber(file) !== null) this.#noteLoss(host);
    if (this.#isFollowed(host)) this.ghost.wrote(host.id, file, bytes, seq);
  }

  /** One that has read its log wrongly has set it aside by the time that it says or writes anything. */
  #noteLoss(host: Host): void {
    if (host.directory.setMisreadAside()) this.ghost.logLost(host.id);
  }

  synced(host: Host, file: string, throughSeq: number): void {
    if (!this.#isFollowed(host)) return;
    this.ghost.synced(host.id, file, throughSeq);
    this.line("durable", host.id, this.ghost.node(host.id).durable.last);
  }

  removed(host: Host, file: string): void {
    if (this.#invariants !== null) this.ghost.node(host.id).disk.removed(file);
  }

  snapshotsSynced(host: Host, media: ReadonlyMap<string, Uint8Array>): void {
    for (const [name, bytes] of this.#isFollowed(host) ? media : []) {
      const place = snapshotPlace(name);
      if (place === null || place.index <= this.ghost.node(host.id).snapshot) continue;
      this.line("snapshot", host.id, place.index, place.term);
      this.ghost.snapshotDurable(host.id, place.index, place.term, this.lies.liars.has(host.id) ? null : bytes);
    }
  }

  rowsSynced(host: Host): void {
    if (this.#isFollowed(host)) this.ghost.rowsDurable(host.id, host.devices.kv!.contents);
  }

  lieTold(id: NodeId, file: string): void {
    this.lies.told(id, file);
  }

  stopping(host: Host): void {
    this.monitor.observe("stopping", host);
  }

  struck(what: CoverageMark, id: NodeId): void {
    const configuration = this.committedConfiguration;
    const phase = this.#heardOf.commit <= 0 ? "founding" : phaseOf(configuration, (voter) => this.raftOf(voter));
    this.marks.struck(what, phase, id === 0 ? null : this.raftOf(id), configuration, id);
  }

  turnEnded(host: Host): void {
    const raft = this.raftOf(host.id);
    const acknowledged = this.#turn.end(host.id, this.#invariants === null ? null : raft);
    if (raft === null || this.#invariants === null || host.directory.isOlderCopy) return;
    const { commit, log } = raft;
    this.ghost.departures?.noteLog(host.id, log);
    indexesMustBeOrdered(this.ghost.node(host.id), commit, log.lastIndex);
    this.#invariants.configured(host.id, raft);
    const isJoint = raft.configuration.outgoing.length > 0;
    if (isJoint !== this.#joint.has(host.id)) {
      if (isJoint) this.#joint.add(host.id);
      else this.#joint.delete(host.id);
      this.nemesis.targeted.observe("joint", host.id);
    }
    if (acknowledged) this.#invariants.progress(host.id, raft);
  }

  ended(host: Host, ending: Ending): void {
    this.line("ended", host.id);
    const committed = this.#invariants === null ? null : this.ghost.committedConfiguration();
    const kind = checkExit(host, ending, committed, this.budget.lost.size > 0 || this.lies.liars.size > 0);
    host.stop(false);
    if (kind === "newer") host.directory.restoreFormat();
    if (kind === "restart") host.directory.toldThatItIsOver();
    if (kind === "lost") host.leave("lost");
    else if (kind === "removed" || kind === "shut-out") host.leave("retired");
    const isRestarted = this.core.length === 0 || (host.healed && kind === "disk"); // Drawn before the healing.
    if (!host.retired && isRestarted) this.nemesis.restartLater(host);
  }

  starting(host: Host): void {
    this.monitor.observe("started", host);
    this.nemesis.olderCopies.beforeStart(host);
    if (this.#invariants === null) return;
    host.directory.settleMisread();
    if (host.directory.mustRecover) return; // What is left of a damaged log is set aside.
    const { disk, snapshotDisk, kv } = host.devices;
    const snapshots = [...snapshotDisk.contents().keys()];
    const isSuspect = this.lies.liars.has(host.id);
    const before = this.ghost.node(host.id);
    if (isSuspect) this.ghost.deceived(host.id);
    const rows = kv === null ? null : rowsOf(host.directory.storeId, kv.contents);
    const makesSense = this.ghost.restarted(host.id, disk.contents(), snapshots, rows, isSuspect);
    if (isSuspect) this.lies.compare(before, this.ghost.node(host.id), makesSense);
  }
}
