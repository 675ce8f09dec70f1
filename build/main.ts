/**
 * The last step of the build: writes each page, with its style and script in it, as a module into the folder that fills it;
 * the playground, which nobody fills, as a file; and the server's command as one file. What an earlier build has left of a
 * source that is gone is removed.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleScript } from "./bundle.ts";
import { assemblePage } from "./page.ts";
import { bundleProgram } from "./program.ts";
import { missingIn, removeLeftovers } from "./leftovers.ts";

/** By page: the folder of dist whose code fills its template. */
const users = {
  "pages/checker/page.html": "checker/view",
  "pages/sim/page.html": "sim/report",
  "pages/chaos/page.html": "chaos/report",
};
/** Where `tsc -p pages` puts the scripts; nothing else needs them. */
const scripts = "dist/page-scripts";

const { include } = JSON.parse(readFileSync("tsconfig.json", "utf8")) as { include: string[] };
const missing = missingIn("dist", include);
if (missing !== null) {
  // The compiler goes by its notes, and does not look.
  for (const notes of ["tsconfig", "pages"]) rmSync(`dist/${notes}.tsbuildinfo`, { force: true });
  console.error(`build: ${missing} was missing: run the build again, which compiles all`);
  process.exit(1);
}

for (const [page, folder] of Object.entries(users)) {
  const text = JSON.stringify(assemblePage(page, scripts));
  writeFileSync(join("dist", folder, "page-template.js"), `export const template = ${text};\n`);
}
const playground = "pages/playground/page";
writeFileSync(join(scripts, `${playground}.js`), await bundleScript(`${playground}.ts`));
writeFileSync("dist/sim/playground.html", assemblePage(`${playground}.html`, scripts));

const { optionalDependencies } = JSON.parse(readFileSync("package.json", "utf8")) as { optionalDependencies: object };
await bundleProgram("dist/server/command.js", "dist/server/program.js", Object.keys(optionalDependencies));

removeLeftovers("dist", [
  ...Object.values(users).map((folder) => `${folder}/page-template.js`),
  "sim/playground.html",
  ...["js", "js.map", "licenses.txt"].map((ending) => `server/program.${ending}`),
]);
