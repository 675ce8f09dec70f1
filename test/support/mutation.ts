/** Applies a mutant to a scratch copy of the compiled product, and lets the simulator run seeds against it. */
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import ts from "typescript";
import type { Tier } from "../../sim/plan/families.ts";
import type { Detection, MutationRun } from "../sim/mutation-run.ts";

/** A small textual change to the product, applied to a scratch copy only. */
export type Mutant = {
  readonly name: string;
  readonly layer: string;
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly old: string;
  readonly new: string;
  /** Where another tier than a is needed. */
  readonly tier?: Tier;
  /** What else prevents all harm, where nothing can notice. */
  readonly defended?: string;
};

/** The file's text with the mutant in it; throws where the mutant does not apply exactly once. */
export function applyMutant(mutant: Mutant): string {
  const source = readFileSync(mutant.file, "utf8");
  const places = source.split(mutant.old).length - 1;
  if (places !== 1) throw new Error(`"${mutant.name}" applies ${places} times in ${mutant.file}, not once`);
  return source.replace(mutant.old, () => mutant.new);
}

/** Compiles `folders` with the mutant in them into a scratch directory, which is there until `use` has ended. */
export async function withMutant<T>(
  mutant: Mutant,
  folders: readonly string[],
  use: (directory: string) => Promise<T>,
): Promise<T> {
  const scratch = mkdtempSync(join(tmpdir(), "metastore-mutant-"));
  try {
    for (const folder of folders) cpSync(join("dist", folder), join(scratch, folder), { recursive: true });
    symlinkSync(resolve("node_modules"), join(scratch, "node_modules"));
    writeFileSync(join(scratch, "package.json"), '{"type":"module"}');
    const compilerOptions = {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ES2022,
      rewriteRelativeImportExtensions: true,
      verbatimModuleSyntax: true,
    };
    const { outputText } = ts.transpileModule(applyMutant(mutant), { compilerOptions });
    writeFileSync(join(scratch, mutant.file.replace(/\.ts$/, ".js")), outputText);
    return await use(scratch);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The scenarios, and the runs kept as tapes, that fail with the mutant. Call it from the project's root. */
export function scenariosThatFail(mutant: Mutant): Promise<string[]> {
  return withMutant(mutant, ["core", "sim", "checker", "test"], async (scratch) => {
    cpSync("test/sim/tapes", join(scratch, "test/sim/tapes"), { recursive: true });
    const settings = {
      files: ["test/scenarios/*.test.js", "test/sim/regressions.test.js"],
      workerThreads: false,
      concurrency: 1,
      // On a busy machine; and a timeout ends the reporter before it has told what failed.
      timeout: "10m",
    };
    writeFileSync(join(scratch, "package.json"), JSON.stringify({ type: "module", ava: settings }));
    const run = promisify(execFile)("node_modules/.bin/ava", ["--tap"], { cwd: scratch, maxBuffer: 1 << 26 });
    const told = await run.then(
      ({ stdout }) => stdout,
      (error: { stdout: string }) => error.stdout,
    );
    return [...told.matchAll(/^not ok \d+ - (.*)$/gm)].map((match) => match[1]!);
  });
}

/** A mutation run that has nothing to tell for so long hangs: a hundred times what the longest takes. */
const silentMsMax = 120_000;

/** Runs it to its end. A run that hangs, or takes the process with it, is a detection too. Rejects where none has begun. */
function runProcess(args: readonly string[], order: MutationRun): Promise<Detection> {
  return new Promise((settled, rejected) => {
    let done = -1;
    const child = execFile(process.execPath, args, { maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
      clearTimeout(timer);
      if (error === null) return settled(JSON.parse(stdout) as Detection);
      if (done < 0) return rejected(error);
      const seed = order.from + done;
      const message = `the run of seed ${seed} ${error.killed === true ? "does not end" : `ends its process: ${stderr.slice(-300)}`}`;
      settled({ seed, property: "I21", message, seeds: done + 1, events: 0, shrunk: null });
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), silentMsMax + order.shrinkMs);
    // It says a dot when it is ready, and another for each run.
    child.stderr!.on("data", (text: string) => {
      done += [...text.matchAll(/^\.$/gm)].length;
      timer.refresh();
    });
  });
}

/** Runs the mutant with seeds 1 to `seedsMax`, or as `how` says. Call it from the project's root. */
export function runMutant(mutant: Mutant, seedsMax: number, how: Partial<MutationRun> = {}): Promise<Detection> {
  const { tier = "a" } = mutant;
  const order: MutationRun = { from: 1, to: seedsMax, invariants: true, tier, without: [], shrinkMs: 0, ...how };
  return withMutant(mutant, ["core", "sim", "checker"], async (scratch) => {
    const args = ["--max-old-space-size=3000", "dist/test/sim/mutation-run.js", scratch, JSON.stringify(order)];
    return runProcess(args, order);
  });
}
