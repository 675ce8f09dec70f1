/** How the times of a history are said: in its own unit, to the last digit. */

/** What a time of a history may count. */
export const units = ["ns", "us", "ms", "s", "event"] as const;
/** "event": times are numbers of events in a log, not of a clock. */
export type Unit = (typeof units)[number];

/** Says the times of one history in words, of the file that it came from. */
export type Times = {
  readonly at: (time: number) => string;
  /** What lies between two times. */
  readonly span: (from: number, to: number) => string;
};

/** For a history whose unit is not known: the numbers as they are. */
export const plainTimes: Times = { at: String, span: (from, to) => String(to - from) };

const secondsOf = { ns: 1e-9, us: 1e-6, ms: 1e-3, s: 1 } as const;

/** A span of many small units also in a larger one. */
function spokenSpan(length: number | bigint, unit: "ns" | "us" | "ms" | "s"): string {
  const seconds = Number(length) * secondsOf[unit];
  const scale = (["s", "ms", "us"] as const).find((larger) => seconds >= secondsOf[larger]);
  if (length < 1000 || scale === undefined || scale === unit) return `${length} ${unit}`;
  return `${length} ${unit} (${Number((seconds / secondsOf[scale]).toFixed(3))} ${scale})`;
}

function eventsBetween(from: number, to: number): string {
  return `${to - from} ${to - from === 1 ? "event" : "events"}`;
}

/** Null: the history does not name its unit, and numbers stand as they are. `base`: what the file has more than the history. */
export function timesOf(unit: Unit | null, base = 0n): Times {
  const exact = (time: number): string => (base === 0n ? String(time) : String(base + BigInt(time)));
  if (unit === null) return { at: exact, span: plainTimes.span };
  if (unit === "event") return { at: (time) => `event ${exact(time)}`, span: eventsBetween };
  return { at: (time) => `${exact(time)} ${unit}`, span: (from, to) => spokenSpan(to - from, unit) };
}

/** Of a history in the order of a log: its times are the numbers of the events, from 1, and `moments` what the log's clock said. */
export function loggedTimes(moments: readonly (number | bigint | null)[]): Times {
  const momentOf = (event: number): number | bigint | null => moments[event - 1] ?? null;
  return {
    at: (event) => {
      const moment = momentOf(event);
      return moment === null ? `event ${event}` : `${moment} ns`;
    },
    span: (from, to) => {
      const [start, end] = [momentOf(from), momentOf(to)];
      // A clock that stepped back tells no span.
      if (start === null || end === null || end < start) return eventsBetween(from, to);
      return spokenSpan(BigInt(end) - BigInt(start), "ns");
    },
  };
}
