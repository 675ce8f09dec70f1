/** `npm run mutants [-- NAME]`: for each planted bug, which check notices it, after how many seeds and events. */
import { huntMistake } from "../support/plant.ts";
import { mistakes } from "./mistakes.ts";

const seedsMax = 2_000;

const wanted = process.argv.slice(2).join(" ");
const chosen = mistakes.filter(({ name }) => name.includes(wanted));
if (chosen.length === 0) {
  console.error(`mutants: no planted bug is named like "${wanted}"`);
  process.exit(2);
}

const rows: { name: string; layer: string; seeds: number | null; property: string; line: string }[] = [];
let next = 0;
async function work(): Promise<void> {
  for (let mistake = chosen[next++]; mistake !== undefined; mistake = chosen[next++]) {
    const found = await huntMistake(mistake, 1, seedsMax, true);
    const alone = await huntMistake(mistake, 1, 200, false);
    const byHistory = alone.seed === null ? "not in 200" : String(alone.seeds);
    const seeds = found.seed === null ? null : found.seeds;
    const line = `| ${mistake.layer} | ${mistake.name} | ${found.property || "NOT NOTICED"} | ${seeds ?? `> ${seedsMax}`} | ${found.events} | ${byHistory} |`;
    rows.push({ name: mistake.name, layer: mistake.layer, seeds, property: found.property, line });
    console.error(`${line}  ${found.message.slice(0, 120)}`);
  }
}
await Promise.all([work(), work()]);

rows.sort(
  (a, b) => mistakes.findIndex(({ name }) => name === a.name) - mistakes.findIndex(({ name }) => name === b.name),
);
console.log("| layer | planted bug | noticed by | seeds | events | seeds, by client history alone |");
console.log("| --- | --- | --- | --- | --- | --- |");
for (const { line } of rows) console.log(line);
const found = rows.flatMap(({ seeds }) => seeds ?? []).toSorted((a, b) => a - b);
console.log(
  `\n${found.length} of ${rows.length} noticed; seeds to notice: median ${found[found.length >> 1]}, most ${found.at(-1)}`,
);
if (found.length < rows.length) process.exitCode = 1;
