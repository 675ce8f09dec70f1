/** What `npm run mutants` is asked, checked. */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import yargs from "yargs";
import { faultFamilies, type FaultFamily, type Tier, tiers } from "../sim/plan/families.ts";
import type { Edit, Mutant } from "./mutant.ts";
import { mutants } from "./mutants/all.ts";
import type { Questions, Row } from "./notice.ts";
import { loadRows, ResultsError } from "./results.ts";

/** Something is wrong with what was typed, in one line. */
export class UsageError extends Error {}

/** What was typed. */
export type MutantsOptions = {
  readonly questions: Questions;
  /** In the order of the table. */
  readonly chosen: readonly Mutant[];
  /** Those of `chosen` that are asked now. */
  readonly asked: readonly Mutant[];
  /** Rows of an earlier run, of others of `chosen`. */
  readonly kept: ReadonlyMap<Mutant, Row>;
  readonly jobs: number;
  /** Where the rows go, or null. */
  readonly json: string | null;
  /** The table goes into the docs. */
  readonly writes: boolean;
};

const numbers = ["seeds", "alone", "shrink", "needs", "jobs"] as const;

/** Throws UsageError. Reads from the project's root. */
export async function mutantsOptions(args: readonly string[]): Promise<MutantsOptions> {
  const argv = await yargs([...args])
    .scriptName("npm run mutants --")
    .usage(
      "$0 [NAME]\n\nPlants each mutant whose name contains NAME, and prints what notices it, after how many seeds. With * or ? in it, " +
        "NAME is a pattern of the whole name: * stands for any text, ? for one character.",
    )
    .option("file", {
      type: "string",
      describe: "your own mutants: JSON, a list of {name, file, old, new} or of {name, edits: [{file, old, new}]}",
    })
    .option("defended", { type: "string", describe: "JSON, {name: what else prevents all harm}" })
    .options({
      from: { type: "string", describe: "begin with the Nth of them, or with the first that is named like it" },
    })
    .option("json", {
      type: "string",
      describe:
        "a file for what was found, written after each mutant; with --from, what it holds of the others is kept",
    })
    .option("jobs", { type: "number", default: availableParallelism(), describe: "mutants at a time" })
    .option("seeds", { type: "number", default: 2_000, describe: "seeds to try" })
    .option("alone", { type: "number", default: 100, describe: "seeds to try by the client history alone" })
    .option("shrink", { type: "number", default: 0, describe: "seconds to look for a smaller run" })
    .option("needs", {
      type: "number",
      default: 0,
      describe:
        "with --shrink: try without each family of the shrunk run, where four times the seeds and fifty are no more",
    })
    .option("without-assertions", {
      type: "boolean",
      default: false,
      describe: "ask again with the product's assertions switched off, where one of them notices",
    })
    .option("write", { type: "boolean", default: false, describe: "of all mutants: write the table into the docs" })
    .option("without", { type: "string", describe: "families of faults, with commas: not these" })
    .strictOptions()
    .version(false)
    .fail((message: string) => {
      throw new UsageError(message);
    })
    .parseAsync();
  for (const name of numbers)
    if (!Number.isSafeInteger(argv[name]) || argv[name] < (name === "jobs" ? 1 : 0))
      throw new UsageError(`--${name} takes an integer${name === "jobs" ? " from 1 on" : ""}`);
  const wanted = argv._.join(" ");
  const all = withReasons(argv.file === undefined ? mutants : mutantsFrom(argv.file), argv.defended);
  const chosen = all.filter(({ name }) => isNamedLike(name, wanted));
  if (chosen.length === 0) throw new UsageError(`no mutant is named like "${wanted}"`);
  const questions: Questions = {
    seedsMax: argv.seeds,
    aloneMax: argv.alone,
    shrinkMs: argv.shrink * 1_000,
    without: familiesFrom(argv.without),
    needsMax: argv.needs,
    withoutAssertions: argv.withoutAssertions,
  };
  const asked = chosen.slice(firstAsked(chosen, argv.from));
  const kept = argv.json === undefined ? new Map<Mutant, Row>() : keptRows(argv.json, questions, chosen, asked);
  if (argv.write) mustBeWhole({ wanted, file: argv.file, questions, chosen, asked, kept });
  return { questions, chosen, asked, kept, jobs: argv.jobs, json: argv.json ?? null, writes: argv.write };
}

