import { randomInt } from "node:crypto";
import type { Random } from "../core/ports.ts";

/** The machine's entropy; sites and occasions matter to a simulated world only. */
export const machineRandom: Random = {
  draw: (_site, _occasion, bound) => randomInt(bound),
};
