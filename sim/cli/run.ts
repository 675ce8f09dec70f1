import { execFileSync } from "node:child_process";
import { Worker } from "node:worker_threads";
import type { Engines } from "../nemesis/options.ts";
import { simulateSeed } from "../simulator.ts";
import { exitCodeOf, failureDirectory, summary, writeFailure } from "./report.ts";
import type { Order, Report } from "./worker.ts";

/** One seed: prints its summary, and the trace as it happens if asked. Returns the exit code. */
export function runSeed(seed: number, engines: Engines | null, trace: boolean): number {
  const print = trace ? (line: string): void => console.log(line) : null;
  const result = simulateSeed(seed, { print, invariants: true }, engines);
  for (const line of summary(result)) console.log(line);
  if (result.verdict !== "ok") {
    console.log("  the last events:");
    for (const line of result.context.slice(-25)) console.log(`    ${line}`);
    for (const file of writeFailure(result, failureDirectory)) console.log(`  wrote ${file}`);
    console.log(`npm run sim -- --seed ${seed}${engines === null ? "" : ` --engines ${engines}`}${commit()}`);
  }
  return exitCodeOf(result);
}

/** Where the failure was seen, for whoever replays it later. */
function commit(): string {
  try {
    return `  # at commit ${execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim()}`;
  } catch {
    return "";
  }
}

/** Seeds `from` to `to` on `jobs` threads; each seed gives the same result as alone. Returns the gravest exit code. */
export async function runSeeds(from: number, to: number, engines: Engines | null, jobs: number): Promise<number> {
  const started = performance.now();
  let next = from;
  const tally = { done: 0, failed: 0, events: 0, micros: 0, code: 0 };
  const take = (report: Report): void => {
    tally.done += 1;
    tally.events += report.events;
    tally.micros += report.micros;
    if (report.code !== 0) {
      tally.failed += 1;
      for (const line of report.lines) console.log(line);
    }
    // Wrong answers outweigh stalls, stalls outweigh nothing.
    if (report.code === 1 || (report.code !== 0 && tally.code !== 1)) tally.code = report.code;
  };
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL("worker.js", import.meta.url));
      const feed = (): void => {
        if (next > to) {
          void worker.terminate().then(() => resolve());
          return;
        }
        const order: Order = { seed: next++, engines };
        worker.postMessage(order);
      };
      worker.on("message", (report: Report) => {
        take(report);
        feed();
      });
      worker.on("error", reject);
      feed();
    });
  await Promise.all(Array.from({ length: jobs }, work));
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `${tally.done} seeds, ${tally.failed} failed, ${(tally.micros / 3.6e9).toFixed(2)} simulated hours, ${tally.events} events in ${seconds.toFixed(1)} s ` +
      `(${(tally.done / seconds).toFixed(1)} seeds/s, ${Math.round(tally.events / seconds)} events/s, ${Math.round(tally.micros / 1e6 / seconds)}x real time)`,
  );
  return tally.code;
}
