/** The figures of a run, in words. */
import type { Outcome } from "../run.ts";

function rank(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]!;
}

function ms(micros: number): string {
  return `${Math.round(micros / 1000)} ms`;
}

/** Each loss of a leader in one way, and how long after it the first write that was asked for later was acknowledged. */
type Failover = { readonly how: string; readonly waited: readonly number[]; readonly never: number };

/** By the way in which leaders were lost. Those after which nothing was acknowledged any more are counted, not dropped. */
export function failoversOf({ recorder, nemesis }: Pick<Outcome, "recorder" | "nemesis">): Failover[] {
  const ways = [...new Set(nemesis.leadersLost.map(({ how }) => how))].toSorted();
  return ways.map((how) => {
    const all = nemesis.leadersLost.filter((one) => one.how === how);
    const waited = all.map(({ at }) => recorder.firstAcknowledgedAfter(at)).filter((one) => one !== null);
    return { how, waited: waited.toSorted((a, b) => a - b), never: all.length - waited.length };
  });
}

/** "median 1200 ms, p99 2300 ms (41 times)". */
function failoverWords({ waited, never }: Failover): string {
  const count = waited.length + never;
  const lost = never === 0 ? "" : `, of them ${never} without one until the end`;
  const times = waited.length === 0 ? "" : `median ${ms(rank(waited, 0.5))}, p99 ${ms(rank(waited, 0.99))} `;
  return `${times}(${count} times${lost})`;
}

type Rolling = {
  readonly restarts: number;
  readonly requests: number;
  readonly refused: number;
  readonly lost: number;
};

/** All rolling restarts together. Requests to members that were down, or told to stop, are not theirs to answer. */
function rollingOf({ recorder, nemesis }: Pick<Outcome, "recorder" | "nemesis">): Rolling {
  const { operations, denials } = recorder;
  const bands = nemesis.bands.filter(({ family }) => family === "rolling");
  const isIn = (at: number): boolean => bands.some(({ from, to }) => at >= from && at <= (to ?? Infinity));
  const own = denials.filter(({ at }) => isIn(at));
  const lost = own.filter(({ kind }) => kind === "lost").length;
  const requests = operations.filter(({ call }) => isIn(call)).length;
  return { restarts: bands.length, requests, refused: own.length - lost, lost };
}

/** Lines for the console, one figure each. */
export function figuresOf(outcome: Outcome): string[] {
  const { recorder, nemesis, monitors, servedMs } = outcome;
  const { operations, stale } = recorder;
  const count = (name: string): number => operations.filter(({ outcome: one }) => one === name).length;
  const failovers = failoversOf(outcome);
  const gap = recorder.longestGap();
  const during = nemesis.bands
    .filter(({ from, to }) => from < gap.from + gap.micros && (to ?? Infinity) > gap.from)
    .map(({ what }) => what);
  const { restarts, requests, refused, lost } = rollingOf(outcome);
  const { descriptors, residentBytes, linesPerMinute } = monitors.peaks;
  return [
    `operations  ${operations.length}: ${count("ok") + count("mismatch")} answered, ${count("none")} certainly did not happen, ${count("unknown")} unknown; ${stale.length} stale reads`,
    `faults      ${faultsOf(outcome)}`,
    `leaders     ${monitors.leaderships} seen`,
    ...(failovers.length === 0 ? ["failover    no leader was lost"] : []),
    ...failovers.map((one) => `failover    leader ${one.how}: first acknowledged write after ${failoverWords(one)}`),
    restarts === 0
      ? "rolling     no rolling restart"
      : `rolling     ${restarts} restarts: of ${requests} requests members that ran refused ${refused}, lost ${lost}`,
    `longest gap ${ms(gap.micros)} without an acknowledged write, ${Math.round(gap.from / 1e6)} s into the run (${during.join(", ") || "no fault"})`,
    `at the end  ${servedWords(servedMs)}`,
    `peaks       ${descriptors} descriptors, ${Math.round(residentBytes / 1e6)} MB resident, ${linesPerMinute} lines of log a minute`,
  ];
}

/** "kill 3, pause 2", or "none". */
function faultsOf({ nemesis }: Pick<Outcome, "nemesis">): string {
  const faults = [...nemesis.counts].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return faults.map(([name, number]) => `${name} ${number}`).join(", ") || "none";
}

function row(texts: readonly (string | number)[]): string {
  return `| ${texts.join(" | ")} |`;
}

/** The same as rows of Markdown, for a page of results. `title`: of the run. */
export function rowsOf(outcome: Outcome, title: string): string[] {
  const { recorder, nemesis, servedMs } = outcome;
  const { operations } = recorder;
  const count = (name: string): number => operations.filter(({ outcome: one }) => one === name).length;
  const killed = failoversOf(outcome).find(({ how }) => how === "killed");
  const strikes = [...nemesis.counts.values()].reduce((sum, one) => sum + one, 0);
  const { restarts, requests, refused, lost } = rollingOf(outcome);
  const cells: readonly (readonly [string, string | number])[] = [
    ["run", title],
    ["operations", operations.length],
    ["answered", count("ok") + count("mismatch")],
    ["unknown", count("unknown")],
    ["strikes", strikes],
    ["failover after a kill", killed === undefined ? "none" : failoverWords(killed)],
    ["longest gap", ms(recorder.longestGap().micros)],
    ["serves after healing", servedMs === null ? "not asked" : servedMs === Infinity ? "not all" : `${servedMs} ms`],
    ["rolling restarts", `${restarts}: of ${requests}, ${refused} refused, ${lost} lost`],
    ["faults by family", faultsOf(outcome)],
  ];
  return [row(cells.map(([name]) => name)), row(cells.map(() => "---")), row(cells.map(([, text]) => text))];
}

function servedWords(servedMs: number | null): string {
  if (servedMs === null) return "not asked";
  return servedMs === Infinity ? "not all serve" : `all serve ${servedMs} ms after all is healed`;
}
