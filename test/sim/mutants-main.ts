/** `npm run mutants`: for each planted bug, which check notices it, after how many seeds and events. */
import { applyMistake, huntMistake, type Mistake, scenariosThatFail } from "../support/plant.ts";
import { type FaultFamily, faultFamilies } from "../../sim/nemesis/knobs.ts";
import { lawName } from "../../sim/safety/laws.ts";
import type { Catch } from "./hunt.ts";
import { type MutantsOptions, mutantsOptions, UsageError } from "./mutants-options.ts";

type Row = {
  readonly mistake: Mistake;
  readonly found: Catch;
  readonly alone: Catch | null;
  /** Stories by hand and kept tapes that notice, where no seed does. */
  readonly scenarios: readonly string[];
  /** Without these families no seed notices, in four times as many seeds and fifty; null: that was not asked. */
  readonly needs: readonly FaultFamily[] | null;
};

function lineOf({ mistake, found, alone, scenarios, needs }: Row): string {
  const seeds = found.seed === null ? `> ${found.seeds}` : String(found.seeds);
  const byHistory = alone === null ? "" : alone.seed === null ? `> ${alone.seeds}` : String(alone.seeds);
  const { shrunk } = found;
  const small =
    shrunk === null ? "" : `${shrunk.faults} + ${shrunk.asked} (${shrunk.families.join(", ") || "no fault"})`;
  const needed = needs === null || needs.length === 0 ? "" : `; not without ${needs.join(", ")}`;
  const { defended } = mistake;
  const unnoticed = defended === undefined ? "NOT NOTICED" : `by nothing: ${defended}`;
  const noticed = lawName(found.property) || (scenarios[0] ?? unnoticed);
  const name = (mistake.tier ?? "a") === "a" ? mistake.name : `${mistake.name} (tier ${mistake.tier})`;
  return `| ${mistake.layer} | ${name} | ${noticed} | ${seeds} | ${found.events} | ${byHistory} | ${small}${needed} |`;
}

function isNoticed({ found, scenarios }: Row): boolean {
  return found.seed !== null || scenarios.length > 0;
}

/** What a shrunk run does without is not needed; the others are left out one by one. */
async function needsOf(
  mistake: Mistake,
  found: Catch,
  { without, needsMax }: MutantsOptions,
): Promise<FaultFamily[] | null> {
  const seedsMax = 4 * found.seeds + 50;
  if (found.shrunk === null || seedsMax > needsMax) return null;
  const needs: FaultFamily[] = [];
  for (const family of faultFamilies.filter((one) => found.shrunk!.families.includes(one))) {
    const other = await huntMistake(mistake, seedsMax, { without: [...without, family] });
    if (other.seed === null) needs.push(family);
  }
  return needs;
}

/** Seeds of which none notices, before the stories are asked; where they do not notice either, more seeds follow. */
const seedsBeforeStories = 1_000;

async function noticedBy(mistake: Mistake, options: MutantsOptions): Promise<Pick<Row, "found" | "scenarios">> {
  const { seedsMax, shrinkMs, without } = options;
  const first = Math.min(seedsMax, seedsBeforeStories);
  // A mistake may also be such that no run begins; then the table goes on without it.
  const found = await huntMistake(mistake, first, { without, shrinkMs }).catch((error: Error): Catch => {
    return { seed: null, property: "", message: error.message, seeds: 0, events: 0, shrunk: null };
  });
  if (found.seed !== null || found.seeds === 0) return { found, scenarios: [] };
  const scenarios = without.length === 0 ? await scenariosThatFail(mistake) : [];
  if (scenarios.length > 0 || mistake.defended !== undefined || first === seedsMax) return { found, scenarios };
  const later = await huntMistake(mistake, seedsMax, { from: first + 1, without, shrinkMs });
  const [seeds, events] = [first + later.seeds, found.events + later.events];
  return { found: { ...later, seeds, events }, scenarios };
}

async function huntAll(options: MutantsOptions): Promise<Row[]> {
  const { chosen, aloneMax, without } = options;
  const rows: Row[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < chosen.length; at = next++) {
      const mistake = chosen[at]!;
      const { found, scenarios } = await noticedBy(mistake, options);
      const alone = aloneMax === 0 ? null : await huntMistake(mistake, aloneMax, { without, invariants: false });
      const needs = await needsOf(mistake, found, options);
      const row = { mistake, found, alone, scenarios, needs };
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
  const defended = rows.filter((row) => !isNoticed(row) && row.mistake.defended !== undefined);
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
  for (const mistake of options.chosen) applyMistake(mistake);
  const rows = await huntAll(options);
  console.log(
    "| layer | planted bug | noticed by | seeds | events | seeds, by client history alone | shrunk to faults + operations |",
  );
  console.log("| --- | --- | --- | --- | --- | --- | --- |");
  for (const row of rows) console.log(lineOf(row));
  console.log(`\n${summaryOf(rows).join("; ")}`);
  if (rows.some((row) => !isNoticed(row) && row.mistake.defended === undefined)) process.exitCode = 1;
} catch (error) {
  if (!(error instanceof Error)) throw error;
  // A bug that does not apply is a mistake of whoever wrote it, too.
  console.error(error instanceof UsageError ? `mutants: ${error.message}` : `mutants: ${error.stack}`);
  process.exitCode = 2;
}
