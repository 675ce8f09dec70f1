/** Seeds with a mutant in the product, for tests that ask for one detection only. */
import { compiled } from "../../mutation/compile.ts";
import { applyMutant, type Mutant } from "../../mutation/mutant.ts";
import { SeedRunner } from "../../mutation/runner.ts";
import { Scratch } from "../../mutation/scratch.ts";
import type { FindOrder, Found } from "../../mutation/seed-runner.ts";

/** Runs the seeds 1 to `seedsMax`, or as `how` says, until one fails. Call it from the project's root. */
export async function runMutant(mutant: Mutant, seedsMax: number, how: Partial<FindOrder> = {}): Promise<Found> {
  const scratch = new Scratch();
  try {
    const tree = scratch.tree(false);
    tree.plant(compiled(applyMutant(mutant)));
    const { tier = "a" } = mutant;
    const seeds = Array.from({ length: seedsMax }, (_, k) => k + 1);
    const known = { below: 0, without: [] };
    const order: FindOrder = { kind: "find", seeds, invariants: true, tier, without: [], shrinkMs: 0, known, ...how };
    return await new SeedRunner(scratch, tree).find(order);
  } finally {
    await scratch.end();
  }
}
