/** Mutants in the product, one after the other in one copy of it, for a test file that asks for a detection of each. */
import { compiled } from "../../mutation/compile.ts";
import { applyMutant, type Mutant } from "../../mutation/mutant.ts";
import { SeedRunner } from "../../mutation/runner.ts";
import { Scratch, type Tree } from "../../mutation/scratch.ts";
import type { FindOrder, Found } from "../../mutation/seed-runner.ts";

/**
 * Begun with `new` at the project's root, ended with `end`. It takes one mutant at a time: its tests are serial, and a
 * test that runs something else in the tree waits for its end.
 */
export class PlantedTree {
  readonly #scratch = new Scratch();
  readonly #tree: Tree = this.#scratch.tree(false);
  readonly #runner = new SeedRunner(this.#scratch, this.#tree);

  /** The compiled product with the mutant in it, and with no other one. */
  async plant(mutant: Mutant): Promise<string> {
    await this.#runner.end();
    this.#tree.plant(compiled(applyMutant(mutant)));
    return this.#tree.directory;
  }

  /** Runs the seeds 1 to `seedsMax`, or as `how` says, until one fails. */
  async find(mutant: Mutant, seedsMax: number, how: Partial<FindOrder> = {}): Promise<Found> {
    await this.plant(mutant);
    const { tier = "a" } = mutant;
    const seeds = Array.from({ length: seedsMax }, (_, k) => k + 1);
    const known = { below: 0, without: [] };
    return this.#runner.find({
      kind: "find",
      seeds,
      invariants: true,
      tier,
      without: [],
      shrinkMs: 0,
      known,
      ...how,
    });
  }

  /** When it returns, no process and no file of it is left. */
  end(): Promise<void> {
    return this.#scratch.end();
  }
}
