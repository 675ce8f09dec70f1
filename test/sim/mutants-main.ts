/** `npm run mutants`: for each mutant, which check notices it, after how many seeds and events. */
import { faultFamilies, type FaultFamily } from "../../sim/plan/families.ts";
import { applyMutant, runMutant, type Mutant, scenariosThatFail } from "../support/mutation.ts";
import type { Detection } from "./mutation-run.ts";
import { type MutantsOptions, mutantsOptions, UsageError } from "./mutants-options.ts";
import { isNoticed, lineOf, type Row, summaryOf, tableOf, writeTable } from "./mutants-table.ts";

/** What a shrunk run does without is not needed; the others are left out one by one. */
async function needsOf(
  mutant: Mutant,
  found: Detection,
  { without, needsMax }: MutantsOptions,
): Promise<FaultFamily[] | null> {
  const seedsMax = 4 * found.seeds + 50;
  if (found.shrunk === null || seedsMax > needsMax) return null;
  const needs: FaultFamily[] = [];
  for (const family of faultFamilies.filter((one) => found.shrunk!.families.includes(one))) {
    const other = await runMutant(mutant, seedsMax, { without: [...without, family] });
    if (other.seed === null) needs.push(family);
  }
  return needs;
}

/** Seeds of which none notices, before the stories are asked; where they do not notice either, more seeds follow. */
const seedsBeforeStories = 1_000;

async function noticedBy(mutant: Mutant, options: MutantsOptions): Promise<Pick<Row, "found" | "scenarios">> {
  const { seedsMax, shrinkMs, without } = options;
  const first = Math.min(seedsMax, seedsBeforeStories);
  // A mutant may also be such that no run begins; then the table goes on without it.
  const found = await runMutant(mutant, first, { without, shrinkMs }).catch((error: Error): Detection => {
    return { seed: null, property: "", message: error.message, seeds: 0, events: 0, shrunk: null };
  });
  if (found.seed !== null || found.seeds === 0) return { found, scenarios: [] };
  const scenarios = without.length === 0 ? await scenariosThatFail(mutant) : [];
  if (scenarios.length > 0 || mutant.defended !== undefined || first === seedsMax) return { found, scenarios };
  const later = await runMutant(mutant, seedsMax, { from: first + 1, without, shrinkMs });
  const [seeds, events] = [first + later.seeds, found.events + later.events];
  return { found: { ...later, seeds, events }, scenarios };
}

async function runAll(options: MutantsOptions): Promise<Row[]> {
  const { chosen, aloneMax, without } = options;
  const rows: Row[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < chosen.length; at = next++) {
      const mutant = chosen[at]!;
      const { found, scenarios } = await noticedBy(mutant, options);
      const alone = aloneMax === 0 ? null : await runMutant(mutant, aloneMax, { without, invariants: false });
      const needs = await needsOf(mutant, found, options);
      const row = { mutant, found, alone, scenarios, needs };
      rows[at] = row;
      console.error(`${lineOf(row)}  ${found.message.slice(0, 120)}`);
    }
  };
  await Promise.all([work(), work()]);
  return rows;
}

try {
  const options = await mutantsOptions(process.argv.slice(2));
  for (const mutant of options.chosen) applyMutant(mutant);
  const rows = await runAll(options);
  console.log(`${tableOf(rows)}\n\n${summaryOf(rows)}`);
  if (options.writes) writeTable(rows, new Date().toISOString().slice(0, 10));
  if (rows.some((row) => !isNoticed(row) && row.mutant.defended === undefined)) process.exitCode = 1;
} catch (error) {
  if (!(error instanceof Error)) throw error;
  // A mutant that does not apply is a usage error, too.
  console.error(error instanceof UsageError ? `mutants: ${error.message}` : `mutants: ${error.stack}`);
  process.exitCode = 2;
}
