/**
 * The second phase. A random core that holds a quorum is healed: its links and its disks; its members run. Everything
 * else is frozen, in its fault or in one of its own. Then the cluster must come back to life, each step within its bound.
 */
import type { Micros, NodeId } from "../../core/units.ts";
import { salts } from "../draws.ts";
import type { Law } from "../laws.ts";
import type { Simulator } from "../simulator.ts";
import { converged, holdsQuorums, leaderOf, logLengths, logsAreBounded, states, termOf } from "./core.ts";
import { sayWhereMembersAre } from "./moved-members.ts";
import { probe } from "./probes.ts";
import { backlogMicros, catchUpMicros } from "./work.ts";

/**
 * Simulated time from the healing, or from the step before. Late messages of the first phase may still arrive. A leader
 * is elected, and commits, behind what the disks of the core have to make durable, and commits behind what its members
 * lack of each other's logs.
 */
export const bounds = {
  leaderMicros: 30_000_000,
  commitMicros: 20_000_000,
  convergeMicros: 20_000_000,
  calmMicros: 7_000_000,
  boundedMicros: 20_000_000,
  idleMicros: 6_000_000,
} as const satisfies Record<string, Micros>;

/** A law that the healed core has not reached in time, and the state of each node then. */
export type Stall = { readonly property: Law; readonly message: string };

/** Heals a core and waits for L1 to L7; null where all are reached in time, else the first that was not, with each node's state. */
export function checkLiveness(simulator: Simulator): Stall | null {
  const { scheduler, clients } = simulator;
  heal(simulator, drawCore(simulator));
  const stall = (property: Law, what: string): Stall | null => {
    // What was under way when the core was drawn may have brought a configuration that needs somebody else.
    if (simulator.view.everyoneHasRun && !holdsQuorums(simulator, simulator.core)) return null;
    return { property, message: `${what}: ${states(simulator)}` };
  };
  const backlog = backlogMicros(simulator);
  const getsLeader = (): boolean =>
    simulator.runUntil(scheduler.now + bounds.leaderMicros + backlog, () => leaderOf(simulator) !== 0);
  // First, perhaps, so that there is a leader, and then that the leader finds the others.
  const isToldOf = (): boolean => sayWhereMembersAre(simulator) && getsLeader();
  if (!getsLeader() && !isToldOf() && !isToldOf()) {
    return stall("L1", "no leader that the whole core follows");
  }
  /** Where it takes longer, the leader may lack the way to a member: its operator says it, and there is so much time again. */
  const reaches = (micros: Micros, holds: () => boolean): boolean => {
    const isReached = (): boolean => simulator.runUntil(scheduler.now + micros, holds);
    return isReached() || (sayWhereMembersAre(simulator) && isReached());
  };
  const before = clients.map((client) => client.counters.ok);
  const progressed = (): boolean => clients.every((client, k) => client.counters.ok >= before[k]! + 2);
  const behind = backlog + catchUpMicros(simulator);
  if (!reaches(bounds.commitMicros + behind, progressed)) return stall("L2", "clients make no progress");
  for (const client of clients) client.stop();
  const left = backlogMicros(simulator);
  const allIdle = (): boolean => clients.every((client) => client.idle);
  if (!simulator.runUntil(scheduler.now + bounds.convergeMicros + left, allIdle))
    return stall("L5", "a request has not ended");
  const areEqual = (): boolean => converged(simulator);
  if (!reaches(bounds.convergeMicros + left + catchUpMicros(simulator), areEqual)) {
    return stall("L3", "the core's members do not converge");
  }
  // A request for another leader may be under way from before.
  simulator.runUntil(Math.max(simulator.network.lateUntil, simulator.operator.openUntil));
  const settledAt = changesSettledAt(simulator);
  const isLed = (): boolean => leaderOf(simulator) !== 0;
  let isCalm = false;
  let mayBeDisturbed = true;
  while (!isCalm && mayBeDisturbed) {
    if (!isLed() && !simulator.runUntil(scheduler.now + bounds.leaderMicros, isLed))
      return stall("L1", "no leader that the whole core follows, after a change request of the operator");
    // A change request that a node outside the core has had on its way may still remove the leader.
    const configuration = simulator.committedConfiguration;
    const term = termOf(simulator);
    const since = scheduler.now;
    simulator.runUntil(since + bounds.calmMicros);
    isCalm = isLed() && termOf(simulator) === term;
    mayBeDisturbed = configuration !== simulator.committedConfiguration || since < settledAt;
  }
  if (!isCalm) return stall("L4", `the term does not stay: it is ${termOf(simulator)}`);
  if (!simulator.runUntil(scheduler.now + bounds.boundedMicros, () => logsAreBounded(simulator))) {
    return stall("L7", `a log is not cut: ${logLengths(simulator).join(", ")} entries`);
  }
  // A member of the core whose request to join was late on its way has come to its log meanwhile.
  if (!areEqual() && !reaches(bounds.convergeMicros + catchUpMicros(simulator), areEqual))
    return stall("L3", "a member that was accepted late does not converge");
  // Before another member may lead, the operator says where those are who only this leader has found.
  if (simulator.view.everyoneHasRun && sayWhereMembersAre(simulator))
    simulator.runUntil(scheduler.now + bounds.calmMicros);
  const missed = simulator.view.everyoneHasRun ? probe(simulator) : null;
  if (missed !== null) return stall(missed.property, missed.message);
  const nobodyWaits = (): boolean =>
    simulator.core.every((id) => (simulator.hosts[id - 1]!.node?.status().waitingRequests ?? 0) === 0);
  const isIdle = simulator.runUntil(scheduler.now + bounds.idleMicros, nobodyWaits);
  if (!isIdle) return stall("I21", "requests still wait in a node");
  const unanswered = (): string[] => simulator.monitor.unanswered(simulator.core);
  if (unanswered().length === 0) return null;
  if (simulator.runUntil(scheduler.now + bounds.idleMicros, () => unanswered().length === 0)) return null;
  return stall("I21", `what was asked has not ended: ${unanswered().join(", ")}`);
}

