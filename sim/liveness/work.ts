/**
 * How long what a calm core has before it may take: a vote waits for all that was given to its disk before it, and a new
 * machine gets the whole log. Both grow with the work, whatever the bounds say.
 */
import type { Micros } from "../../core/units.ts";
import type { Simulator } from "../simulator.ts";
import type { Plan } from "../nemesis/options.ts";
import { logLengths, membersOf } from "./core.ts";

/** Disk calls of an entry in a batch of its own, and of a new segment: each takes up to twice the mean. */
const callsPerEntry = 2;
const callsPerSegment = 12;
/** Of an entry besides its value. */
const entryOverheadBytes = 120;

function diskMicros({ valueBytes, walSegmentBytesMax, syncMicros }: Plan, entries: number): Micros {
  const segments = Math.min(1, (entryOverheadBytes + valueBytes) / walSegmentBytesMax);
  return entries * syncMicros * (callsPerEntry + callsPerSegment * segments);
}

/** Of a disk in the core: until all is durable that was given to it. */
export function backlogMicros({ core, hosts, plan }: Simulator): Micros {
  const entries = core.map((id) => {
    const log = hosts[id - 1]!.node?.running?.raft.log;
    return log === undefined ? 0 : log.lastIndex - log.durableIndex;
  });
  return diskMicros(plan, Math.max(...entries));
}

/** Until a machine without a log has all entries of its leader's, one after the other in the worst case. */
export function replicationMicros(simulator: Simulator): Micros {
  if (membersOf(simulator).length === 0) return 0;
  const entries = Math.max(...logLengths(simulator));
  return entries * 4 * simulator.plan.latencyMicros + diskMicros(simulator.plan, entries);
}
