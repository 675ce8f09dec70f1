/** Asks, mutant by mutant, what notices it: seeds, then scenarios and kept tapes, then more seeds, then unit tests. */
import { faultFamilies, type FaultFamily } from "../sim/plan/families.ts";
import type { Baseline } from "./baseline.ts";
import { compiled } from "./compile.ts";
import { applyMutant, type Mutant, MutantError, sourceOf } from "./mutant.ts";
import { NoRunError, SeedRunner } from "./runner.ts";
import type { Scratch, Tree } from "./scratch.ts";
import type { FindOrder, Found, Shrunk } from "./seed-runner.ts";
import { runTestFile, scenarioFiles, unitFiles } from "./test-files.ts";

/** The seed that failed, or null; `seeds`, `events`: what was run until then, or stands for a run that need not run. */
export type Detection = {
  readonly seed: number | null;
  readonly property: string;
  readonly message: string;
  readonly seeds: number;
  readonly events: number;
  readonly shrunk: Shrunk | null;
};

/** What is known of one mutant. */
export type Row = {
  readonly mutant: Mutant;
  readonly found: Detection;
  /** By the client history alone; null: not asked. */
  readonly alone: Detection | null;
  /** With the product's assertions switched off; null: not asked. */
  readonly byLaws: Detection | null;
  /** The first scenario or kept tape that fails, where no seed does. */
  readonly scenarios: readonly string[];
  /** The first unit test that fails, where nothing of those does. */
  readonly units: readonly string[];
  /** Without these families no seed notices, in four times as many seeds and fifty; null: that was not asked. */
  readonly needs: readonly FaultFamily[] | null;
  readonly ms: number;
};

/** What is asked of each mutant. */
export type Questions = {
  readonly seedsMax: number;
  /** Seeds by the client history alone; 0: none. */
  readonly aloneMax: number;
  readonly shrinkMs: number;
  readonly without: readonly FaultFamily[];
  /** Mutants that need more seeds than so many, without each family that their shrunk run has, are not asked; 0: none is. */
  readonly needsMax: number;
  /** Asks again with the product's assertions switched off. */
  readonly withoutAssertions: boolean;
};

/** Seeds of which none notices, before the scenarios are asked; where they do not notice either, more seeds follow. */
const seedsBeforeScenarios = 1_000;
/**
 * Up to there every seed is run. Beyond, only those that come by the mutant's place. (What is computed once and kept is
 * computed in the first seeds.)
 */
const seedsRunAnyway = 100;
const assertFile = "core/assert.ts";
const assertion = "  if (!condition) throw new AssertionError(law);\n";

/** The product with the mutant, or without its assertions too, as it is planted. Throws MutantError. */
function filesOf(mutant: Mutant, asserts: boolean): Map<string, string> {
  const texts = new Map(applyMutant(mutant));
  if (!asserts) {
    const text = texts.get(assertFile) ?? sourceOf(assertFile, mutant.name);
    if (!text.includes(assertion)) throw new MutantError(`${assertFile} has no assertion that can be switched off`);
    texts.set(assertFile, text.replace(assertion, ""));
  }
  return compiled(texts);
}

/** Whether an assertion of the product noticed, and no law of the simulator. */
function isAssertion({ message }: Detection): boolean {
  return message.startsWith("uncaught AssertionError");
}

/** Nobody needs a law to see that a process has gone. */
function isCrash({ message }: Detection): boolean {
  return message.startsWith("the run of seed ");
}

const nobody: Detection = { seed: null, property: "", message: "", seeds: 0, events: 0, shrunk: null };

/** One worker: a tree of its own, and a process that runs in it. */
export class Inquiry {
  readonly #scratch: Scratch;
  readonly #questions: Questions;
  /** Null: every seed is run. */
  readonly #baseline: Baseline | null;
  readonly #tree: Tree;
  readonly #runner: SeedRunner;

  /** `baseline`: of the mutants that will be asked, or null where that is not worth it. */
  constructor(scratch: Scratch, questions: Questions, baseline: Baseline | null) {
    this.#scratch = scratch;
    this.#questions = questions;
    this.#baseline = baseline;
    this.#tree = scratch.tree(true);
    this.#runner = new SeedRunner(scratch, this.#tree);
  }

  /** All that is asked of one mutant. Throws MutantError, or a BaselineError. */
  async row(mutant: Mutant): Promise<Row> {
    const started = performance.now();
    await this.#plant(mutant, true);
    const { found, scenarios, units } = await this.#noticedBy(mutant);
    const alone = await this.#alone(mutant, found);
    const needs = await this.#needs(mutant, found);
    const byLaws = await this.#byLaws(mutant, found);
    await this.#runner.end();
    return { mutant, found, alone, byLaws, scenarios, units, needs, ms: Math.round(performance.now() - started) };
  }

