/** Plants a mistake in a scratch copy of the compiled product and lets the simulator hunt for it. */
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import ts from "typescript";
import type { Catch } from "./hunt.ts";
import type { Mistake } from "./mistakes.ts";

/** The file's text with the mistake in it; throws where the mistake does not apply exactly once. */
export function applyMistake(mistake: Mistake): string {
  const source = readFileSync(mistake.file, "utf8");
  const places = source.split(mistake.old).length - 1;
  if (places !== 1) throw new Error(`"${mistake.name}" applies ${places} times in ${mistake.file}, not once`);
  return source.replace(mistake.old, () => mistake.new);
}

/** Hunts with seeds `from` to `to`; `invariants` false judges by the client history alone. Call it from the project's root. */
export async function huntMistake(mistake: Mistake, from: number, to: number, invariants: boolean): Promise<Catch> {
  const scratch = mkdtempSync(join(tmpdir(), "metastore-mistake-"));
  try {
    for (const folder of ["core", "sim", "checker"])
      cpSync(join("dist", folder), join(scratch, folder), { recursive: true });
    symlinkSync(resolve("node_modules"), join(scratch, "node_modules"));
    writeFileSync(join(scratch, "package.json"), '{"type":"module"}');
    const compilerOptions = {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ES2022,
      rewriteRelativeImportExtensions: true,
      verbatimModuleSyntax: true,
    };
    const { outputText } = ts.transpileModule(applyMistake(mistake), { compilerOptions });
    writeFileSync(join(scratch, mistake.file.replace(/\.ts$/, ".js")), outputText);
    const args = [
      "--max-old-space-size=3000",
      "dist/test/sim/hunt.js",
      scratch,
      String(from),
      String(to),
      String(invariants),
    ];
    const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 24 });
    return JSON.parse(stdout) as Catch;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
