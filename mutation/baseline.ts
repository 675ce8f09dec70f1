/**
 * The product as it is, with probes in it: which seeds and which files of tests come by the place of a mutant. The others
 * are the same with the mutant, and hold. Runs are made when somebody first asks for them, and once.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { FaultFamily, Tier } from "../sim/plan/families.ts";
import { compiled } from "./compile.ts";
import type { Mutant } from "./mutant.ts";
import { withProbes } from "./probes.ts";
import { SeedRunner } from "./runner.ts";
import type { Scratch, Tree } from "./scratch.ts";
import type { BaseRun } from "./seed-runner.ts";
import { Shared } from "./shared.ts";
import { runTestFile } from "./test-files.ts";

/** Seeds that are run at once. */
const blockSeeds = 50;

/** A seed fails without any mutant: nothing that follows would mean anything. */
export class BaselineError extends Error {}

/** Seeds that come by, and the runs of those in between that do not. */
export type Part = {
  readonly seeds: readonly number[];
  readonly elsewhere: readonly Pick<BaseRun, "seed" | "events">[];
};

/** One for a whole run of the tool. */
export class Baseline {
  readonly #scratch: Scratch;
  readonly #mutants: readonly Mutant[];
  readonly #without: readonly FaultFamily[];
  readonly #blocks: Readonly<Record<Tier, Shared<number, readonly BaseRun[]>>>;
  readonly #files: Shared<string, ReadonlySet<number> | "all" | "fails">;
  readonly #idle: SeedRunner[] = [];
  #tree: Tree | null = null;
  #everywhere: ReadonlySet<Mutant> = new Set();
  #runs = 0;

  /** `without`: families that are off. */
  constructor(scratch: Scratch, mutants: readonly Mutant[], without: readonly FaultFamily[]) {
    this.#scratch = scratch;
    this.#mutants = mutants;
    this.#without = without;
    const blocksOf = (tier: Tier): Shared<number, readonly BaseRun[]> =>
      new Shared((block: number) => this.#runBlock(tier, block));
    this.#blocks = { a: blocksOf("a"), b: blocksOf("b"), c: blocksOf("c") };
    this.#files = new Shared((file: string) => this.#runFile(file));
  }

  /** The seeds from `from` to `to` that come by the mutant's place, part by part. Throws BaselineError. */
  async *seedsBy(mutant: Mutant, from: number, to: number): AsyncGenerator<Part> {
    const { tier = "a" } = mutant;
    const last = Math.ceil(to / blockSeeds);
    for (let block = Math.ceil(from / blockSeeds); block <= last; block++) {
      const later = Array.from({ length: last - block }, (_, k) => block + 1 + k);
      const runs = await this.#blocks[tier].get(block, later);
      const asked = runs.filter(({ seed }) => seed >= from && seed <= to);
      const probe = this.#probeOf(mutant);
      const passes = ({ comesBy }: BaseRun): boolean => probe === "everywhere" || comesBy.includes(probe);
      yield {
        seeds: asked.filter(passes).map(({ seed }) => seed),
        elsewhere: asked.filter((run) => !passes(run)),
      };
    }
  }

  /** Of `files`, those that come by the mutant's place, one by one; none that fails without any mutant. */
  async *filesBy(mutant: Mutant, files: readonly string[]): AsyncGenerator<string> {
    for (const [k, file] of files.entries()) {
      const passed = await this.#files.get(file, files.slice(k + 1));
      const probe = this.#probeOf(mutant);
      if (passed === "fails") continue;
      if (passed === "all" || probe === "everywhere" || passed.has(probe)) yield file;
    }
  }

  #probeOf(mutant: Mutant): number | "everywhere" {
    return this.#everywhere.has(mutant) ? "everywhere" : this.#mutants.indexOf(mutant);
  }

  #probedTree(): Tree {
    if (this.#tree === null) {
      const { texts, everywhere } = withProbes(this.#mutants);
      this.#tree = this.#scratch.tree(true);
      this.#tree.plant(compiled(texts));
      this.#everywhere = everywhere;
    }
    return this.#tree;
  }

  async #runBlock(tier: Tier, block: number): Promise<readonly BaseRun[]> {
    const tree = this.#probedTree();
    const runner = this.#idle.pop() ?? new SeedRunner(this.#scratch, tree);
    const seeds = Array.from({ length: blockSeeds }, (_, k) => (block - 1) * blockSeeds + 1 + k);
    const probes = this.#mutants.length;
    const runs = await runner.base({ kind: "base", seeds, tier, without: this.#without, probes });
    this.#idle.push(runner);
    const wrong = runs.find((run) => run.wrong !== "");
    if (wrong !== undefined)
      throw new BaselineError(`seed ${wrong.seed} of tier ${tier} fails without any mutant: ${wrong.wrong}`);
    return runs;
  }

  async #runFile(file: string): Promise<ReadonlySet<number> | "all" | "fails"> {
    const tree = this.#probedTree();
    const told = join(tree.directory, `probes-${++this.#runs}.json`);
    const { failed } = await runTestFile(this.#scratch, tree, file, { MUTATION_PROBES: told });
    if (failed !== null) {
      console.error(`mutants: ${file} is not asked, since it fails without any mutant: ${failed}`);
      return "fails";
    }
    // A process that was ended by force has written nothing.
    return existsSync(told) ? new Set(JSON.parse(readFileSync(told, "utf8")) as number[]) : "all";
  }
}
