/**
 * When a failure became inevitable: the run is replayed up to a moment and goes on with other chance (delays, timeouts, who is
 * asked) under the same faults and requests. The share of replays that break the same law rises to all of them.
 */
import { withoutAmbients } from "../ambient.ts";
import type { Result } from "../run.ts";
import { Simulator } from "../simulator.ts";
import type { Recorder } from "../trace/recorder.ts";
import { Violation } from "../violation.ts";
import type { PageOdds } from "./page-data.ts";

const pointsMax = 40;
const pointsMin = 8;
const replaysOfPoint = 5;
/** All replays together stay below so many events, some seconds, where the run is not very long itself. */
const eventsMax = 1_000_000;
/** A replay may fail later than the run did by so much. */
const graceMicros = 500_000;

/**
 * Null where nothing broke, where nobody has kept the decisions, and for what is judged after the safety phase. The same
 * result gives the same odds.
 */
export function oddsOf(result: Result, { lines }: Recorder): PageOdds | null {
  const { verdict, plan, decisions, events, simulatedMicros } = result;
  if (verdict !== "violation" || decisions === null || simulatedMicros > plan.safetyMicros) return null;
  const affordable = Math.floor(eventsMax / (replaysOfPoint * Math.max(1, events)));
  const count = Math.min(lines.length, Math.max(pointsMin, Math.min(pointsMax, affordable)));
  const points = Array.from({ length: count }, (_, k) => {
    const line = Math.round((k * (lines.length - 1)) / Math.max(1, count - 1));
    let failed = 0;
    for (let salt = 1; salt <= replaysOfPoint; salt++) if (failsFrom(result, line, salt)) failed += 1;
    return { line, failed };
  });
  return { points, replays: replaysOfPoint };
}

/** Whether the same law is broken when chance is another one after the event that has written `line`. */
function failsFrom(
  { plan, decisions, interventions, property, simulatedMicros }: Result,
  line: number,
  salt: number,
): boolean {
  return withoutAmbients(() => {
    const simulator = new Simulator(plan, { print: null, invariants: true, given: decisions, interventions });
    const until = Math.min(plan.safetyMicros, simulatedMicros + graceMicros);
    try {
      simulator.startAll();
      simulator.addClients(plan.clients);
      simulator.runUntil(until, () => simulator.trace.count > line);
      simulator.draws.goOtherwise(salt);
      simulator.runUntil(until);
    } catch (error) {
      return (error instanceof Violation ? error.property : "I21") === property;
    }
    return false;
  });
}
