/** The sources of the project as the tests of the source itself read them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** `path`: from the project's root. */
export type Source = { readonly path: string; readonly text: string };

/** All of `folder`, but declarations. */
export function sources(folder: string): Source[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"))
    .map((name) => join(folder, name))
    .map((path) => ({ path, text: readFileSync(path, "utf8") }));
}

/** The text without its comments. */
export function codeOf({ text }: Source): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
}

/** What a source imports or exports from, types too, as it is written. */
function namesIn(source: Source): string[] {
  return [...codeOf(source).matchAll(/(?:from|import\(|import)\s*"([^"]+)"/g)].map(([, name]) => name!);
}

/** The files of ours that a source imports, by their paths from the root. */
export function filesImportedBy(source: Source): string[] {
  return namesIn(source)
    .filter((name) => name.startsWith("."))
    .map((name) => join(source.path, "..", name));
}

/** The packages that a source imports, those of Node too. */
export function packagesImportedBy(source: Source): string[] {
  return namesIn(source).filter((name) => !name.startsWith("."));
}
