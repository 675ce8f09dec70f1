/** A mutant: a small wrong change to the product, as text. The product itself has no switch for it. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Tier } from "../sim/plan/families.ts";

/** One place that changes. `file` is a source, by its path from the project's root. */
export type Edit = {
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly old: string;
  readonly new: string;
};

type About = {
  readonly name: string;
  readonly layer: string;
  /** Where another tier than a is needed. */
  readonly tier?: Tier;
  /** What else prevents all harm, where nothing can notice. */
  readonly defended?: string;
};

/** One edit, or several, in one file or in several. */
export type Mutant = About & (Edit | { readonly edits: readonly Edit[] });

/** As many as one run can tell apart by their probes. */
export const mutantsMax = 4_096;

/** A mutant that cannot be planted: an error of its author, and no detection. */
export class MutantError extends Error {}

/** The edits of a mutant, at least one. */
export function editsOf(mutant: Mutant): readonly Edit[] {
  return "edits" in mutant ? mutant.edits : [mutant];
}

/** Where an edit begins and ends in the text as it was. */
export type Place = { readonly edit: Edit; readonly start: number; readonly end: number };

/** The places in `text`, the first one first. Throws MutantError where an edit does not apply once, or two of them overlap. */
export function placesIn(text: string, edits: readonly Edit[], name: string): Place[] {
  const places = edits.map((edit): Place => {
    const count = edit.old === "" ? 0 : text.split(edit.old).length - 1;
    if (count !== 1) throw new MutantError(`"${name}" applies ${count} times in ${edit.file}, not once`);
    const start = text.indexOf(edit.old);
    return { edit, start, end: start + edit.old.length };
  });
  places.sort((a, b) => a.start - b.start);
  const overlapping = places.find(({ start }, k) => k > 0 && start < places[k - 1]!.end);
  if (overlapping !== undefined) throw new MutantError(`"${name}" changes a place in ${overlapping.edit.file} twice`);
  return places;
}

/** The text of each file that changes, by its path, with the mutant in it. Throws MutantError. Reads from the project's root. */
export function applyMutant(mutant: Mutant): ReadonlyMap<string, string> {
  const edits = editsOf(mutant);
  const files = [...new Set(edits.map(({ file }) => file))];
  if (files.length === 0) throw new MutantError(`"${mutant.name}" changes nothing`);
  return new Map(
    files.map((file) => {
      const text = sourceOf(file, mutant.name);
      const own = edits.filter((edit) => edit.file === file);
      let [changed, from] = ["", 0];
      for (const { edit, start, end } of placesIn(text, own, mutant.name)) {
        changed += text.slice(from, start) + edit.new;
        from = end;
      }
      return [file, changed + text.slice(from)];
    }),
  );
}

/** What the product has in `file`. Throws MutantError where it has no such file. */
export function sourceOf(file: string, name: string): string {
  if (!/^(core|sim|checker)\/.*\.ts$/.test(file))
    throw new MutantError(`"${name}": a mutant changes sources of core, sim and checker, not ${file}`);
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new MutantError(`"${name}": ${(error as Error).message}`, { cause: error });
  }
}

/** The same for mutants that change the same: whether a row in a file is of this one. */
export function digestOf(mutant: Mutant): string {
  const changes = editsOf(mutant).map((edit) => [edit.file, edit.old, edit.new]);
  return createHash("sha256")
    .update(JSON.stringify([mutant.tier ?? "a", changes]))
    .digest("hex")
    .slice(0, 16);
}
