/** How many clients may be connected, as the descriptors of a process are used otherwise. */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { ClientBound } from "../../server/descriptors.ts";

/** A process with `limit` descriptors, of which `others` are not clients'; `bound` reads it again once a second. */
function machine(limit: number, others: number) {
  const use = { nowMs: 0, clients: 0, others, counts: 0 };
  const open = (): number => {
    use.counts += 1;
    return use.others + use.clients;
  };
  return { use, bound: new ClientBound({ limit: () => limit, open }, 0, () => use.nowMs) };
}

test("clients leave to the node what it uses, and a quarter of a small limit", (t) => {
  const { bound } = machine(100, 15);
  t.is(bound.max(0), 60);
});

test("a client that is refused, or to be refused now, is none of the node's files, and costs no served client its place", (t) => {
  const { use, bound } = machine(100, 15);
  // 60 are served, 5 are being refused, and another one comes.
  use.clients = 66;
  t.false(bound.admits(60, 5));
  t.is(bound.excess(60, 5), 0);
  t.is(bound.refusedMax, 6);
});

test("files that are opened later lower the bound within a second", (t) => {
  const { use, bound } = machine(100, 15);
  t.is(bound.max(0), 60);
  use.clients = 50;
  use.others = 35;
  use.nowMs = 1_000;
  t.is(bound.max(50), 40);
});

test("what the node has closed again is given to clients", (t) => {
  const { use, bound } = machine(100, 60);
  t.is(bound.max(0), 15);
  use.others = 20;
  use.nowMs = 1_000;
  t.is(bound.max(0), 55);
});

test("a process that has plenty is not counted again and again", (t) => {
  const { use, bound } = machine(100_000, 20);
  for (use.nowMs = 0; use.nowMs < 60_000; use.nowMs += 500) bound.max(100);
  t.is(use.counts, 1);
});

test("a program whose files cannot be opened says so in one line, and ends", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "metastore-test-"));
  t.teardown(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, "package.json"), '{"type":"module"}');
  // As where it has no descriptor for them, which depends on how many files this Node opens at once.
  copyFileSync("dist/server/main.js", join(directory, "main.js"));
  const { status, stderr } = spawnSync(process.execPath, [join(directory, "main.js")], { encoding: "utf8" });
  t.is(status, 1);
  t.regex(stderr, /^metaStore: the program cannot be loaded: [^\n]*may this process open them \(ulimit -n\)\?\n$/);
});
