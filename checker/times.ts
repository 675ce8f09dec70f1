/** How the times of a history are said. */
import type { Unit } from "./formats/jsonl.ts";

export type Times = { readonly at: (time: number) => string; readonly span: (time: number) => string };

export const plainTimes: Times = { at: String, span: String };

const secondsOf = { ns: 1e-9, us: 1e-6, ms: 1e-3, s: 1 } as const;

function spoken(seconds: number): string {
  if (seconds >= 1) return `${Number(seconds.toFixed(3))} s`;
  if (seconds >= 1e-3) return `${Number((seconds * 1e3).toFixed(3))} ms`;
  return `${Number((seconds * 1e6).toFixed(3))} us`;
}

/** Null: the history does not name its unit, and numbers stand as they are. */
export function timesOf(unit: Unit | null): Times {
  if (unit === null) return plainTimes;
  if (unit === "event")
    return { at: (time) => `event ${time}`, span: (time) => `${time} ${time === 1 ? "event" : "events"}` };
  return { at: (time) => `${(time * secondsOf[unit]).toFixed(6)} s`, span: (time) => spoken(time * secondsOf[unit]) };
}
