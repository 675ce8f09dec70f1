/** How long each wait may take, by what the plan of a run says of disks, links and timeouts. */
import type { Index, Micros } from "../../core/units.ts";
import type { WaitKind } from "../laws/waits.ts";
import { largestEntriesMicros } from "../plan/entry-time.ts";
import type { Plan } from "../plan/plan.ts";

/** The bounds of one run. */
export type WaitBounds = {
  readonly microsMax: Readonly<Record<WaitKind, Micros>>;
  /** Two nodes of which one has not heard the other for so long are not connected. */
  readonly silenceMicros: Micros;
  /** After so long without a piece, the next one is of another attempt to send a snapshot. */
  readonly restMicros: Micros;
  readonly triesMax: number;
  /** A stall of a disk is over after that. */
  readonly stallMicros: Micros;
  /** For `entries`, one after the other. */
  catchUpMicros(entries: Index): Micros;
};

const secondMicros: Micros = 1_000_000;
/** Calls of a disk that follow each other: a full segment, a new one, its place in the identity, and what waits before. */
const callsMax = 100;
/** A node that is slow takes a turn for each slice of what is small; each may take so many times as long. */
const slowTurns = 3;
/** How often a piece of a snapshot may be sent in a row: a few times more than in vain. */
const triesMax = 14;
/** A clock that is slow by all that leases allow. */
const slowest = 1.02;

/** The leader wakes at each heartbeat, a snapshot's piece is sent again after four, ten times in vain by default. */
export function waitBoundsOf(plan: Plan): WaitBounds {
  const { electionMicros, heartbeatMicros, limits, requestMicros, syncMicros } = plan;
  const disk = slowTurns * (secondMicros + callsMax * syncMicros);
  const resend = 4 * heartbeatMicros;
  return {
    microsMax: {
      handOver: slowest * electionMicros + 3 * heartbeatMicros,
      joint: 4 * electionMicros + 2 * disk,
      promotion: 4 * electionMicros + disk,
      // An attempt, a rest, and two of each more.
      sending: 12 * triesMax * heartbeatMicros + 3 * disk,
      install: 2 * disk,
      received: disk,
      heldLog: 2 * disk,
      heldSegment: 2 * disk,
      unmarked: disk,
      logQueue: disk,
      applyQueue: 2 * disk,
      change: slowest * requestMicros + 3 * heartbeatMicros + secondMicros,
    },
    silenceMicros: 3 * heartbeatMicros,
    // A piece is sent again after one, and a rest lasts for all tries in vain.
    restMicros: Math.min(5, (1 + limits.snapshotTriesMax) / 2) * resend,
    triesMax,
    stallMicros: 4 * secondMicros,
    catchUpMicros: (entries) => largestEntriesMicros(plan, entries),
  };
}
