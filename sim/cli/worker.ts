/** A thread of a run over many seeds: takes a seed, answers with a report. */
import { parentPort } from "node:worker_threads";
import { simulateSeed } from "../simulator.ts";
import { exitCodeOf, failureDirectory, summary, writeFailure } from "./report.ts";

export type Report = {
  readonly seed: number;
  readonly code: number;
  readonly events: number;
  readonly micros: number;
  readonly lines: readonly string[];
};

parentPort?.on("message", (seed: number) => {
  const result = simulateSeed(seed, { print: null, invariants: true });
  const code = exitCodeOf(result);
  const lines: string[] = [];
  if (code !== 0) {
    lines.push(summary(result)[0]!);
    for (const file of writeFailure(result, failureDirectory)) lines.push(`  wrote ${file}`);
    lines.push(`npm run sim -- --seed ${seed}`);
  }
  const report: Report = { seed, code, events: result.events, micros: result.simulatedMicros, lines };
  parentPort?.postMessage(report);
});
