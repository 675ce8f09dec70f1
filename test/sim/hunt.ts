/**
 * Run as a process of its own: hunts for the first seed in [from, to] that fails in the simulator compiled under a
 * directory. Prints one JSON line.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type * as Simulator from "../../sim/simulator.ts";

export type Catch = {
  /** The seed that failed, or null. */
  readonly seed: number | null;
  readonly property: string;
  readonly message: string;
  readonly seeds: number;
  readonly events: number;
};

async function hunt(directory: string, from: number, to: number, invariants: boolean): Promise<Catch> {
  const path = pathToFileURL(join(directory, "sim/simulator.js")).href;
  const { simulateSeed } = (await import(path)) as typeof Simulator;
  let events = 0;
  for (let seed = from; seed <= to; seed++) {
    const result = simulateSeed(seed, { print: null, invariants });
    events += result.events;
    if (result.verdict === "ok" || result.verdict === "unknown") continue;
    // Clients alone see wrong answers, not whose log is longer.
    if (!invariants && result.verdict !== "violation") continue;
    return { seed, property: result.property, message: result.message, seeds: seed - from + 1, events };
  }
  return { seed: null, property: "", message: "", seeds: to - from + 1, events };
}

const [directory, from, to, invariants] = process.argv.slice(2);
console.log(JSON.stringify(await hunt(directory!, Number(from), Number(to), invariants === "true")));
