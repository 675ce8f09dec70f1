/** How long entries may take, by what the plan of a run says of its disks and links. */
import type { LogView } from "../../core/raft/log.ts";
import type { Index, Micros } from "../../core/units.ts";
import type { Plan } from "./plan.ts";
import { burstValueBytes, valueBytesMost } from "./value-bytes.ts";

/** Disk calls of an entry in a batch of its own, and of a new segment: each takes up to twice the mean. */
const callsPerEntry = 2;
const callsPerSegment = 12;
/** Of an entry's batch besides the entry; of an entry besides its value. */
const batchOverheadBytes = 40;
const entryOverheadBytes = 120;

function callsOf({ walSegmentBytesMax }: Plan, bytes: number): number {
  return callsPerEntry + callsPerSegment * Math.min(1, (bytes + batchOverheadBytes) / walSegmentBytesMax);
}

/** Until the entries of `log` after `after` are durable, each in a batch of its own. */
export function diskMicros(plan: Plan, log: LogView, after: Index): Micros {
  let calls = 0;
  for (let index = Math.max(after, log.baseIndex) + 1; index <= log.lastIndex; index++) {
    const { length } = log.entryAt(index).bytes;
    calls += callsOf(plan, length);
  }
  return plan.syncMicros * calls;
}

/** To bring the entries of `log` after `after` to a disk, one after the other. */
export function entriesMicros(plan: Plan, log: LogView, after: Index): Micros {
  return (
    Math.max(0, log.lastIndex - Math.max(after, plan.origin.index)) * 4 * plan.latencyMicros +
    diskMicros(plan, log, after)
  );
}

/** For so many entries, the largest that the run has, one after the other. */
export function largestEntriesMicros(plan: Plan, entries: number): Micros {
  const bytes = entryOverheadBytes + Math.max(valueBytesMost(plan), burstValueBytes);
  return entries * (4 * plan.latencyMicros + plan.syncMicros * callsOf(plan, bytes));
}
