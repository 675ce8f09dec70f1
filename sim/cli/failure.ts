/** The files of a failed run: its history, its tape, and its summary with the end of its trace. */
import { mkdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { printJsonLines } from "../../checker/formats/index.ts";
import { mix } from "../draws.ts";
import type { Result } from "../run.ts";
import { printTape } from "../tape.ts";
import { holdsOther, troubleOf, writeWhole } from "./files.ts";
import { summary } from "./summary.ts";

/** Where they go. */
export const failureDirectory = "sim-failures";

const nameCharactersMax = 100;

/** Of the files of a seed, with the options that were typed: " --tier b" gives "seed-5.tier-b". */
export function nameOfSeed(seed: number, typed: string): string {
  const name = `seed-${seed}${typed.replaceAll(/ --(\w+) /g, ".$1-").replaceAll(",", "+")}`;
  if (name.length <= nameCharactersMax) return name;
  let hash = 1;
  for (let k = 0; k < typed.length; k++) hash = mix(hash, typed.charCodeAt(k));
  return `${name.slice(0, nameCharactersMax - 9)}.${(hash >>> 0).toString(16).padStart(8, "0")}`;
}

/** Of the files of a tape's run: its own name, after that of its folder where this is another one. */
export function nameOfTape(path: string): string {
  const own = basename(path).replace(/(\.tape)?\.json$/, "");
  const folder = basename(dirname(path));
  return folder === "." || folder === failureDirectory ? own : `${folder}.${own}`;
}

/** A tape's place that holds nothing yet, or that very tape: a tape is never written over another one. */
export function placeOfTape(directory: string, name: string, text: string): string {
  let path = join(directory, `${name}.tape.json`);
  for (let k = 2; holdsOther(path, text); k++) path = join(directory, `${name}-${k}.tape.json`);
  return path;
}

/** What was written, and what was in the way, or null. */
export type Written = { readonly files: readonly string[]; readonly trouble: string | null };

/** `again`: what to type to see the run again. `tape`: the file that it was run from, which is left as it is; null: one is written. */
export function writeFailure(
  result: Result,
  directory: string,
  name: string,
  again: string,
  tape: string | null = null,
): Written {
  const text = printTape(result);
  const files: string[] = [];
  const trouble = troubleOf(() => {
    mkdirSync(directory, { recursive: true });
    const path = tape ?? placeOfTape(directory, name, text);
    if (tape === null) {
      writeWhole(path, text);
      files.push(path);
    }
    const base = tape === null ? path.slice(0, -".tape.json".length) : join(directory, name);
    writeWhole(`${base}.history.jsonl`, printJsonLines(result.history));
    files.push(`${base}.history.jsonl`);
    writeWhole(`${base}.trace.txt`, `${[again, ...summary(result), ...result.context].join("\n")}\n`);
    files.push(`${base}.trace.txt`);
  });
  return { files, trouble };
}

/** What was written and what was not, in lines. */
export function wordsOf({ files, trouble }: Written): string[] {
  const lines = files.map((file) => `  wrote ${file}`);
  if (trouble !== null) lines.push(`  ${files.length === 0 ? "no files" : "the others are missing"}: ${trouble}`);
  return lines;
}
