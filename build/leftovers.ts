/** What is in the folder of compiled modules, and comes from no source any more. */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

/** What the compiler keeps for itself: what it knows of its last run, and the scripts of pages with all that they import. */
const ofCompiler = /^(page-scripts\/.*|\w+\.tsbuildinfo)$/;

/** Removes each file in `folder` that no source in the working directory has become. `generated`: those that stay, from there. */
export function removeLeftovers(folder: string, generated: readonly string[]): void {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  for (const { parentPath, name } of files) {
    const path = join(parentPath, name);
    const file = path.slice(folder.length + 1);
    const source = `${file.replace(/(\.d\.ts|\.d\.ts\.map|\.js|\.js\.map)$/, "")}.ts`;
    if (generated.includes(file) || ofCompiler.test(file) || existsSync(source)) continue;
    rmSync(path);
  }
}
