/** A thread of the campaign in campaign-main.ts: every fifth seed fails, in one of two kinds, and leaves its files. */
import { parentPort } from "node:worker_threads";
import { nameOfSeed, wordsOf, writeFailure } from "../../sim/cli/failure.ts";
import type { Order, Report } from "../../sim/cli/worker.ts";
import { failureOf, isFailing } from "./campaign-failures.ts";

const seedMs = 5;

parentPort?.on("message", ({ seed, typed, directory }: Order) => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, seedMs);
  const sums = {
    seed,
    events: 1,
    micros: 1_000,
    traceHash: "0".repeat(16),
    marks: [],
    hasHalted: false,
    isLost: false,
  };
  if (!isFailing(seed)) {
    parentPort?.postMessage({ ...sums, code: 0, property: "", message: "", lines: [] } satisfies Report);
    return;
  }
  const result = failureOf(seed);
  const { property, message } = result;
  const lines = [`seed ${seed}: ${property}: ${message}`];
  lines.push(...wordsOf(writeFailure(result, directory, nameOfSeed(seed, typed), "again")));
  parentPort?.postMessage({ ...sums, code: 1, property, message, lines } satisfies Report);
});
