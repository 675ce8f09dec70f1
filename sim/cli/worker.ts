/** A thread of a run over many seeds: takes a seed, answers with a report. */
import { parentPort } from "node:worker_threads";
import type { PlanChanges } from "../nemesis/options.ts";
import { simulateSeed } from "../run.ts";
import { exitCodeOf, failureDirectory, summary, writeFailure } from "./report.ts";

export type Order = { readonly seed: number; readonly changes: PlanChanges; readonly typed: string };
export type Report = {
  readonly seed: number;
  readonly code: number;
  readonly events: number;
  readonly micros: number;
  readonly lines: readonly string[];
};

parentPort?.on("message", ({ seed, changes, typed }: Order) => {
  const result = simulateSeed(seed, { print: null, invariants: true, keepsDecisions: true }, changes);
  const code = exitCodeOf(result);
  const lines: string[] = [];
  if (code !== 0) {
    lines.push(summary(result)[0]!);
    for (const file of writeFailure(result, failureDirectory)) lines.push(`  wrote ${file}`);
    lines.push(`npm run sim -- --seed ${seed}${typed}`);
  }
  const report: Report = { seed, code, events: result.events, micros: result.simulatedMicros, lines };
  parentPort?.postMessage(report);
});
