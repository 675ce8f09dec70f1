/** What `npm run mutants` is asked, checked. */
import { readFileSync } from "node:fs";
import yargs from "yargs";
import { faultFamilies, type FaultFamily, type Tier, tiers } from "../../sim/plan/families.ts";
import type { Mutant } from "../support/mutation.ts";
import { mutants } from "./mutants.ts";

export class UsageError extends Error {}

export type MutantsOptions = {
  readonly chosen: readonly Mutant[];
  readonly seedsMax: number;
  /** Seeds by the client history alone; 0: none. */
  readonly aloneMax: number;
  readonly shrinkMs: number;
  readonly without: readonly FaultFamily[];
  /** Mutants that need more seeds than so many, without each family that their shrunk run has, are not asked; 0: none is. */
  readonly needsMax: number;
  /** The table goes into the docs. */
  readonly writes: boolean;
};

/** Throws UsageError. */
export async function mutantsOptions(args: readonly string[]): Promise<MutantsOptions> {
  const argv = await yargs([...args])
    .scriptName("npm run mutants --")
    .usage(
      "$0 [NAME]\n\nRuns each mutant whose name contains NAME, and prints which check detects it, after how many seeds.",
    )
    .option("file", { type: "string", describe: "your own mutants: JSON, a list of {name, file, old, new}" })
    .option("seeds", { type: "number", default: 2_000, describe: "seeds to try" })
    .option("alone", { type: "number", default: 100, describe: "seeds to try by the client history alone" })
    .option("shrink", { type: "number", default: 0, describe: "seconds to look for a smaller run" })
    .option("needs", {
      type: "number",
      default: 0,
      describe:
        "with --shrink: try without each family of the shrunk run, where four times the seeds and fifty are no more",
    })
    .option("write", { type: "boolean", default: false, describe: "of all mutants: write the table into the docs" })
    .option("without", { type: "string", describe: "families of faults, with commas: not these" })
    .strictOptions()
    .version(false)
    .fail((message: string) => {
      throw new UsageError(message);
    })
    .parseAsync();
  const wanted = argv._.join(" ");
  const all = argv.file === undefined ? mutants : mutantsFrom(argv.file);
  const chosen = all.filter(({ name }) => name.includes(wanted));
  if (chosen.length === 0) throw new UsageError(`no mutant is named like "${wanted}"`);
  for (const name of ["seeds", "alone", "shrink", "needs"] as const)
    if (!Number.isSafeInteger(argv[name]) || argv[name] < 0) throw new UsageError(`--${name} takes an integer`);
  const without = (argv.without ?? "").split(",").filter((name) => name !== "");
  const stranger = without.find((name) => !faultFamilies.includes(name as FaultFamily));
  if (stranger !== undefined)
    throw new UsageError(`--without takes some of ${faultFamilies.join(",")}; not ${stranger}`);
  if (argv.write && (wanted !== "" || argv.file !== undefined || without.length > 0))
    throw new UsageError("--write is for all mutants, with all families of faults");
  const shrinkMs = argv.shrink * 1_000;
  return {
    chosen,
    seedsMax: argv.seeds,
    aloneMax: argv.alone,
    shrinkMs,
    without: without as FaultFamily[],
    needsMax: argv.needs,
    writes: argv.write,
  };
}

function mutantsFrom(file: string): Mutant[] {
  let list: unknown;
  try {
    list = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new UsageError(`${file}: ${(error as Error).message}`);
  }
  if (!Array.isArray(list)) throw new UsageError(`${file}: a list of {name, file, old, new} is expected`);
  return list.map((one: unknown, k): Mutant => {
    const { name, file: path, old, new: text, layer = "own", tier = "a" } = (one ?? {}) as Record<string, unknown>;
    const isText = [name, path, old, text, layer].every((part) => typeof part === "string");
    if (!isText || !tiers.includes(tier as Tier))
      throw new UsageError(
        `${file}: mutant ${k} is {name, file, old, new}, all strings, and may have a layer and a tier of a, b, c`,
      );
    return { name, file: path, old, new: text, layer, tier } as Mutant;
  });
}
