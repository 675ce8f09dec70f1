/** What is true of the healed core of the liveness phase. */
import type { Configuration } from "../../core/protocol/configuration.ts";
import { memberOf } from "../../core/raft/membership.ts";
import type { NodeId } from "../../core/units.ts";
import type { Simulator } from "../simulator.ts";

/**
 * Whether `core` holds a quorum of the committed configuration, and of each configuration in any of its logs. A voter that was
 * rebound and has not come to the entry that binds it does not vote yet, so nobody can be elected by its vote.
 */
export function holdsQuorums(simulator: Simulator, core: readonly NodeId[]): boolean {
  const configurations = [simulator.committedConfiguration, ...core.map((id) => simulator.view.configurationAt(id))];
  const { ghost } = simulator;
  const votes = (configuration: Configuration, voter: NodeId): boolean => {
    const incarnation = memberOf(configuration, voter)?.incarnation ?? 0;
    return core.includes(voter) && ghost.node(voter).durable.last >= incarnation;
  };
  return core.length > 0 && configurations.every((one) => ghost.isQuorum(one, (voter) => votes(one, voter)));
}

/**
 * Whether what was lost cannot be why the core stands still: each of its members takes part, with its log and with the rows that
 * this begins after, by what is on its disks.
 */
export function isWhole({ committedConfiguration, core, ghost, hosts }: Simulator): boolean {
  return core.every((id) => {
    const { applied, durable } = ghost.node(id);
    const { node, directory } = hosts[id - 1]!;
    const takesPart = node?.replica != null && !directory.isRecovering;
    // Of a cluster that is not founded yet, everybody is needed.
    const { members } = committedConfiguration;
    const isNeeded = members.length === 0 || memberOf(committedConfiguration, id) !== undefined;
    return !isNeeded || (takesPart && applied >= durable.base);
  });
}

/** Those of the core that belong to the cluster now, by what is committed. */
export function membersOf({ core, committedConfiguration, hosts }: Simulator): NodeId[] {
  const { members } = committedConfiguration;
  return core.filter((id) => {
    const incarnation = hosts[id - 1]!.node?.incarnation;
    return members.some((member) => member.id === id && member.incarnation === incarnation);
  });
}

/** The leader that every member in the core follows in one term, or 0. */
export function leaderOf(simulator: Simulator): NodeId {
  const members = membersOf(simulator);
  const rafts = members.map((id) => simulator.raftOf(id));
  const first = rafts[0] ?? null;
  if (first === null || !members.includes(first.leader)) return 0;
  const agree = rafts.every((raft) => raft?.leader === first.leader && raft.term === first.term);
  return agree ? first.leader : 0;
}

/** The highest term of a member in the core; 0 where none runs. */
export function termOf(simulator: Simulator): number {
  return Math.max(...membersOf(simulator).map((id) => simulator.raftOf(id)?.term ?? 0));
}

/** L3, L6: all hold the same, and no joint configuration is left behind. */
export function converged(simulator: Simulator): boolean {
  if (simulator.committedConfiguration.outgoing.length > 0) return false;
  const members = membersOf(simulator);
  const logs = members.map((id) => simulator.raftOf(id)?.log);
  const last = Math.max(...logs.map((log) => log?.lastIndex ?? 0));
  if (!logs.every((log) => log !== undefined && log.lastIndex === last && log.durableIndex === last)) return false;
  // Asked after every event: the whole status only where the logs are equal.
  return members.every((id) => simulator.hosts[id - 1]!.node?.status().appliedIndex === last);
}

/** Entries that each member of the core still has in its log. */
export function logLengths(simulator: Simulator): number[] {
  const statuses = membersOf(simulator).map((id) => simulator.hosts[id - 1]!.node?.status());
  return statuses.map((status) => (status === undefined ? 0 : status.lastIndex - status.storage.firstIndex + 1));
}

/** Of a smallest entry, with its place in the log's file. */
const entryBytesMin = 70;
/** What may come while a snapshot is taken. */
const entriesMeanwhile = 64;

/** The newest snapshot, and another that is being written or removed. */
const snapshotFilesMax = 2;

/** L7: a log holds the trailing entries and those between two snapshots: `snapshotEntries`, or half a snapshot. */
export function logsAreBounded(simulator: Simulator): boolean {
  const { snapshotEntries, trailingEntries } = simulator.plan;
  const largest = Math.max(...simulator.hosts.map(({ node }) => node?.status().storage.snapshotBytes ?? 0));
  const files = membersOf(simulator).map((id) => simulator.hosts[id - 1]!.devices.snapshotDisk.contents().size);
  if (Math.max(...files) > snapshotFilesMax) return false;
  const between = Math.max(snapshotEntries, largest / 2 / entryBytesMin);
  return logLengths(simulator).every((length) => length <= between + trailingEntries + entriesMeanwhile);
}

/** Each node in a few words, for a failure's message. */
export function states(simulator: Simulator): string {
  return simulator.hosts
    .map((host) => {
      const status = host.node?.status();
      const healed = simulator.core.includes(host.id) ? "core" : "frozen";
      if (status === undefined) return `n${host.id} (${healed}) down`;
      const { role, term, leader, lastIndex, commitIndex, appliedIndex } = status;
      return `n${host.id} (${healed}${host.paused ? ", paused" : ""}) ${role} term ${term}, ${leader === 0 ? "no leader" : `leader n${leader}`}, last ${lastIndex} commit ${commitIndex} applied ${appliedIndex}`;
    })
    .join("; ");
}
