/** `npm run mutants`: for each mutant, which check notices it, after how many seeds and events. */
import { lawName } from "../../sim/laws.ts";
import { faultFamilies, type FaultFamily } from "../../sim/plan/families.ts";
import { applyMutant, runMutant, type Mutant, scenariosThatFail } from "../support/mutation.ts";
import type { Detection } from "./mutation-run.ts";
import { type MutantsOptions, mutantsOptions, UsageError } from "./mutants-options.ts";

type Row = {
  readonly mutant: Mutant;
  readonly found: Detection;
  readonly alone: Detection | null;
  /** Stories by hand and kept tapes that notice, where no seed does. */
  readonly scenarios: readonly string[];
  /** Without these families no seed notices, in four times as many seeds and fifty; null: that was not asked. */
  readonly needs: readonly FaultFamily[] | null;
};

function lineOf({ mutant, found, alone, scenarios, needs }: Row): string {
  const seeds = found.seed === null ? `> ${found.seeds}` : String(found.seeds);
  const byHistory = alone === null ? "" : alone.seed === null ? `> ${alone.seeds}` : String(alone.seeds);
  const { shrunk } = found;
  const small =
    shrunk === null ? "" : `${shrunk.faults} + ${shrunk.asked} (${shrunk.families.join(", ") || "no fault"})`;
  const needed = needs === null || needs.length === 0 ? "" : `; not without ${needs.join(", ")}`;
  const { defended } = mutant;
  const unnoticed = defended === undefined ? "NOT NOTICED" : `by nothing: ${defended}`;
  const noticed = lawName(found.property) || (scenarios[0] ?? unnoticed);
  const name = (mutant.tier ?? "a") === "a" ? mutant.name : `${mutant.name} (tier ${mutant.tier})`;
  return `| ${mutant.layer} | ${name} | ${noticed} | ${seeds} | ${found.events} | ${byHistory} | ${small}${needed} |`;
}

function isNoticed({ found, scenarios }: Row): boolean {
  return found.seed !== null || scenarios.length > 0;
}

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

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

function ascending(numbers: readonly number[]): number[] {
  return numbers.toSorted((a, b) => a - b);
}

function summaryOf(rows: readonly Row[]): string[] {
  const noticed = rows.filter(({ found }) => found.seed !== null);
  const seeds = ascending(noticed.map(({ found }) => found.seeds));
  const directed = rows.filter(({ scenarios }) => scenarios.length > 0);
  const lines = [`${noticed.length} of ${rows.length} noticed by seeds, ${directed.length} more by stories and tapes`];
  const defended = rows.filter((row) => !isNoticed(row) && row.mutant.defended !== undefined);
  if (defended.length > 0) lines.push(`${defended.length} do no harm, for what else defends against it`);
  if (seeds.length > 0)
    lines.push(`seeds to notice: median ${quantile(seeds, 0.5)}, p95 ${quantile(seeds, 0.95)}, most ${seeds.at(-1)}`);
  const alone = rows.filter((row) => row.alone !== null && row.alone.seed !== null);
  if (rows.some((row) => row.alone !== null)) lines.push(`by the client history alone: ${alone.length}`);
  const shrunk = rows.flatMap(({ found }) => found.shrunk ?? []);
  if (shrunk.length > 0) {
    const of = (what: (one: (typeof shrunk)[number]) => number): number => quantile(ascending(shrunk.map(what)), 0.5);
    lines.push(
      `shrunk to (medians): ${of(({ faults }) => faults)} faults, ${of(({ asked }) => asked)} operations, in ${of(({ ms }) => ms)} ms`,
    );
    const families = shrunk.flatMap((one) => one.families);
    const counts = [...new Set(families)].map((name) => `${name} ${families.filter((one) => one === name).length}`);
    lines.push(`families that the shrunk runs have: ${counts.toSorted().join(", ")}`);
  }
  const asked = rows.flatMap(({ needs }) => (needs === null ? [] : [needs]));
  const needed = faultFamilies.map((family) => [family, asked.filter((needs) => needs.includes(family)).length]);
  const counts = needed.filter(([, count]) => count !== 0).map(([family, count]) => `${family} ${count}`);
  if (asked.length > 0)
    lines.push(`of ${asked.length} asked, not noticed without the family: ${counts.join(", ") || "none"}`);
  return lines;
}

try {
  const options = await mutantsOptions(process.argv.slice(2));
  for (const mutant of options.chosen) applyMutant(mutant);
  const rows = await runAll(options);
  console.log(
    "| layer | mutant | noticed by | seeds | events | seeds, by client history alone | shrunk to faults + operations |",
  );
  console.log("| --- | --- | --- | --- | --- | --- | --- |");
  for (const row of rows) console.log(lineOf(row));
  console.log(`\n${summaryOf(rows).join("; ")}`);
  if (rows.some((row) => !isNoticed(row) && row.mutant.defended === undefined)) process.exitCode = 1;
} catch (error) {
  if (!(error instanceof Error)) throw error;
  // A mutant that does not apply is a usage error, too.
  console.error(error instanceof UsageError ? `mutants: ${error.message}` : `mutants: ${error.stack}`);
  process.exitCode = 2;
}
