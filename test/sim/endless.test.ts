/** Runs that do not end, or that end more than themselves, are failures like others: nothing waits for them for ever. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import test from "ava";
import { runOn } from "../../sim/cli/pool.ts";
import type { Order, Report } from "../../sim/cli/worker.ts";
import type { Mutant } from "../../mutation/mutant.ts";
import { PlantedTree } from "../support/run-mutant.ts";

const directory = mkdtempSync(join(tmpdir(), "metastore-endless-"));
test.after.always(() => rmSync(directory, { recursive: true, force: true }));

test.serial("a run that hangs and a run that kills its thread are reported, and the others go on", async (t) => {
  const script = join(directory, "worker.mjs");
  writeFileSync(
    script,
    `import { parentPort } from "node:worker_threads";
     parentPort.on("message", ({ seed }) => {
       if (seed === 2) for (;;);
       if (seed === 3) process.exit(7);
       if (seed === 4) throw new Error("out of something");
       parentPort.postMessage({ seed, code: 0, property: "", message: "" });
     });`,
  );
  const orders: Order[] = [1, 1, 2, 3, 4, 5].map((seed) => ({ seed, changes: {}, typed: "", directory }));
  const reports: Report[] = [];
  await runOn(
    1,
    () => orders.shift() ?? null,
    (report) => reports.push(report),
    pathToFileURL(script),
    20_000,
  );
  t.deepEqual(
    reports.map(({ seed, code, property, message }) => [seed, code, property, message]),
    [
      [1, 0, "", ""],
      [1, 0, "", ""],
      [2, 1, "I21", "the run does not end: nothing for 20 s"],
      [3, 1, "I21", "the run has ended its thread with 7"],
      [4, 1, "I21", "the run has taken its thread with it: out of something"],
      [5, 0, "", ""],
    ],
  );
});

const planted = new PlantedTree();
test.after.always(() => planted.end());

const endless: readonly (Mutant & { readonly said: RegExp })[] = [
  {
    name: "a turn asks for another one at its end, for ever",
    layer: "own",
    file: "core/node/replica.ts",
    old: "    raft.tick(now);\n",
    new: "    raft.tick(now);\n    this.#context.schedule();\n",
    said: /a turn that never ends/,
  },
  {
    name: "a node that wakes again at once, for ever",
    layer: "own",
    file: "core/node/replica.ts",
    old: "    return this.#nextDeadline(ready.wakeAt);\n",
    new: "    return now;\n",
    said: /there is no end of events/,
  },
  {
    name: "a process that ends itself",
    layer: "own",
    file: "core/node/replica.ts",
    old: "    raft.tick(now);\n",
    new: "    raft.tick(now);\n    globalThis.process?.abort();\n",
    said: /the run of seed 1 ends its process/,
  },
];

for (const { said, ...mutant } of endless)
  test.serial(`noticed as I21: ${mutant.name}`, async (t) => {
    const { property, message } = await planted.find(mutant, 5);
    t.is(property, "I21");
    t.regex(message, said);
  });
