/** Runs a tape twice, and compares event by event: the proof that a run hangs on its tape alone. */
import type { Plan } from "./plan/plan.ts";
import type { Result, RunOptions } from "./run.ts";
import type { Tape } from "./tape.ts";

/** Where two runs of one tape parted: the simulator itself is wrong then. */
export type Difference = {
  /** How many trace lines were the same. */
  readonly same: number;
  /** The last lines that both runs had, and what each went on with; null: it had ended. */
  readonly before: readonly string[];
  readonly first: string | null;
  readonly second: string | null;
};

const contextLines = 12;

/** Null: every line of the trace, and the hash over all events, are the same. */
export function verify(
  { plan, decisions, interventions = [] }: Tape,
  simulate: (plan: Plan, options: RunOptions) => Result,
): Difference | null {
  const lines: string[] = [];
  const options = { invariants: true, given: decisions, interventions };
  const first = simulate(plan, { ...options, print: (line) => lines.push(line) });
  let at = 0;
  let difference: Difference | null = null;
  const differ = (line: string | null): void => {
    difference ??= {
      same: at,
      before: lines.slice(Math.max(0, at - contextLines), at),
      first: lines[at] ?? null,
      second: line,
    };
  };
  const second = simulate(plan, {
    ...options,
    print: (line) => {
      if (lines[at] !== line) differ(line);
      at += 1;
    },
  });
  if (at < lines.length) differ(null);
  if (first.traceHash !== second.traceHash) differ(null);
  return difference;
}
