/** Mutants as text: where they apply, whether they compile, and what is asked of whom. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { compiled, mustCompile } from "../../mutation/compile.ts";
import { applyMutant, type Edit, type Mutant, MutantError } from "../../mutation/mutant.ts";
import type { Detection, Questions, Row } from "../../mutation/notice.ts";
import { withProbes } from "../../mutation/probes.ts";
import { loadRows, ResultsError, saveRows } from "../../mutation/results.ts";
import { Scratch, withMutant } from "../../mutation/scratch.ts";
import { Shared } from "../../mutation/shared.ts";
import { lineOf, summaryOf } from "../../mutation/table.ts";
import { runTestFile } from "../../mutation/test-files.ts";

const directory = mkdtempSync(join(tmpdir(), "metastore-planting-"));
test.after.always(() => rmSync(directory, { recursive: true, force: true }));

const half: Edit = {
  file: "core/raft/quorum.ts",
  old: "matches[voters.length >> 1]!",
  new: "matches[voters.length >> 2]!",
};

/** The edit, with so much of what follows that it applies once. */
function firstOf(edit: Edit): Edit {
  const text = readFileSync(edit.file, "utf8");
  const more = text.slice(text.indexOf(edit.old) + edit.old.length).split("\n", 1)[0]!;
  return { ...edit, old: edit.old + more, new: edit.new + more };
}

function mutantOf(...edits: readonly Edit[]): Mutant {
  return { name: "own", layer: "own", edits };
}

test.serial("several edits, in one file and in several, each as it is written", (t) => {
  const quorum = readFileSync("core/raft/quorum.ts", "utf8");
  const second = { ...half, old: quorum.slice(0, 12), new: "// $' and $& are text\n" };
  const other: Edit = { file: "core/assert.ts", old: "override readonly name", new: "readonly name" };
  const texts = applyMutant(mutantOf(half, second, other));
  t.deepEqual([...texts.keys()], ["core/raft/quorum.ts", "core/assert.ts"]);
  t.is(texts.get("core/raft/quorum.ts"), (second.new + quorum.slice(12)).split(half.old).join(half.new));
  t.false(texts.get("core/assert.ts")!.includes("override"));
});

for (const [what, message, ...edits] of [
  ["a place that is nowhere", /applies 0 times in core\/raft\/quorum.ts, not once/, { ...half, old: "nowhere" }],
  ["a place that is everywhere", /applies \d+ times/, { ...half, old: " " }],
  ["no place", /applies 0 times/, { ...half, old: "" }],
  ["two edits of one place", /changes a place in core\/raft\/quorum.ts twice/, half, { ...half, old: "length >> 1]!" }],
  ["no edit", /changes nothing/],
  ["a file that is not there", /ENOENT/, { ...half, file: "core/none.ts" }],
  ["a file of another folder", /changes sources of core, sim and checker/, { ...half, file: "server/start.ts" }],
] as const) {
  test.serial(`cannot be planted: ${what}`, (t) => {
    t.throws(() => applyMutant(mutantOf(...(edits as readonly Edit[]))), { instanceOf: MutantError, message });
  });
}

test.serial("a mutant that does not compile is named, with the place and the reason; others are not", (t) => {
  t.timeout(900_000);
  const assertion: Edit = { file: "core/assert.ts", old: "if (!condition)", new: "if (condition === 1)" };
  const wrong = { ...mutantOf(assertion), name: "wrong" };
  const right = { ...mutantOf({ ...half, new: "matches[(voters.length >> 1) + 0]!" }), name: "right" };
  const message = /^"wrong" does not compile: core\/assert.ts:\d+:\d+: TS2367: /;
  t.throws(() => mustCompile([right, wrong]), { instanceOf: MutantError, message });
  // What is unused is no error; and one file may need what another edit brings.
  const brings: Edit = {
    ...assertion,
    old: "export function assert(",
    new: "export const share = 3;\nexport function assert(",
  };
  const unused: Edit = { ...assertion, new: "const unused = 1;\n  if (!condition)" };
  const takes: Edit = { ...half, old: "import type", new: 'import { share } from "../assert.ts";\nimport type' };
  const both = {
    ...mutantOf(brings, unused, firstOf(takes), { ...half, new: "matches[voters.length >> share]!" }),
    name: "both",
  };
  t.notThrows(() => mustCompile([right, both]));
});

