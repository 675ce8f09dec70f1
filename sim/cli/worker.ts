/** A thread of a run over many seeds: takes a seed, answers with a report. */
import { parentPort } from "node:worker_threads";
import type { Engines } from "../nemesis/options.ts";
import { simulateSeed } from "../simulator.ts";
import { exitCodeOf, failureDirectory, summary, writeFailure } from "./report.ts";

export type Order = { readonly seed: number; readonly engines: Engines | null };
export type Report = {
  readonly seed: number;
  readonly code: number;
  readonly events: number;
  readonly micros: number;
  readonly lines: readonly string[];
};

parentPort?.on("message", ({ seed, engines }: Order) => {
  const result = simulateSeed(seed, { print: null, invariants: true }, engines);
  const code = exitCodeOf(result);
  const lines: string[] = [];
  if (code !== 0) {
    lines.push(summary(result)[0]!);
    for (const file of writeFailure(result, failureDirectory)) lines.push(`  wrote ${file}`);
    lines.push(`npm run sim -- --seed ${seed}${engines === null ? "" : ` --engines ${engines}`}`);
  }
  const report: Report = { seed, code, events: result.events, micros: result.simulatedMicros, lines };
  parentPort?.postMessage(report);
});
