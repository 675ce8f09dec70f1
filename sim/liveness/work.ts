/**
 * How long what a calm core has before it may take: a vote waits for all that was given to its disk before it, a member
 * that lags gets what it lacks, and a new machine gets the whole log. All grow with the work, whatever the bounds say.
 */
import type { LogView } from "../../core/raft/log.ts";
import type { Index, Micros } from "../../core/units.ts";
import type { Simulator } from "../simulator.ts";
import { membersOf } from "./core.ts";
import { diskMicros, entriesMicros } from "../plan/entry-time.ts";

/** Of a disk in the core: until all is durable that was given to it. */
export function backlogMicros({ core, hosts, plan }: Simulator): Micros {
  const logs = core.flatMap((id) => hosts[id - 1]!.node?.replica?.raft.log ?? []);
  return Math.max(0, ...logs.map((log) => diskMicros(plan, log, log.durableIndex)));
}

/** Until a machine without a log has all entries of its leader's, one after the other in the worst case. */
export function replicationMicros(simulator: Simulator): Micros {
  const logs = membersOf(simulator).flatMap((id) => simulator.raftOf(id)?.log ?? []);
  return Math.max(0, ...logs.map((log) => entriesMicros(simulator.plan, log, log.baseIndex)));
}

/**
 * Until each member of the core holds the longest log of the core, entry by entry in the worst case. A leader commits
 * nothing before an entry of its own term is on a quorum (Raft paper, 5.4.2), and that one comes after all that an earlier
 * leader has left behind it.
 */
export function catchUpMicros({ core, hosts, plan }: Simulator): Micros {
  const logs = core.map((id) => hosts[id - 1]!.node?.replica?.raft.log);
  const shared = logs.every((log) => log !== undefined) ? sharedIndex(logs) : 0;
  return Math.max(0, ...logs.map((log) => (log === undefined ? 0 : entriesMicros(plan, log, shared))));
}

/** Up to here `logs` are the same. What one of them does not hold any more is committed. */
function sharedIndex(logs: readonly LogView[]): Index {
  const base = Math.max(...logs.map(({ baseIndex }) => baseIndex));
  let index = Math.min(...logs.map(({ lastIndex }) => lastIndex));
  while (index > base && logs.some((log) => log.termAt(index) !== logs[0]!.termAt(index))) index--;
  return index;
}
