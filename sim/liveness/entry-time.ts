/** How long entries may take, by what the plan of a run says of its disks and links. */
import type { Micros } from "../../core/units.ts";
import type { Plan } from "../plan/plan.ts";

/** Disk calls of an entry in a batch of its own, and of a new segment: each takes up to twice the mean. */
const callsPerEntry = 2;
const callsPerSegment = 12;
/** Of an entry besides its value. */
const entryOverheadBytes = 120;

/** Until `entries` are durable that were given to a disk one by one. */
export function diskMicros({ valueBytes, walSegmentBytesMax, syncMicros }: Plan, entries: number): Micros {
  const segments = Math.min(1, (entryOverheadBytes + valueBytes) / walSegmentBytesMax);
  return entries * syncMicros * (callsPerEntry + callsPerSegment * segments);
}

/** For so many entries, one after the other. */
export function entriesMicros(plan: Plan, entries: number): Micros {
  return entries * 4 * plan.latencyMicros + diskMicros(plan, entries);
}
