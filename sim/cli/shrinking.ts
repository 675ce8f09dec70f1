/** Shrinks a failure within a time, tells how far it is, and draws the small run. */
import type { Plan } from "../plan/plan.ts";
import { reportPage } from "../report/page.ts";
import type { Result, RunOptions } from "../run.ts";
import { countsOf, type Shrunk, shrinkTape } from "../shrink.ts";
import type { Tape } from "../tape.ts";
import { Recorder } from "../trace/recorder.ts";
import { writeWhole } from "./files.ts";

type Simulate = (plan: Plan, options: RunOptions) => Result;

const progressMs = 2_000;

/** "3 faults and 12 operations". */
export function sizeOf(tape: Tape): string {
  const { faults, asked } = countsOf(tape);
  return `${faults} fault${faults === 1 ? "" : "s"} and ${asked} operation${asked === 1 ? "" : "s"}`;
}

/** The smallest run that was found in `msMax`; every two seconds `tell` is told how far it is. */
export function shrinkFor(
  msMax: number,
  tape: Tape,
  first: Result,
  simulate: Simulate,
  tell: (line: string) => void,
): Shrunk {
  const started = performance.now();
  let toldAt = started;
  const seconds = (): string => ((performance.now() - started) / 1000).toFixed(0);
  return shrinkTape(
    tape,
    first,
    simulate,
    () => performance.now() - started > msMax,
    (now) => {
      if (performance.now() - toldAt < progressMs) return;
      toldAt = performance.now();
      const at = `${seconds()} of at most ${msMax / 1000} s`;
      tell(`shrinking: ${now.runs} runs, ${sizeOf(now.tape)}, ${now.tape.plan.nodes} nodes left, ${at}`);
    },
  );
}

/** Runs `tape` in `simulate` once more and writes a page about it. `again`: what to type to see it. Throws where it cannot write. */
export function reportTape(
  { plan, decisions, interventions = [] }: Tape,
  simulate: Simulate,
  file: string,
  again: string,
): Result {
  const recorder = new Recorder();
  const options = { print: null, invariants: true, given: decisions, interventions, keepsDecisions: true, recorder };
  const result = simulate(plan, options);
  writeWhole(file, reportPage(result, recorder, again));
  return result;
}
