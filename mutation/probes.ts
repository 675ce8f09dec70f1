/**
 * Probes in the product as it is, one at the place of each mutant: a run that does not come by a mutant's place is the same
 * with the mutant in it, and need not run. A probe stands at the beginning of the innermost block around the place, so it
 * tells of more runs than need be, never of fewer.
 */
import ts from "@typescript/typescript6";
import { editsOf, type Mutant, mutantsMax, placesIn, sourceOf } from "./mutant.ts";

/** `texts`: the sources with probes in them. `everywhere`: mutants outside of any function; each run comes by those. */
export type Probed = { readonly texts: ReadonlyMap<string, string>; readonly everywhere: ReadonlySet<Mutant> };

type Insertion = { readonly at: number; readonly text: string };

/** The probe of a mutant has its place in `mutants` as its number: `globalThis.comesBy` holds 1 there once it was passed. */
export function withProbes(mutants: readonly Mutant[]): Probed {
  if (mutants.length > mutantsMax) throw new Error(`${mutants.length} mutants are more than ${mutantsMax}`);
  const everywhere = new Set<Mutant>();
  const files = new Set(mutants.flatMap((mutant) => editsOf(mutant).map(({ file }) => file)));
  const texts = new Map<string, string>();
  for (const file of files) {
    const text = sourceOf(file, file);
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true);
    const probes = new Map<ts.Node, Set<number>>();
    for (const [k, mutant] of mutants.entries()) {
      const own = editsOf(mutant).filter((edit) => edit.file === file);
      for (const { start, end } of placesIn(text, own, mutant.name)) {
        const block = blockAround(source, start, end);
        if (block === null) everywhere.add(mutant);
        else probes.set(block, (probes.get(block) ?? new Set()).add(k));
      }
    }
    const insertions = [...probes].flatMap(([block, numbers]) => insertionsFor(block, source, [...numbers]));
    texts.set(file, inserted(text, insertions));
  }
  return { texts, everywhere };
}

/** The innermost block, or the body of an arrow function without one, that the place lies in; null: none. */
function blockAround(source: ts.SourceFile, start: number, end: number): ts.Node | null {
  let found: ts.Node | null = null;
  const look = (node: ts.Node): void => {
    if (start < node.getStart(source) || end > node.end) return;
    if (ts.isBlock(node) && start > node.getStart(source) && end < node.end) found = node;
    if (ts.isArrowFunction(node.parent) && node.parent.body === node && !ts.isBlock(node)) found = node;
    ts.forEachChild(node, look);
  };
  ts.forEachChild(source, look);
  return found;
}

function insertionsFor(block: ts.Node, source: ts.SourceFile, probes: readonly number[]): Insertion[] {
  const marks = probes.map((probe) => `(globalThis as any).comesBy[${probe}] = 1`);
  const start = block.getStart(source);
  if (ts.isBlock(block)) return [{ at: start + 1, text: ` ${marks.join("; ")};` }];
  return [
    { at: start, text: `(${marks.join(", ")}, ` },
    { at: block.end, text: ")" },
  ];
}

function inserted(text: string, insertions: readonly Insertion[]): string {
  let [result, from] = ["", 0];
  for (const { at, text: more } of insertions.toSorted((a, b) => a.at - b.at)) {
    result += text.slice(from, at) + more;
    from = at;
  }
  return result + text.slice(from);
}