test.serial("a probe stands in the innermost block around a mutant; outside of functions there is none", (t) => {
  const old = "if (!condition) throw new AssertionError(law);";
  const inside = mutantOf({ file: "core/assert.ts", old, new: "" });
  const outside = mutantOf({ file: "core/assert.ts", old: 'readonly name = "AssertionError"', new: "" });
  const { texts, everywhere } = withProbes([outside, inside]);
  const [before] = texts.get("core/assert.ts")!.split(old);
  t.regex(before!, /asserts condition \{ \(globalThis as any\)\.comesBy\[1\] = 1;\n {2}$/);
  t.is(texts.get("core/assert.ts")!.split("comesBy").length, 2);
  t.deepEqual([...everywhere], [outside]);
});

test.serial("a tree has the mutant until the next one is planted, and nothing is left of it at the end", async (t) => {
  const scratch = new Scratch();
  try {
    const tree = scratch.tree(false);
    const path = join(tree.directory, "core/raft/quorum.js");
    const asItIs = readFileSync("dist/core/raft/quorum.js", "utf8");
    tree.plant(compiled(applyMutant(mutantOf(half))));
    t.true(readFileSync(path, "utf8").includes("voters.length >> 2"));
    tree.plant(
      compiled(applyMutant(mutantOf({ ...half, file: "core/assert.ts", old: "!condition", new: "condition" }))),
    );
    t.is(readFileSync(path, "utf8"), asItIs);
    t.false(readFileSync(join(tree.directory, "core/assert.js"), "utf8").includes("!condition"));
  } finally {
    await scratch.end();
  }
  t.false(existsSync(scratch.directory));
});

test.serial(
  "tests of core run in a tree: they pass, and with a mutant the first one that fails is named",
  async (t) => {
    t.timeout(900_000);
    const scratch = new Scratch();
    try {
      const tree = scratch.tree(true);
      t.is((await runTestFile(scratch, tree, "test/raft/quorum.test.js")).failed, null);
      tree.plant(compiled(applyMutant(mutantOf(half))));
      const { failed } = await runTestFile(scratch, tree, "test/raft/quorum.test.js");
      t.regex(failed ?? "", /^raft › quorum › \S/);
    } finally {
      await scratch.end();
    }
  },
);

test.serial("a failure of whoever uses a planted mutant leaves nothing, either", async (t) => {
  let where = "";
  const use = (scratch: string): Promise<never> => {
    where = scratch;
    return Promise.reject(new Error("of the user"));
  };
  await t.throwsAsync(withMutant(mutantOf(half), use), { message: "of the user" });
  t.true(where !== "" && !existsSync(where));
});

test.serial("shared work is done once; who finds it under way does what comes next", async (t) => {
  const begun: number[] = [];
  const waiting = new Map<number, () => void>();
  const shared = new Shared((key: number) => {
    begun.push(key);
    return new Promise<string>((done) => waiting.set(key, () => done(`piece ${key}`)));
  });
  const first = shared.get(1, [2, 3]);
  const second = shared.get(1, [2, 3]);
  t.deepEqual(begun, [1, 2]);
  waiting.get(2)!();
  waiting.get(1)!();
  t.deepEqual(await Promise.all([first, second]), ["piece 1", "piece 1"]);
  t.is(await shared.get(2, [3]), "piece 2");
  t.deepEqual(begun, [1, 2]);
});

const questions: Questions = {
  seedsMax: 20,
  aloneMax: 0,
  shrinkMs: 0,
  without: [],
  needsMax: 0,
  withoutAssertions: true,
};
const nothing: Detection = { seed: null, property: "", message: "", seeds: 20, events: 9, shrunk: null };
const byAssertion: Detection = {
  ...nothing,
  seed: 3,
  seeds: 3,
  property: "I21",
  message: "uncaught AssertionError: x",
};
const empty = { alone: null, byLaws: null, scenarios: [], units: [], needs: null, ms: 1 };

test.serial("what was found is kept, and taken again for the same mutants and the same questions", (t) => {
  const file = join(directory, "rows.json");
  const [one, two] = [mutantOf(half), { ...mutantOf(half), name: "two" }];
  const rows: Row[] = [one, two].map((mutant) => ({ mutant, found: nothing, ...empty }));
  t.is(loadRows(file, questions, [one]).size, 0);
  saveRows(file, questions, rows);
  t.deepEqual([...loadRows(file, questions, [one, two]).values()], rows);
  const changed = { ...mutantOf({ ...half, new: "1" }), name: "two" };
  t.deepEqual([...loadRows(file, questions, [changed, one]).keys()], [one]);
  const others = { ...questions, seedsMax: 21 };
  t.throws(() => loadRows(file, others, [one]), { instanceOf: ResultsError, message: /with other options: .*20/ });
  writeFileSync(file, "[]");
  t.throws(() => loadRows(file, questions, [one]), { instanceOf: ResultsError, message: /holds no rows/ });
  writeFileSync(file, "{");
  t.throws(() => loadRows(file, questions, [one]), { instanceOf: ResultsError, message: /JSON/ });
});

test.serial("the table names laws, tests, and what the laws alone notice; the summary has the share", (t) => {
  const mutant = mutantOf(half);
  const byLaw: Detection = { ...nothing, seed: 5, seeds: 5, property: "I9", message: "wrong" };
  const rows: Row[] = [
    { mutant, found: byLaw, ...empty, byLaws: byLaw },
    { mutant, found: byAssertion, ...empty, byLaws: { ...byLaw, seeds: 7 } },
    { mutant, found: byAssertion, ...empty, byLaws: nothing },
    { mutant, found: nothing, ...empty, units: ["raft › quorum › one"] },
    { mutant, found: nothing, ...empty },
  ];
  const noticed = rows.map((row) => lineOf(row).split(" | ")[2]);
  t.deepEqual(noticed, [
    "I9 state machine safety",
    "I21 crash and hang freedom; by the laws alone: I9 state machine safety, 7 seeds",
    "I21 crash and hang freedom; NOT NOTICED BY THE LAWS ALONE",
    "raft › quorum › one",
    "NOT NOTICED",
  ]);
  t.regex(summaryOf(rows), /^3 of 5 noticed by seeds, 0 more by scenarios and tapes, 1 more by unit tests; /);
  t.regex(summaryOf(rows), /with the product's assertions switched off: 2 of 3 \(67 %\)/);
});
