import { execFile } from "node:child_process";
import { promisify } from "node:util";
import test from "ava";
import { simulateSeed } from "../../sim/run.ts";

const options = { print: null, invariants: true };

test.serial(
  "I20: a seed gives the same run twice in one process, after other seeds, and in another process",
  async (t) => {
    for (const seed of [7]) {
      const first = simulateSeed(seed, options).traceHash;
      simulateSeed(seed + 1, options);
      t.is(simulateSeed(seed, options).traceHash, first);
      const { stdout } = await promisify(execFile)(process.execPath, ["dist/sim/main.js", "--seed", String(seed)]);
      t.true(stdout.includes(first), stdout);
    }
  },
);

test.serial("another seed is another run", (t) => {
  t.not(simulateSeed(1, options).traceHash, simulateSeed(2, options).traceHash);
});
