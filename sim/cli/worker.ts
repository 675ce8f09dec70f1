/** A thread of a run over many seeds: takes a seed, answers with a report. */
import { parentPort } from "node:worker_threads";
import type { PlanChanges } from "../plan/plan.ts";
import { simulateSeed } from "../run.ts";
import { command } from "./command.ts";
import { nameOfSeed, wordsOf, writeFailure } from "./failure.ts";
import { exitCodeOf, headline } from "./summary.ts";

/** `directory`: where the files of a failure go. */
export type Order = {
  readonly seed: number;
  readonly changes: PlanChanges;
  readonly typed: string;
  readonly directory: string;
};
/** What one seed has come to, as plain data: it crosses from a thread to another. `code` is an exit code. */
export type Report = {
  readonly seed: number;
  readonly code: number;
  readonly events: number;
  readonly micros: number;
  readonly traceHash: string;
  readonly marks: readonly string[];
  readonly hasHalted: boolean;
  /** Of a failure: what broke, how it was worded, and the lines to print. */
  readonly property: string;
  readonly message: string;
  readonly lines: readonly string[];
  /** The run has ended its thread, or hangs: there is no tape of it, and will be none. */
  readonly isLost: boolean;
};

/** How the run of a seed is called. */
export function againOf({ seed, typed }: Pick<Order, "seed" | "typed">): string {
  return `${command} --seed ${seed}${typed}`;
}

function run(order: Order): Report {
  const { seed, changes, typed, directory } = order;
  const result = simulateSeed(seed, { print: null, invariants: true, keepsDecisions: true }, changes);
  const code = exitCodeOf(result);
  const again = againOf(order);
  // The failure is told in its own words, whether or not there is room for its files.
  const lines =
    code === 0
      ? []
      : [
          ...headline(result),
          ...wordsOf(writeFailure(result, directory, nameOfSeed(seed, typed), again)),
          `  again     ${again}`,
        ];
  const { events, simulatedMicros: micros, traceHash, marks, property, message } = result;
  const hasHalted = result.halted !== null;
  return { seed, code, events, micros, traceHash, marks, hasHalted, property, message, lines, isLost: false };
}

parentPort?.on("message", (order: Order) => parentPort?.postMessage(run(order)));
