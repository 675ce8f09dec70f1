/** `npm run check-proof -- --cases N [--from SEED]`: the checker's engines against brute force, as long as one likes. */
import { parseArgs } from "node:util";
import { partsOf, prove } from "./prove.ts";

function wholeNumber(flag: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  console.error(`check-proof: --${flag} is a whole number, not "${text}"`);
  return process.exit(2);
}

const { values } = parseArgs({
  options: { cases: { type: "string", default: "100000" }, from: { type: "string", default: "0" } },
});
const cases = wholeNumber("cases", values.cases);
const from = wholeNumber("from", values.from);
const parts = await partsOf(new URL("../../checker/", import.meta.url));
const total: Record<string, number> = {};
const step = 50_000;
for (let seed = from; seed < from + cases; seed += step) {
  const end = Math.min(seed + step, from + cases);
  const { mismatch, counts } = prove(parts, seed, end);
  for (const [what, count] of Object.entries(counts)) total[what] = (total[what] ?? 0) + count;
  if (mismatch !== null) {
    console.log(`seed ${mismatch.seed}: ${mismatch.what}`);
    for (const operation of mismatch.history) console.log(`  ${JSON.stringify(operation)}`);
    process.exit(1);
  }
  console.error(`${end - from} of ${cases} histories, no mismatch`);
}
for (const [what, count] of Object.entries(total).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  console.log(`${String(count).padStart(10)}  ${what}`);
