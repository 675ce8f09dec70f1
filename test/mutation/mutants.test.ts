/** The simulator detects mutants, by the check that is meant to: without this it would be decoration. */
import test from "ava";
import { mustCompile } from "../../mutation/compile.ts";
import { applyMutant } from "../../mutation/mutant.ts";
import { mutants } from "../../mutation/mutants/all.ts";
import { mutantsOfTheChecker } from "../../mutation/mutants/checker.ts";
import { mutantsOfTapes } from "../../mutation/mutants/tapes.ts";
import { PlantedTree } from "../support/run-mutant.ts";

const planted = new PlantedTree();
test.after.always(() => planted.end());

test.serial("every mutant still applies, once", (t) => {
  for (const mutant of mutants) t.notThrows(() => applyMutant(mutant));
});

test.serial("every mutant compiles", (t) => {
  t.timeout(900_000);
  t.notThrows(() => mustCompile([...mutants, ...mutantsOfTapes, ...mutantsOfTheChecker]));
});

/**
 * The mutant, the check that must notice it, how many seeds it may take, and the seed that is asked before them: the
 * first to notice it when this was written. Where draws have changed since, the other seeds are asked in their order.
 */
const expected: readonly (readonly [name: string, property: RegExp, seeds: number, first: number])[] = [
  ["vote reply leaves before the vote is synced", /^I[23]$/, 10, 1],
  ["entry of an older term counted toward commit (figure 8)", /^I7$/, 100, 1],
  ["acknowledged before fsync", /^I7$/, 10, 1],
  ["every append truncates what follows", /^I21$/, 10, 1],
  ["candidate's own vote only in memory", /^I[45]$/, 10, 8],
  ["duplicated votes counted twice", /^I[45]$/, 300, 1],
  ["old completion marks a new entry durable (ABA)", /^I(7|11|21)$/, 300, 47],
  ["new segment's directory not synced", /^I14$/, 100, 24],
  ["answer before applied reaches the read index", /^I16$/, 50, 2],
  ["'failed' reported for what may still commit", /^(I18|linearizability)$/, 300, 5],
  ["state copied while apply goes on", /^I13$/, 50, 2],
  ["crash between snapshot and log reset trusts the stale log", /^I14$/, 10, 1],
  ["second change while one is in flight", /^I15$/, 50, 5],
  ["restart reads the configuration only up to the base", /^I15$/, 50, 3],
  ["joint quorum as majority of the union, for commit", /^I7$/, 300, 36],
  ["applied index durable before its data", /^I9$/, 50, 3],
  ["purge below rows that are not synced", /^I8$/, 20, 3],
  ["rows run ahead of the own log", /^I14$/, 300, 28],
];

for (const [name, property, seedsMax, first] of expected) {
  test.serial(`mutant: ${name}`, async (t) => {
    const mutant = mutants.find((one) => one.name === name);
    t.truthy(mutant);
    const seeds = [first, ...Array.from({ length: seedsMax }, (_, k) => k + 1)];
    const found = await planted.find(mutant!, seedsMax, { seeds });
    t.not(found.seed, null, `not noticed in ${seedsMax} seeds`);
    t.regex(found.property, property, found.message);
  });
}
