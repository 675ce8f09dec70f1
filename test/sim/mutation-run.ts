/**
 * Run as a process of its own: runs seeds until one fails in the simulator compiled under a directory. Takes a
 * MutationRun as JSON, and prints a Detection as JSON. On stderr it says a dot when it begins, and another after each run.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { FaultFamily, Tier } from "../../sim/plan/families.ts";
import type * as Run from "../../sim/run.ts";
import type * as Shrink from "../../sim/shrink.ts";

export type MutationRun = {
  readonly from: number;
  readonly to: number;
  /** False: judged by the client history alone. */
  readonly invariants: boolean;
  readonly tier: Tier;
  readonly without: readonly FaultFamily[];
  /** How long what is found may be shrunk; 0: not at all. */
  readonly shrinkMs: number;
};

export type Shrunk = {
  readonly faults: number;
  readonly asked: number;
  /** Of the faults. */
  readonly families: readonly string[];
  readonly runs: number;
  readonly ms: number;
};

export type Detection = {
  /** The seed that failed, or null. */
  readonly seed: number | null;
  readonly property: string;
  readonly message: string;
  readonly seeds: number;
  readonly events: number;
  readonly shrunk: Shrunk | null;
};

const [directory, order] = process.argv.slice(2);
const load = async (file: string): Promise<unknown> => import(pathToFileURL(join(directory!, file)).href);
const { simulate, simulateSeed } = (await load("sim/run.js")) as typeof Run;
const { shrinkTape, countsOf, familiesOf } = (await load("sim/shrink.js")) as typeof Shrink;

function shrink(result: Run.Result, shrinkMs: number): Detection["shrunk"] {
  const started = performance.now();
  const { plan, decisions } = result;
  const shrunk = shrinkTape({ plan, decisions }, result, simulate, () => performance.now() - started > shrinkMs);
  return {
    ...countsOf(shrunk.tape),
    families: familiesOf(shrunk.tape),
    runs: shrunk.runs,
    ms: Math.round(performance.now() - started),
  };
}

function run({ from, to, invariants, tier, without, shrinkMs }: MutationRun): Detection {
  let events = 0;
  console.error(".");
  for (let seed = from; seed <= to; seed++) {
    const result = simulateSeed(seed, { print: null, invariants, keepsDecisions: shrinkMs > 0 }, { tier, without });
    events += result.events;
    console.error(".");
    if (result.verdict === "ok" || result.verdict === "unknown") continue;
    // Clients alone see wrong answers, not whose log is longer.
    if (!invariants && result.verdict !== "violation") continue;
    const { property, message } = result;
    const shrunk = shrinkMs > 0 ? shrink(result, shrinkMs) : null;
    return { seed, property, message, seeds: seed - from + 1, events, shrunk };
  }
  return { seed: null, property: "", message: "", seeds: to - from + 1, events, shrunk: null };
}

console.log(JSON.stringify(run(JSON.parse(order!) as MutationRun)));
