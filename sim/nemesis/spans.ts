/** How long faults last, in microseconds of true time. */
import type { Micros } from "../../core/units.ts";

/** At most, of families whose span does not depend on the plan. */
export const spanMicrosMax = {
  /** Until the machine is back. */
  powerCut: 3_000_000,
  kill: 3_000_000,
  fastRestart: 20_000,
  replaced: 8_000_000,
  pause: 4_000_000,
  slow: 4_000_000,
  clockStall: 3_000_000,
  partition: 5_000_000,
  oneWay: 5_000_000,
  clientPartition: 3_000_000,
} as const satisfies Record<string, Micros>;

/** Bounds that hold for several families, or for what follows a fault. */
export const spans = {
  /** A fault that is drawn by the slot lasts at least so long, except a fast restart. */
  microsMin: 10_000,
  /** A fault that may be over before any timeout has passed lasts at least so long. */
  briefMicrosMin: 1_000,
  /** A network that falls apart in a shape: or eight election timeouts, if they are longer. */
  shapeMicrosMax: 1_000_000,
  /** Machines that an isolated leader spoke to, and that restart. */
  bystanderDownMicrosMax: 10_000,
  /** Until an operator starts a process again that has ended itself; the second is drawn on top. */
  restartMicrosMin: 200_000,
  restartMicrosMore: 2_000_000,
  /** Between two turns of a slow process. */
  beatMicrosMin: 2_000,
} as const satisfies Record<string, Micros>;