/**
 * By then no change that the operator asked for in the safety phase is in effect any more. A message may bring one to the
 * leader long after the operator has given up; the leader pursues it for one more request time, and a leadership that
 * it hands over is settled two election timeouts later. 0 where the operator asked for nothing.
 */
function changesSettledAt({ network, operator, plan, scheduler }: Simulator): Micros {
  if (operator.counters.asked === 0) return 0;
  return Math.max(network.lateUntil, scheduler.now) + plan.requestMicros + 2 * plan.electionMicros;
}

/**
 * Machines in a drawn order, until they hold a quorum of every configuration in any of their logs; all founders where the
 * cluster is not founded yet, for it cannot be without them.
 */
function drawCore(simulator: Simulator): NodeId[] {
  const { hosts, draws, plan, view } = simulator;
  const founders = hosts.filter(({ id }) => id <= plan.nodes).map(({ id }) => id);
  if (!view.everyoneHasRun) return founders;
  const order = hosts
    .filter(({ state, retired, directory }) => state.kind !== "unused" && !retired && !directory.isRecovering)
    .map(({ id }) => ({ id, draw: draws.u32("core", id) }))
    .toSorted((a, b) => a.draw - b.draw || a.id - b.id)
    .map(({ id }) => id);
  const more = draws.below(order.length + 1, "core", 0);
  const core: NodeId[] = [];
  for (const id of order) {
    if (core.length >= more && holdsQuorums(simulator, core)) break;
    core.push(id);
  }
  return core;
}

function heal(simulator: Simulator, core: readonly NodeId[]): void {
  simulator.nemesis.stop();
  simulator.operator.stop();
  simulator.monitor.stop();
  simulator.core = core;
  simulator.network.heal(new Set(core));
  simulator.bus.coreHealed(core.length);
  for (const id of core) {
    const host = simulator.hosts[id - 1]!;
    host.heal();
    if (host.directory.isOfNewerFormat || host.isStopping) host.stop(false);
    host.directory.restoreFormat();
    if (host.canStart) simulator.nemesis.startHost(host);
  }
  for (const { id } of simulator.hosts) if (!core.includes(id)) freeze(simulator, id, core);
}

/** One outside the core stays down or paused; else it is cut off for good: from all, or deaf (a leader that still speaks), or mute. */
function freeze(simulator: Simulator, id: NodeId, core: readonly NodeId[]): void {
  const { hosts, network, draws } = simulator;
  const host = hosts[id - 1]!;
  if (host.node === null || host.paused) return;
  // A node whose log holds an uncommitted configuration must not bring it to the core.
  const isQuiet = simulator.view.configurationAt(id) !== simulator.committedConfiguration;
  const shape = isQuiet ? 0 : draws.below(3, "core", id, salts.core.quietLinks);
  for (const other of core) {
    if (shape !== 1) network.block(id, other, Infinity);
    if (shape !== 2) network.block(other, id, Infinity);
  }
}