  async #plant(mutant: Mutant, asserts: boolean): Promise<void> {
    await this.#runner.end();
    this.#tree.plant(filesOf(mutant, asserts));
  }

  async #noticedBy(mutant: Mutant): Promise<Pick<Row, "found" | "scenarios" | "units">> {
    const { seedsMax, without } = this.#questions;
    const first = Math.min(seedsMax, seedsBeforeScenarios);
    let found: Detection;
    try {
      found = await this.#search(mutant, 1, first);
    } catch (error) {
      // A mutant may also be such that no run begins; then the table goes on without it.
      if (!(error instanceof NoRunError)) throw error;
      return { found: { ...nobody, message: error.message }, scenarios: [], units: [] };
    }
    if (found.seed !== null || without.length > 0) return { found, scenarios: [], units: [] };
    const scenarios = await this.#firstFailing(mutant, scenarioFiles());
    if (scenarios.length > 0) return { found, scenarios, units: [] };
    if (mutant.defended === undefined && first < seedsMax) {
      const later = await this.#search(mutant, first + 1, seedsMax);
      found = { ...later, seeds: first + later.seeds, events: found.events + later.events };
    }
    const units = found.seed === null ? await this.#firstFailing(mutant, unitFiles()) : [];
    return { found, scenarios, units };
  }

  /** Runs seeds until one fails. Those that do not come by the mutant's place count as if they had run. */
  async #search(mutant: Mutant, from: number, to: number, how: Partial<FindOrder> = {}): Promise<Detection> {
    let events = 0;
    for await (const { seeds, elsewhere } of this.#parts(mutant, from, to)) {
      const found = await this.#runner.find(this.#order(mutant, seeds, how));
      const before = elsewhere.filter(({ seed }) => found.seed === null || seed < found.seed);
      events += before.reduce((sum, run) => sum + run.events, found.events);
      if (found.seed !== null) return { ...found, seeds: found.seed - from + 1, events };
    }
    return { ...nobody, seeds: Math.max(0, to - from + 1), events };
  }

  async *#parts(mutant: Mutant, from: number, to: number): ReturnType<Baseline["seedsBy"]> {
    const anyway = this.#baseline === null ? to : Math.min(to, seedsRunAnyway);
    if (from <= anyway) yield { seeds: range(from, anyway), elsewhere: [] };
    const next = Math.max(from, anyway + 1);
    if (this.#baseline !== null && next <= to) yield* this.#baseline.seedsBy(mutant, next, to);
  }

  #order({ tier = "a" }: Mutant, seeds: readonly number[], how: Partial<FindOrder> = {}): FindOrder {
    const { without, shrinkMs } = this.#questions;
    return { kind: "find", seeds, invariants: true, tier, without, shrinkMs, known: { below: 0, without: [] }, ...how };
  }

  async #firstFailing(mutant: Mutant, files: readonly string[]): Promise<string[]> {
    const chosen = this.#baseline === null ? files : this.#baseline.filesBy(mutant, files);
    for await (const file of chosen) {
      const { failed } = await runTestFile(this.#scratch, this.#tree, file);
      if (failed !== null) return [failed];
    }
    return [];
  }

  /** Seeds that hold with all laws hold for the client history alone, too: they are not run again. */
  async #alone(mutant: Mutant, found: Detection): Promise<Detection | null> {
    const { aloneMax } = this.#questions;
    if (aloneMax === 0 || found.seeds === 0) return null;
    const isPlain = found.property === "linearizability" || isCrash(found);
    if (isPlain && found.seed! <= aloneMax) return { ...found, shrunk: null };
    const first = found.seed ?? found.seeds + 1;
    const order = this.#order(mutant, range(first, aloneMax), { invariants: false, shrinkMs: 0 });
    return countedFromOne(await this.#runner.find(order), aloneMax);
  }

  /** What a shrunk run does without is not needed; the others are left out one by one. */
  async #needs(mutant: Mutant, { seed, seeds, shrunk }: Detection): Promise<FaultFamily[] | null> {
    const { without, needsMax } = this.#questions;
    const seedsMax = 4 * seeds + 50;
    if (seed === null || shrunk === null || seedsMax > needsMax) return null;
    const needs: FaultFamily[] = [];
    for (const family of faultFamilies.filter((one) => shrunk.families.includes(one))) {
      const order = this.#order(mutant, range(1, seedsMax), {
        without: [...without, family],
        shrinkMs: 0,
        known: { below: seed, without },
      });
      if ((await this.#runner.find(order)).seed === null) needs.push(family);
    }
    return needs;
  }

  /** Up to the seed at which an assertion failed nothing is otherwise: the search goes on from there. */
  async #byLaws(mutant: Mutant, found: Detection): Promise<Detection | null> {
    if (!this.#questions.withoutAssertions || found.seed === null) return null;
    if (!isAssertion(found)) return { ...found, shrunk: null };
    await this.#plant(mutant, false);
    const before = found.seed - 1;
    const later = await this.#search(mutant, found.seed, this.#questions.seedsMax, { shrinkMs: 0 });
    return { ...later, seeds: before + later.seeds };
  }
}

function countedFromOne(found: Found, seedsMax: number): Detection {
  return { ...found, seeds: found.seed ?? seedsMax };
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, k) => from + k);
}
