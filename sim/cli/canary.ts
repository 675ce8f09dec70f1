/**
 * A campaign that finds nothing may be blind. So each begins with a known mutant, in a copy of the compiled product:
 * if that is not noticed, nothing that follows means anything.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type * as Run from "../run.ts";

/** An entry of an older term counts toward commit: figure 8 of the Raft paper. */
const mutant = {
  file: "core/raft/leader.js",
  old: "this.#log.termAt(index) === this.term",
  new: "this.#log.termAt(index) <= this.term",
};
const seedsMax = 500;
/** What the copied folders import. */
const packages = ["seedrandom", "sorted-btree"];

/** Lets what is in `scratch` import the packages that this program does, wherever they are installed. */
function linkPackages(scratch: string): void {
  const places = createRequire(import.meta.url).resolve.paths("any") ?? [];
  mkdirSync(join(scratch, "node_modules"));
  for (const name of packages) {
    const place = places.find((one) => existsSync(join(one, name)));
    if (place === undefined) throw new Error(`the package ${name} is not installed`);
    symlinkSync(join(place, name), join(scratch, "node_modules", name), "junction");
  }
}

/** The seed that noticed it and how, or null: the simulator is blind. */
export async function findCanary(): Promise<{ seed: number; property: string } | null> {
  const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
  const scratch = mkdtempSync(join(tmpdir(), "metastore-canary-"));
  try {
    for (const folder of ["core", "sim", "checker"])
      cpSync(join(root, folder), join(scratch, folder), { recursive: true });
    linkPackages(scratch);
    writeFileSync(join(scratch, "package.json"), '{"type":"module"}');
    const path = join(scratch, mutant.file);
    const source = readFileSync(path, "utf8");
    if (source.split(mutant.old).length !== 2) throw new Error(`the canary does not apply to ${mutant.file}`);
    writeFileSync(path, source.replace(mutant.old, mutant.new));
    const { simulateSeed } = (await import(pathToFileURL(join(scratch, "sim/run.js")).href)) as typeof Run;
    for (let seed = 1; seed <= seedsMax; seed++) {
      const { verdict, property } = simulateSeed(seed, { print: null, invariants: true });
      if (verdict === "violation") return { seed, property };
    }
    return null;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
