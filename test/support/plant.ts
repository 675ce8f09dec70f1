/** Plants a mistake in a scratch copy of the compiled product, and lets the simulator hunt for it. */
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import ts from "typescript";
import type { Tier } from "../../sim/nemesis/options.ts";
import type { Catch, Hunt } from "../sim/hunt.ts";

/** A small textual change to the product, applied to a scratch copy only. */
export type Mistake = {
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

/** The file's text with the mistake in it; throws where the mistake does not apply exactly once. */
export function applyMistake(mistake: Mistake): string {
  const source = readFileSync(mistake.file, "utf8");
  const places = source.split(mistake.old).length - 1;
  if (places !== 1) throw new Error(`"${mistake.name}" applies ${places} times in ${mistake.file}, not once`);
  return source.replace(mistake.old, () => mistake.new);
}

/** Compiles `folders` with the mistake in them into a scratch directory, which is there until `use` has ended. */
export async function withMistake<T>(
  mistake: Mistake,
  folders: readonly string[],
  use: (directory: string) => Promise<T>,
): Promise<T> {
  const scratch = mkdtempSync(join(tmpdir(), "metastore-mistake-"));
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
    const { outputText } = ts.transpileModule(applyMistake(mistake), { compilerOptions });
    writeFileSync(join(scratch, mistake.file.replace(/\.ts$/, ".js")), outputText);
    return await use(scratch);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The scenarios, and the runs kept as tapes, that fail with the mistake. Call it from the project's root. */
export function scenariosThatFail(mistake: Mistake): Promise<string[]> {
  return withMistake(mistake, ["core", "sim", "checker", "test"], async (scratch) => {
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

/** A hunt that has nothing to tell for so long hangs in a run: a hundred times what the longest takes. */
const silentMsMax = 120_000;

/** Runs a hunt to its end. A run that hangs, or takes the process with it, is a catch too. Rejects where none has begun. */
function runHunt(args: readonly string[], order: Hunt): Promise<Catch> {
  return new Promise((settled, rejected) => {
    let done = -1;
    const child = execFile(process.execPath, args, { maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
      clearTimeout(timer);
      if (error === null) return settled(JSON.parse(stdout) as Catch);
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

/** Hunts for the mistake with seeds 1 to `seedsMax`, or as `how` says. Call it from the project's root. */
export function huntMistake(mistake: Mistake, seedsMax: number, how: Partial<Hunt> = {}): Promise<Catch> {
  const { tier = "a" } = mistake;
  const order: Hunt = { from: 1, to: seedsMax, invariants: true, tier, without: [], shrinkMs: 0, ...how };
  return withMistake(mistake, ["core", "sim", "checker"], async (scratch) => {
    const args = ["--max-old-space-size=3000", "dist/test/sim/hunt.js", scratch, JSON.stringify(order)];
    return runHunt(args, order);
  });
}
