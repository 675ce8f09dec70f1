/** A thread of a run over many seeds: takes a seed, answers with a report. */
import { parentPort } from "node:worker_threads";
import type { PlanChanges } from "../plan/plan.ts";
import { simulateSeed } from "../run.ts";
import { command } from "./command.ts";
import { exitCodeOf, summary, writeFailure } from "./report.ts";

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
};

parentPort?.on("message", ({ seed, changes, typed, directory }: Order) => {
  const result = simulateSeed(seed, { print: null, invariants: true, keepsDecisions: true }, changes);
  const code = exitCodeOf(result);
  const lines: string[] = [];
  if (code !== 0) {
    lines.push(summary(result)[0]!);
    for (const file of writeFailure(result, directory)) lines.push(`  wrote ${file}`);
    lines.push(`${command} --seed ${seed}${typed}`);
  }
  const { events, simulatedMicros: micros, traceHash, marks, property, message } = result;
  const hasHalted = result.halted !== null;
  const report: Report = { seed, code, events, micros, traceHash, marks, hasHalted, property, message, lines };
  parentPort?.postMessage(report);
});
