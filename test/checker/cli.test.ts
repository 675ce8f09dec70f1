/** The command as its users run it. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { hardHistory } from "../../bench/histories.ts";
import { printJsonLines } from "../../checker/index.ts";

type Run = { readonly code: number; readonly stdout: string; readonly stderr: string };

function run(...args: string[]): Promise<Run> {
  return new Promise((resolve) => {
    execFile(process.execPath, ["dist/checker/main.js", ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

const stale = "test/checker/testdata/stale-read.jsonl";
const legal = "test/checker/testdata/knossos.log";

test("an illegal history: the verdict and the sentence come first, then the core as a timeline; status 1", async (t) => {
  const { code, stdout } = await run(stale);
  t.is(code, 1);
  const lines = stdout.split("\n");
  t.regex(
    lines[0]!,
    /^illegal test\/checker\/testdata\/stale-read\.jsonl: client 4 read v17 of key a at 12040, but v18 /,
  );
  t.deepEqual(
    lines.slice(2, 5).map((line) => line.replaceAll(/ {2,}/g, "  ")),
    [
      "  client 1  ├───────┤  put v17  (1000 .. 4000)",
      "  client 2  ├───────┤  put v18  (5000 .. 12020)",
      "  client 4  ├───────┤  get -> v17  (12031 .. 12040)",
    ],
  );
});

test("a legal one: status 0; several: a table, and the gravest status", async (t) => {
  t.is((await run(legal)).code, 0);
  const both = await run(legal, stale);
  t.is(both.code, 1);
  t.regex(
    both.stdout,
    /verdict +operations +time +file\nok +6 .*knossos\.log\nillegal +4 .*\n\n2 files: 1 ok, 1 illegal\n$/,
  );
});

test("broken input and wrong usage: status 2, and what was expected", async (t) => {
  const missing = await run("no-such-file");
  t.deepEqual(
    [missing.code, missing.stdout],
    [2, "error no-such-file: ENOENT: no such file or directory, open 'no-such-file'\n"],
  );
  for (const [args, expected] of [
    [[], /name at least one file/],
    [["--speed", stale], /Unknown option '--speed'/],
    [["--model", "queue", stale], /--model is register, cas-register, kv, txn, not "queue"/],
    [["--format", "xml", stale], /--format is jsonl, jepsen, porcupine, not "xml"/],
    [["--timeout", "-1", stale], /--timeout is a number of seconds above 0|ambiguous/],
  ] as const) {
    const { code, stderr } = await run(...args);
    t.is(code, 2, args.join(" "));
    t.regex(stderr, expected);
    t.is(stderr.trim().split("\n").length, 1);
  }
  const nowhere = await run("--html", "/no/such/folder/page.html", legal);
  t.is(nowhere.code, 2);
  t.regex(nowhere.stdout, /^error \/no\/such\/folder\/page\.html: ENOENT/m);
  const wrongModel = await run("--model", "register", legal);
  t.deepEqual([wrongModel.code, wrongModel.stdout], [2, `error ${legal}: a register has no cas\n`]);
});

test("--json: one line for each file", async (t) => {
  const { code, stdout } = await run("--json", stale, legal);
  t.is(code, 1);
  const [first, second] = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  t.like(first, { verdict: "illegal", key: "a", operations: 4, reason: "zones" });
  t.like(second, { verdict: "ok", operations: 6, format: "jepsen" });
});

test("--timeout ends what is hard to decide: unknown, status 3, and says where it was", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "metastore-check-"));
  const file = join(directory, "hard.jsonl");
  writeFileSync(file, printJsonLines(hardHistory(40)));
  const inWords = await run("--timeout", "1", file);
  const asJson = await run("--timeout", "1", "--json", file);
  rmSync(directory, { recursive: true });
  t.is(inWords.code, 3, inWords.stdout);
  t.regex(inWords.stdout, /^unknown .*: key k: it was stopped, at client \d+'s /);
  const { verdict, reason, ms } = JSON.parse(asJson.stdout) as Record<string, unknown>;
  t.deepEqual([verdict, reason], ["unknown", "it was stopped"]);
  t.true((ms as number) >= 1_000, `${String(ms)} ms`);
});

test("--html writes one page that needs nothing else", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "metastore-check-"));
  const file = join(directory, "page.html");
  t.is((await run("--html", file, stale)).code, 1);
  const html = readFileSync(file, "utf8");
  t.regex(html, /^<!doctype html>/);
  t.notRegex(html, /(src|href)="/);
  rmSync(directory, { recursive: true });
});

test("transactions: keys that one of them touches are decided together", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "metastore-check-"));
  const file = join(directory, "transactions.jsonl");
  const lines: readonly Record<string, unknown>[] = [
    {
      client: 1,
      op: "txn",
      value: [
        ["put", "a", "1"],
        ["put", "b", "1"],
      ],
      call: 1,
      return: 2,
      outcome: "ok",
    },
    {
      client: 2,
      op: "txn",
      value: [
        ["get", "a", "1"],
        ["get", "b", "1"],
      ],
      call: 3,
      return: 4,
      outcome: "ok",
    },
    { client: 3, op: "get", key: "c", value: null, call: 5, return: 6, outcome: "ok" },
  ];
  const write = (some: readonly object[]): void =>
    writeFileSync(file, some.map((line) => `${JSON.stringify(line)}\n`).join(""));
  write(lines);
  t.regex((await run(file)).stdout, /^ok .* 3 operations on 2 keys/);
  // It saw one half of what was written as one.
  write(
    lines.with(1, {
      ...lines[1]!,
      value: [
        ["get", "a", "1"],
        ["get", "b", null],
      ],
    }),
  );
  const { code, stdout } = await run(file);
  t.is(code, 1);
  t.regex(stdout, /^illegal .*: client 2's transaction, returned at 4, fits nowhere/);
  rmSync(directory, { recursive: true });
});
