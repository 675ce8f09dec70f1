/** One file out of a program's many: it starts in half the time, and opens few files. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

/**
 * Writes into `file` the compiled module `entry` with all that it imports; beside it, its source map and the licenses of the
 * packages in it. `external`: packages that stay outside, as they hold native code or may be absent. Paths in the modules
 * that depend on where they are hold only if `file` is in the folder of `entry`.
 */
export async function bundleProgram(entry: string, file: string, external: readonly string[]): Promise<void> {
  const { metafile } = await build({
    entryPoints: [entry],
    outfile: file,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    external: [...external],
    sourcemap: "linked",
    sourcesContent: false,
    legalComments: "none",
    charset: "utf8",
    logLevel: "error",
    metafile: true,
  });
  const folders = new Set(Object.keys(metafile.inputs).flatMap((input) => packageFolder(input) ?? []));
  const texts = [...folders].toSorted().map((folder) => `${folder}\n\n${licenseIn(folder).trim()}\n`);
  writeFileSync(file.replace(/\.js$/, ".licenses.txt"), texts.join(`\n${"-".repeat(80)}\n\n`));
}

/** The folder of the package that `file` belongs to; null: of none. */
function packageFolder(file: string): string | null {
  return /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? null;
}

function licenseIn(folder: string): string {
  const name = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
  if (name === undefined) throw new Error(`${folder} has no license that could go along`);
  return readFileSync(join(folder, name), "utf8");
}
