/**
 * How long what a calm core has before it may take: a vote waits for all that was given to its disk before it, a member
 * that lags gets what it lacks, and a new machine gets the whole log. All grow with the work, whatever the bounds say.
 */
import type { LogView } from "../../core/raft/log.ts";
import type { Index, Micros } from "../../core/units.ts";
import type { Plan } from "../plan/plan.ts";
import type { Simulator } from "../simulator.ts";
import { valueBytesMost } from "../workload/generator.ts";
import { logLengths, membersOf } from "./core.ts";

/** Disk calls of an entry in a batch of its own, and of a new segment: each takes up to twice the mean. */
const callsPerEntry = 2;
const callsPerSegment = 12;
/** Of an entry besides its value. */
const entryOverheadBytes = 120;

function diskMicros(plan: Plan, entries: number): Micros {
  const { walSegmentBytesMax, syncMicros } = plan;
  const segments = Math.min(1, (entryOverheadBytes + valueBytesMost(plan)) / walSegmentBytesMax);
  return entries * syncMicros * (callsPerEntry + callsPerSegment * segments);
}

/** Of a disk in the core: until all is durable that was given to it. */
export function backlogMicros({ core, hosts, plan }: Simulator): Micros {
  const entries = core.map((id) => {
    const log = hosts[id - 1]!.node?.replica?.raft.log;
    return log === undefined ? 0 : log.lastIndex - log.durableIndex;
  });
  return diskMicros(plan, Math.max(...entries));
}

/** Until a machine without a log has all entries of its leader's, one after the other in the worst case. */
export function replicationMicros(simulator: Simulator): Micros {
  if (membersOf(simulator).length === 0) return 0;
  return entriesMicros(simulator.plan, Math.max(...logLengths(simulator)));
}

/**
 * Until each member of the core holds the longest log of the core, entry by entry in the worst case. A leader commits
 * nothing before an entry of its own term is on a quorum (Raft paper, 5.4.2), and that one comes after all that an earlier
 * leader has left behind it.
 */
export function catchUpMicros({ core, hosts, plan }: Simulator): Micros {
  const logs = core.map((id) => hosts[id - 1]!.node?.replica?.raft.log);
  const last = Math.max(...logs.map((log) => log?.lastIndex ?? 0));
  const shared = logs.every((log) => log !== undefined) ? sharedIndex(logs) : 0;
  return entriesMicros(plan, last - shared);
}

/** Up to here `logs` are the same. What one of them does not hold any more is committed. */
function sharedIndex(logs: readonly LogView[]): Index {
  const base = Math.max(...logs.map(({ baseIndex }) => baseIndex));
  let index = Math.min(...logs.map(({ lastIndex }) => lastIndex));
  while (index > base && logs.some((log) => log.termAt(index) !== logs[0]!.termAt(index))) index--;
  return index;
}

function entriesMicros(plan: Plan, entries: number): Micros {
  return entries * 4 * plan.latencyMicros + diskMicros(plan, entries);
}
