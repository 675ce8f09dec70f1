/** A kept tape earns its place: with the mutant that it is kept for, its run fails. */
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import test from "ava";
import { applyMutant } from "../../mutation/mutant.ts";
import { mutantsOfTapes } from "../../mutation/mutants/tapes.ts";
import { PlantedTree } from "../support/run-mutant.ts";
import { keptTapes, mutantOf, pathOf } from "./tapes.ts";

test("every mutant of a tape still applies, once", (t) => {
  for (const mutant of mutantsOfTapes) t.notThrows(() => applyMutant(mutant));
});

const planted = new PlantedTree();
test.after.always(() => planted.end());

/** The exit code of the simulator with the mutant in it, on the tape. */
async function codeOf(directory: string, tape: string): Promise<number> {
  const run = promisify(execFile)(process.execPath, [`${directory}/sim/main.js`, "--tape", resolve(tape)], {
    cwd: directory,
    maxBuffer: 1 << 26,
  });
  return run.then(
    () => 0,
    (error: { code: number }) => error.code,
  );
}

for (const kept of keptTapes) {
  test.serial(`${kept.tape} detects: ${kept.mutant}`, async (t) => {
    const code = await codeOf(await planted.plant(mutantOf(kept)), pathOf(kept));
    t.true(code === 1 || code === 3, `exit code ${code}`);
  });
}
