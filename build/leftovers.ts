/** What is in the folder of compiled modules and comes from no source any more, or is not there and should be. */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

/** What the compiler keeps for itself: what it knows of its last run, and the scripts of pages with all that they import. */
const ofCompiler = /^(page-scripts\/.*|\w+\.tsbuildinfo)$/;

/** Removes each file in `folder` that no source in the working directory has become. `generated`: those that stay, from there. */
export function removeLeftovers(folder: string, generated: readonly string[]): void {
  for (const file of filesIn(folder)) {
    const source = `${file.replace(/(\.d\.ts|\.d\.ts\.map|\.js|\.js\.map)$/, "")}.ts`;
    if (generated.includes(file) || ofCompiler.test(file) || existsSync(source)) continue;
    rmSync(join(folder, file));
  }
}

/** The first module that a source in one of `sources` should have become in `folder` and has not, or null. */
export function missingIn(folder: string, sources: readonly string[]): string | null {
  for (const root of sources) {
    for (const file of filesIn(root).filter((one) => one.endsWith(".ts") && !one.endsWith(".d.ts"))) {
      const compiled = join(folder, root, file.replace(/\.ts$/, ".js"));
      if (!existsSync(compiled)) return compiled;
    }
  }
  return null;
}

/** Paths from `folder`. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((one) =>
    one.isFile() ? [join(one.parentPath, one.name).slice(folder.length + 1)] : [],
  );
}
