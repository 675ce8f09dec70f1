/**
 * Run as a process of its own: runs seeds in the simulator that is compiled under a directory, its argument. Orders come as
 * messages, and so do the answers; before each run its seed is told, so that a run that never ends has a name.
 */
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import type { FaultFamily, Tier } from "../sim/plan/families.ts";
import type * as Plans from "../sim/plan/plan.ts";
import type * as Run from "../sim/run.ts";
import type * as Shrink from "../sim/shrink.ts";
import { mutantsMax } from "./mutant.ts";

/** Runs `seeds`, in their order, until one fails. */
export type FindOrder = {
  readonly kind: "find";
  readonly seeds: readonly number[];
  /** False: judged by the client history alone. */
  readonly invariants: boolean;
  readonly tier: Tier;
  readonly without: readonly FaultFamily[];
  /** How long what is found may be shrunk; 0: not at all. */
  readonly shrinkMs: number;
  /** Seeds below it hold where only `without` is off: those whose plan is the same need not run again. 0: none is known. */
  readonly known: { readonly below: number; readonly without: readonly FaultFamily[] };
};
/** Runs `seeds` of the product as it is, with `probes` probes in it. */
export type BaseOrder = {
  readonly kind: "base";
  readonly seeds: readonly number[];
  readonly tier: Tier;
  readonly without: readonly FaultFamily[];
  readonly probes: number;
};

/** What a failing run has been made into. Counts are of decisions; `families` those of the faults. */
export type Shrunk = {
  readonly faults: number;
  readonly asked: number;
  readonly families: readonly string[];
  readonly runs: number;
  readonly ms: number;
};
/** `seed`: that failed, or null. `events`: of all that ran. */
export type Found = {
  readonly seed: number | null;
  readonly property: string;
  readonly message: string;
  readonly events: number;
  readonly shrunk: Shrunk | null;
};
/** One run of the product as it is: which probes it has come by. `wrong`: it failed, and how; else empty. */
export type BaseRun = {
  readonly seed: number;
  readonly events: number;
  readonly comesBy: readonly number[];
  readonly wrong: string;
};
/** Told: `at`, a run begins; `ready`, the product is loaded; `answer`, all of an order is done. */
export type Told =
  | { readonly kind: "ready" }
  | { readonly kind: "at"; readonly seed: number }
  | { readonly kind: "found"; readonly answer: Found }
  | { readonly kind: "base"; readonly answer: readonly BaseRun[] };

/** Where probes say that somebody has come by. */
const world = globalThis as { comesBy?: Uint8Array };
world.comesBy = new Uint8Array(mutantsMax);
const directory = process.argv[2]!;
const load = async (file: string): Promise<unknown> => import(pathToFileURL(join(directory, file)).href);
const { simulate, simulateSeed } = (await load("sim/run.js")) as typeof Run;
const { planOf } = (await load("sim/plan/plan.js")) as typeof Plans;
const atLoad = world.comesBy;
const { shrinkTape, countsOf, familiesOf } = (await load("sim/shrink.js")) as typeof Shrink;

function tell(told: Told): void {
  process.send!(told);
}

async function begins(seed: number): Promise<void> {
  tell({ kind: "at", seed });
  // So that it is on its way before the run.
  await turn();
}

/** `failed`: without its decisions, since few runs fail. */
function shrink(failed: Run.Result, shrinkMs: number): Shrunk {
  const started = performance.now();
  const { plan } = failed;
  const result = simulate(plan, { print: null, invariants: true, keepsDecisions: true });
  const { decisions } = result;
  const shrunk = shrinkTape({ plan, decisions }, result, simulate, () => performance.now() - started > shrinkMs);
  return {
    ...countsOf(shrunk.tape),
    families: familiesOf(shrunk.tape),
    runs: shrunk.runs,
    ms: Math.round(performance.now() - started),
  };
}

async function find({ seeds, invariants, tier, without, shrinkMs, known }: FindOrder): Promise<Found> {
  let events = 0;
  const added = without.filter((family) => !known.without.includes(family));
  for (const seed of seeds) {
    if (seed < known.below) {
      const { faults } = planOf(seed, { tier, without: known.without });
      if (added.every((family) => faults[family] === 0)) continue;
    }
    await begins(seed);
    const result = simulateSeed(seed, { print: null, invariants }, { tier, without });
    events += result.events;
    if (result.verdict === "ok" || result.verdict === "unknown") continue;
    // Clients alone see wrong answers, not whose log is longer.
    if (!invariants && result.verdict !== "violation") continue;
    const { property, message } = result;
    return { seed, property, message, events, shrunk: shrinkMs > 0 ? shrink(result, shrinkMs) : null };
  }
  return { seed: null, property: "", message: "", events, shrunk: null };
}

async function base({ seeds, tier, without, probes }: BaseOrder): Promise<BaseRun[]> {
  const runs: BaseRun[] = [];
  for (const seed of seeds) {
    await begins(seed);
    const passed = atLoad.slice(0, probes);
    world.comesBy = passed;
    const { events, verdict, property, message } = simulateSeed(
      seed,
      { print: null, invariants: true },
      { tier, without },
    );
    const isWrong = verdict === "violation" || verdict === "liveness";
    const comesBy = [...passed.keys()].filter((probe) => passed[probe] === 1);
    runs.push({ seed, events, comesBy, wrong: isWrong ? `${property}: ${message}` : "" });
  }
  return runs;
}

process.on("message", (order: FindOrder | BaseOrder) => {
  if (order.kind === "find") void find(order).then((answer) => tell({ kind: "found", answer }));
  else void base(order).then((answer) => tell({ kind: "base", answer }));
});
tell({ kind: "ready" });