/** Whether `name` contains `wanted`; where that has a * or a ?, whether it is all of the name. */
function isNamedLike(name: string, wanted: string): boolean {
  if (!/[*?]/.test(wanted)) return name.includes(wanted);
  const pattern = wanted
    .replaceAll(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${pattern}$`, "s").test(name);
}

function firstAsked(chosen: readonly Mutant[], from: string | undefined): number {
  if (from === undefined) return 0;
  const at = /^\d+$/.test(from) ? Number(from) - 1 : chosen.findIndex(({ name }) => isNamedLike(name, from));
  if (at < 0 || at >= chosen.length)
    throw new UsageError(`--from takes 1 to ${chosen.length}, or the name of one of the mutants; not "${from}"`);
  return at;
}

/** Those of the file that are not asked now. Without --from it is written from the beginning. */
function keptRows(
  file: string,
  questions: Questions,
  chosen: readonly Mutant[],
  asked: readonly Mutant[],
): Map<Mutant, Row> {
  const others = chosen.slice(0, chosen.length - asked.length);
  if (others.length === 0) return new Map();
  try {
    return loadRows(file, questions, others);
  } catch (error) {
    throw error instanceof ResultsError ? new UsageError(error.message) : error;
  }
}

function mustBeWhole({
  wanted,
  file,
  questions,
  chosen,
  asked,
  kept,
}: Pick<MutantsOptions, "questions" | "chosen" | "asked" | "kept"> & {
  wanted: string;
  file: string | undefined;
}): void {
  if (wanted !== "" || file !== undefined || questions.without.length > 0)
    throw new UsageError("--write is for all mutants, with all families of faults");
  const missing = chosen.find((mutant) => !asked.includes(mutant) && !kept.has(mutant));
  if (missing !== undefined)
    throw new UsageError(`--write is for all mutants, and the file of --json has nothing of "${missing.name}"`);
}

function familiesFrom(text: string | undefined): FaultFamily[] {
  const names = (text ?? "").split(",").filter((name) => name !== "");
  const stranger = names.find((name) => !faultFamilies.includes(name as FaultFamily));
  if (stranger !== undefined)
    throw new UsageError(`--without takes some of ${faultFamilies.join(",")}; not ${stranger}`);
  return names as FaultFamily[];
}

function parsedFrom(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new UsageError(`${file}: ${(error as Error).message}`);
  }
}

function withReasons(list: readonly Mutant[], file: string | undefined): readonly Mutant[] {
  if (file === undefined) return list;
  const reasons = (parsedFrom(file) ?? {}) as Record<string, unknown>;
  for (const [name, reason] of Object.entries(reasons)) {
    if (typeof reason !== "string") throw new UsageError(`${file}: the reason for "${name}" is text`);
    if (!list.some((mutant) => mutant.name === name)) throw new UsageError(`${file}: no mutant is named "${name}"`);
  }
  return list.map((mutant) => ({
    ...mutant,
    ...(mutant.name in reasons && { defended: reasons[mutant.name] as string }),
  }));
}

function mutantsFrom(file: string): Mutant[] {
  const list = parsedFrom(file);
  if (!Array.isArray(list))
    throw new UsageError(`${file}: a list of {name, file, old, new} or {name, edits} is expected`);
  const own = list.map((one: unknown, k) => mutantFrom((one ?? {}) as Record<string, unknown>, `${file}: mutant ${k}`));
  const twice = own.find(({ name }, k) => own.findIndex((one) => one.name === name) < k);
  if (twice !== undefined) throw new UsageError(`${file}: two mutants are named "${twice.name}"`);
  return own;
}

function mutantFrom(one: Record<string, unknown>, which: string): Mutant {
  const { name, layer = "own", tier = "a", defended, edits = [one] } = one;
  const isText = [name, layer, defended ?? ""].every((part) => typeof part === "string");
  if (!isText || !tiers.includes(tier as Tier) || !Array.isArray(edits) || !edits.every(isEdit) || edits.length === 0)
    throw new UsageError(
      `${which} is {name, file, old, new}, all strings, or {name, edits} with a list of {file, old, new}, ` +
        "and may have a layer, a tier of a, b, c, and what it is defended by",
    );
  return {
    name: name as string,
    layer: layer as string,
    tier: tier as Tier,
    ...(defended === undefined ? {} : { defended: defended as string }),
    edits: edits.map((edit: Edit) => ({ file: edit.file, old: edit.old, new: edit.new })),
  };
}

function isEdit(edit: unknown): edit is Edit {
  const { file, old, new: text } = (edit ?? {}) as Record<string, unknown>;
  return [file, old, text].every((part) => typeof part === "string");
}
