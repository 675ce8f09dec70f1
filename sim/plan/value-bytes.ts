/** How long the values of a run are. */
import type { Plan } from "./plan.ts";

/** A dozen of them are more than a small queue holds. */
export const burstValueBytes = 700;

/** No value is longer, but for what it begins with. */
export const edgeBytesMax = 4_200;

/** What the longest value of a run has beside what it begins with. */
export function valueBytesMost({ valueEdges, valueBytes }: Plan): number {
  return valueEdges ? Math.max(valueBytes, edgeBytesMax) : valueBytes;
}
