/** What `npm run mutants` prints and keeps: a row for each mutant, and one line about all of them. */
import { readFileSync, writeFileSync } from "node:fs";
import { modelVersion } from "../sim/draws.ts";
import { faultFamilies } from "../sim/plan/families.ts";
import { lawName } from "../sim/laws.ts";
import type { Detection, Row } from "./notice.ts";

/** The file of the table. */
export const tableFile = "docs/mutants.md";
/** The file that repeats its summary. */
export const summaryFile = "SIMULATION.md";

const head = [
  "| layer | mutant | noticed by | seeds | events | seeds, by client history alone | shrunk to faults + operations |",
  "| --- | --- | --- | --- | --- | --- | --- |",
];
const command = "npm run mutants -- --shrink 10 --needs 200 --without-assertions --write";
const marked = /<!-- mutants -->\n[^]*?<!-- \/mutants -->/;

/** How many seeds it took, or that none did. */
function seedsOf(detection: Detection): string {
  return detection.seed === null ? `> ${detection.seeds}` : String(detection.seeds);
}

/** What notices with the product's assertions switched off, where with them an assertion does. */
function lawsAloneOf({ found, byLaws }: Row): string {
  if (byLaws === null || byLaws.message === found.message) return "";
  if (byLaws.seed === null) return "; NOT NOTICED BY THE LAWS ALONE";
  return `; by the laws alone: ${lawName(byLaws.property)}, ${byLaws.seeds} seeds`;
}

/** One line of the table. */
export function lineOf(row: Row): string {
  const { mutant, found, alone, scenarios, units, needs } = row;
  const byHistory = alone === null ? "" : seedsOf(alone);
  const { shrunk } = found;
  const small =
    shrunk === null ? "" : `${shrunk.faults} + ${shrunk.asked} (${shrunk.families.join(", ") || "no fault"})`;
  const needed = needs === null || needs.length === 0 ? "" : `; not without ${needs.join(", ")}`;
  const { defended } = mutant;
  const unnoticed = defended === undefined ? "NOT NOTICED" : `by nothing: ${defended}`;
  const noticed = (lawName(found.property) || (scenarios[0] ?? units[0] ?? unnoticed)) + lawsAloneOf(row);
  const name = (mutant.tier ?? "a") === "a" ? mutant.name : `${mutant.name} (tier ${mutant.tier})`;
  return `| ${mutant.layer} | ${name} | ${noticed} | ${seedsOf(found)} | ${found.events} | ${byHistory} | ${small}${needed} |`;
}

/** Whether anything does. */
export function isNoticed({ found, scenarios, units }: Row): boolean {
  return found.seed !== null || scenarios.length > 0 || units.length > 0;
}

/** All lines, with their head. */
export function tableOf(rows: readonly Row[]): string {
  return [...head, ...rows.map(lineOf)].join("\n");
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

function ascending(numbers: readonly number[]): number[] {
  return numbers.toSorted((a, b) => a - b);
}

/** One line. */
export function summaryOf(rows: readonly Row[]): string {
  const noticed = rows.filter(({ found }) => found.seed !== null);
  const seeds = ascending(noticed.map(({ found }) => found.seeds));
  const directed = rows.filter(({ scenarios }) => scenarios.length > 0);
  const byUnits = rows.filter(({ units }) => units.length > 0).length;
  const parts = [
    `${noticed.length} of ${rows.length} noticed by seeds, ${directed.length} more by scenarios and tapes` +
      (byUnits === 0 ? "" : `, ${byUnits} more by unit tests`),
  ];
  const defended = rows.filter((row) => !isNoticed(row) && row.mutant.defended !== undefined);
  if (defended.length > 0) parts.push(`${defended.length} do no harm, because something else defends against them`);
  if (seeds.length > 0)
    parts.push(`seeds to notice: median ${quantile(seeds, 0.5)}, p95 ${quantile(seeds, 0.95)}, most ${seeds.at(-1)}`);
  const alone = rows.filter((row) => row.alone !== null && row.alone.seed !== null);
  if (rows.some((row) => row.alone !== null)) parts.push(`by the client history alone: ${alone.length}`);
  const askedLaws = rows.filter(({ byLaws }) => byLaws !== null);
  const byLaws = askedLaws.filter((row) => row.byLaws!.seed !== null).length;
  if (askedLaws.length > 0)
    parts.push(
      `with the product's assertions switched off: ${byLaws} of ${askedLaws.length} (${Math.round((100 * byLaws) / askedLaws.length)} %)`,
    );
  const shrunk = rows.flatMap(({ found }) => found.shrunk ?? []);
  if (shrunk.length > 0) {
    const of = (what: (one: (typeof shrunk)[number]) => number): number => quantile(ascending(shrunk.map(what)), 0.5);
    parts.push(
      `shrunk to (medians): ${of(({ faults }) => faults)} faults, ${of(({ asked }) => asked)} operations, in ${of(({ ms }) => ms)} ms`,
    );
    const families = shrunk.flatMap((one) => one.families);
    const counts = [...new Set(families)].map((name) => `${name} ${families.filter((one) => one === name).length}`);
    parts.push(`families that the shrunk runs have: ${counts.toSorted().join(", ")}`);
  }
  const asked = rows.flatMap(({ needs }) => (needs === null ? [] : [needs]));
  const needed = faultFamilies.map((family) => [family, asked.filter((needs) => needs.includes(family)).length]);
  const counts = needed.filter(([, count]) => count !== 0).map(([family, count]) => `${family} ${count}`);
  if (asked.length > 0)
    parts.push(`of ${asked.length} asked, not noticed without the family: ${counts.join(", ") || "none"}`);
  return parts.join("; ");
}

/** The text of docs/mutants.md. `measured` says when, and with which draws. */
function fileText(table: string, summary: string, measured: string): string {
  return `# Mutants

Written by \`${command}\`; [mutation.md](mutation.md) says
what that does.
Each row is a small wrong change to the product, and the check that notices it.

- **noticed by**: the law that a seed breaks. Where no seed notices: the first scenario, kept tape or unit test that fails.
  "by the laws alone": where an assertion of the product notices, what does with all of those switched off.
- **seeds**, **events**: what was run until then, or in all.
- **seeds, by client history alone**: until an answer to a client is wrong, without the laws.
- **shrunk to**: faults and operations that are left, with the families of the faults. "not without F": no seed notices it
  with family F off.

${measured}

${summary}

${table}
`;
}

/** Replaces the line between the marks. */
function withSummary(text: string, summary: string): string {
  if (!marked.test(text)) throw new Error(`${summaryFile} has no place for the summary of the mutants`);
  return text.replace(marked, () => `<!-- mutants -->\n\n${summary}\n\n<!-- /mutants -->`);
}

/** Writes the table and its summary into the docs. Call it from the project's root, with a row for every mutant. */
export function writeTable(rows: readonly Row[], day: string): void {
  const summary = summaryOf(rows);
  const measured = `Measured on ${day}, with the draws of model ${modelVersion}.`;
  writeFileSync(tableFile, fileText(tableOf(rows), summary, measured));
  writeFileSync(summaryFile, withSummary(readFileSync(summaryFile, "utf8"), summary));
}

/** The summary that SIMULATION.md repeats. */
export function summaryIn(text: string): string {
  return (marked.exec(text)?.[0] ?? "").split("\n").slice(1, -1).join("\n").trim();
}
