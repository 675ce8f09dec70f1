/** What is known of mutants, as a file: written after each of them, so that a run that was stopped can be continued. */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { modelVersion } from "../sim/draws.ts";
import { digestOf, type Mutant } from "./mutant.ts";
import type { Questions, Row } from "./notice.ts";

/** A file that cannot be continued, or is none. */
export class ResultsError extends Error {}

type SavedRow = Omit<Row, "mutant"> & { readonly name: string; readonly layer: string; readonly digest: string };
type Saved = { readonly version: 1; readonly asked: string; readonly rows: readonly SavedRow[] };

/** Equal where the figures can stand in one table. */
function askedOf(questions: Questions): string {
  const { seedsMax, aloneMax, shrinkMs, without, needsMax, withoutAssertions } = questions;
  return JSON.stringify({ model: modelVersion, seedsMax, aloneMax, shrinkMs, without, needsMax, withoutAssertions });
}

/** Writes the rows. The file is the old one or the new one, whatever happens. */
export function saveRows(file: string, questions: Questions, rows: readonly Row[]): void {
  const saved: Saved = {
    version: 1,
    asked: askedOf(questions),
    rows: rows.map(({ mutant, ...row }) => ({
      name: mutant.name,
      layer: mutant.layer,
      digest: digestOf(mutant),
      ...row,
    })),
  };
  const draft = `${file}.part`;
  writeFileSync(draft, `${JSON.stringify(saved, null, 2)}\n`);
  renameSync(draft, file);
}

/**
 * The rows of `file` for those of `mutants` that have not changed since; none where there is no such file. Throws
 * ResultsError where the file is something else, or where other questions were asked.
 */
export function loadRows(file: string, questions: Questions, mutants: readonly Mutant[]): Map<Mutant, Row> {
  if (!existsSync(file)) return new Map();
  let saved: Partial<Saved>;
  try {
    saved = JSON.parse(readFileSync(file, "utf8")) as Partial<Saved>;
  } catch (error) {
    throw new ResultsError(`${file}: ${(error as Error).message}`, { cause: error });
  }
  if (saved.version !== 1 || !Array.isArray(saved.rows)) throw new ResultsError(`${file} holds no rows of mutants`);
  if (saved.asked !== askedOf(questions))
    throw new ResultsError(`${file} is of a run with other options: ${saved.asked}, not ${askedOf(questions)}`);
  const byName = new Map((saved as Saved).rows.map((row) => [row.name, row]));
  return new Map(
    mutants.flatMap((mutant): [Mutant, Row][] => {
      const known = byName.get(mutant.name);
      if (known === undefined || known.digest !== digestOf(mutant)) return [];
      const { name: _name, layer: _layer, digest: _digest, ...row } = known;
      return [[mutant, { mutant, ...row }]];
    }),
  );
}
