/** The figures of a run, in words. */
import type { Outcome } from "../run.ts";

function rank(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]!;
}

function ms(micros: number): string {
  return `${Math.round(micros / 1000)} ms`;
}

/** Lines for the console, one figure each. */
export function figuresOf({ recorder, nemesis, monitors, servedMs }: Outcome): string[] {
  const { operations, stale } = recorder;
  const count = (outcome: string): number => operations.filter((one) => one.outcome === outcome).length;
  const faults = [...nemesis.counts].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const failovers = nemesis.leadersLost
    .map((at) => recorder.firstAcknowledgedAfter(at))
    .filter((one) => one !== null)
    .toSorted((a, b) => a - b);
  const gap = recorder.longestGap();
  const during = nemesis.bands
    .filter(({ from, to }) => from < gap.from + gap.micros && (to ?? Infinity) > gap.from)
    .map(({ what }) => what);
  const rolling = nemesis.bands.filter(({ family }) => family === "rolling");
  const { descriptors, residentBytes, linesPerMinute } = monitors.peaks;
  return [
    `operations  ${operations.length}: ${count("ok") + count("mismatch")} answered, ${count("none")} certainly did not happen, ${count("unknown")} unknown; ${stale.length} stale reads`,
    `faults      ${faults.map(([name, number]) => `${name} ${number}`).join(", ") || "none"}`,
    `leaders     ${monitors.leaderships} seen`,
    failovers.length === 0
      ? "failover    no leader was killed"
      : `failover    first acknowledged write after a leader's kill: median ${ms(rank(failovers, 0.5))}, p99 ${ms(rank(failovers, 0.99))} (${failovers.length} kills)`,
    rolling.length === 0
      ? "rolling     no rolling restart"
      : `rolling     ${rolling.map(({ from, to }) => failedIn(recorder, from, to ?? Infinity)).join("; ")}`,
    `longest gap ${ms(gap.micros)} without an acknowledged write, ${Math.round(gap.from / 1e6)} s into the run (${during.join(", ") || "no fault"})`,
    `at the end  ${servedWords(servedMs)}`,
    `peaks       ${descriptors} descriptors, ${Math.round(residentBytes / 1e6)} MB resident, ${linesPerMinute} lines of log a minute`,
  ];
}

function servedWords(servedMs: number | null): string {
  if (servedMs === null) return "not asked";
  return servedMs === Infinity ? "not all serve" : `all serve ${servedMs} ms after all is healed`;
}

/** Requests to members that were down, or told to stop, are not theirs to answer: a client that is refused goes elsewhere. */
function failedIn({ operations, denials }: Outcome["recorder"], from: number, to: number): string {
  const { length } = operations.filter(({ call }) => call >= from && call <= to);
  const own = denials.filter(({ at }) => at >= from && at <= to);
  const lost = own.filter(({ kind }) => kind === "lost").length;
  return `of ${length} requests members that ran refused ${own.length - lost}, lost ${lost}`;
}
