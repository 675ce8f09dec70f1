/** The command as its users run it. */
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import test from "ava";
import { hardHistory } from "../../bench/histories.ts";
import { printJsonLines } from "../../checker/formats/index.ts";

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

test.serial(
  "an illegal history: the verdict and the sentence come first, then the core as a timeline; status 1",
  async (t) => {
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
  },
);

/** The command on a file of these bytes. */
async function runOn(bytes: Uint8Array | string, ...args: string[]): Promise<Run> {
  const directory = mkdtempSync(join(tmpdir(), "metastore-check-"));
  const file = join(directory, "history");
  writeFileSync(file, bytes);
  try {
    const { code, stdout, stderr } = await run(file, ...args);
    return { code, stdout: stdout.replaceAll(file, "FILE"), stderr };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const staleText = readFileSync(stale, "utf8");
const inUtf16 = Buffer.from(staleText, "utf16le");
const packed = gzipSync(staleText);
for (const [what, bytes] of [
  ["with the mark of UTF-8", Buffer.from(`\ufeff${staleText}`)],
  ["gzip", packed],
  ["gzip in two members", Buffer.concat([gzipSync(staleText.slice(0, 99)), gzipSync(staleText.slice(99))])],
  ["UTF-16 by its mark", Buffer.from(`\ufeff${staleText}`, "utf16le")],
  ["UTF-16 by its mark, the other way around", Buffer.from(`\ufeff${staleText}`, "utf16le").swap16()],
  ["UTF-16 without a mark", inUtf16],
  ["UTF-16 without a mark, the other way around", Buffer.from(inUtf16).swap16()],
  ["UTF-16 in gzip", gzipSync(inUtf16)],
] as const) {
  test.serial(`a file is read whatever its bytes are: ${what}`, async (t) => {
    const { code, stdout } = await runOn(bytes);
    t.is(code, 1, stdout);
    t.regex(stdout, /^illegal FILE: client 4 read v17 of key a at 12040, but v18 /);
  });
}

for (const [what, bytes, must] of [
  [
    "gzip that is cut off",
    packed.subarray(0, 60),
    /^error FILE: it begins as gzip, and must be whole: unexpected end of file\n$/,
  ],
  [
    "bytes that are no UTF-8, in the middle of a large file",
    Buffer.concat([Buffer.from(staleText.repeat(10_000)), Buffer.from("\n\xff\n", "latin1"), Buffer.from(staleText)]),
    /^error FILE: line 40002: the text must be UTF-8\n$/,
  ],
  [
    "a character that is cut off, at the end",
    Buffer.concat([Buffer.from(staleText), Buffer.from([0xe2, 0x82])]),
    /^error FILE: line 5: the text must be UTF-8\n$/,
  ],
  [
    "bytes that are no UTF-8",
    Buffer.concat([Buffer.from(staleText), Buffer.from([0xc3, 0x28, 0x0a])]),
    /^error FILE: line 5: the text must be UTF-8\n$/,
  ],
  [
    "half a character of UTF-16",
    Buffer.concat([inUtf16, Buffer.from([0x20])]),
    /^error FILE: line 5: the text must be UTF-16LE\n$/,
  ],
] as const) {
  test.serial(`an error says what the bytes must be: ${what}`, async (t) => {
    const { code, stdout } = await runOn(bytes);
    t.is(code, 2);
    t.regex(stdout, must);
  });
}

test.serial("an empty file, and one in which nothing was answered, say that nothing was checked", async (t) => {
  const said = "no operation was answered, so nothing was checked";
  const empty = await runOn("");
  t.is(empty.code, 0);
  t.regex(empty.stdout, new RegExp(`^ok FILE: 0 operations on 0 keys, \\d+ ms; ${said}\n$`));
  const lines = '{"client":1,"op":"put","key":"a","value":"1","call":1,"return":9,"outcome":"unknown"}\n';
  t.regex((await runOn(lines)).stdout, new RegExp(`^ok FILE: 1 operation on 1 key, \\d+ ms; ${said}\n$`));
  t.like(JSON.parse((await runOn(lines, "--json")).stdout), { verdict: "ok", operations: 1, answered: 0 });
  t.false((await run(legal)).stdout.includes(said));
});

test.serial("how many lines of a log were passed over is said", async (t) => {
  const log = `INFO  jepsen.core - Worker 0 starting\n${readFileSync(legal, "utf8")}\tat java.net.Socket\n`;
  const { code, stdout } = await runOn(log);
  t.is(code, 0);
  t.regex(stdout, /^ok FILE: 6 operations on 1 key, \d+ ms; 2 other lines of the log passed over\n$/);
});

test.serial("a read of a write that is recorded as failed: both stand in the timeline", async (t) => {
  const { stdout } = await runOn(
    "0\t:invoke\t:write\t638\n0\t:fail\t:write\t638\t:timeout\n1\t:invoke\t:read\tnil\n1\t:ok\t:read\t638\n",
  );
  t.regex(
    stdout,
    /^illegal FILE: client 1 read 638 .* is recorded as failed\n\n +client 0 .* put 638 \(failed\) .*\n +client 1 .* get -> 638 /,
  );
});

test.serial("--json tells the times of the core as the file does", async (t) => {
  const { stdout } = await runOn(
    '{"unit":"ns"}\n{"client":1,"op":"get","key":"a","value":"1","call":1790000000000000001,"return":1790000000000000002,"outcome":"ok"}\n',
    "--json",
  );
  const { core } = JSON.parse(stdout) as { core: readonly unknown[] };
  t.like(core[0], { called: "1790000000000000001 ns", returned: "1790000000000000002 ns" });
});

test.serial("a legal one: status 0; several: a table, and the gravest status", async (t) => {
  t.is((await run(legal)).code, 0);
  const both = await run(legal, stale);
  t.is(both.code, 1);
  t.regex(
    both.stdout,
    /verdict +operations +time +file\nok +6 .*knossos\.log\nillegal +4 .*\n\n2 files: 1 ok, 1 illegal\n$/,
  );
});

test.serial("broken input and wrong usage: status 2, and what was expected", async (t) => {
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
    [["--configurations", "1.5", stale], /--configurations is an integer above 0, not "1.5"/],
    [["-", "-"], /name "-" once/],
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

test.serial("--json: one line for each file", async (t) => {
  const { code, stdout } = await run("--json", stale, legal);
  t.is(code, 1);
  const [first, second] = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  t.like(first, { verdict: "illegal", key: "a", operations: 4, reason: "zones" });
  t.like(second, { verdict: "ok", operations: 6, format: "jepsen" });
});

test.serial("--timeout ends what is hard to decide: unknown, status 3, and says where it was", async (t) => {
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

test.serial("--configurations ends a search by what it may make; and how far it is, is said in per cent", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "metastore-check-"));
  const file = join(directory, "hard.jsonl");
  writeFileSync(file, printJsonLines(hardHistory(40)));
  const few = await run("--configurations", "1000", file);
  const long = await run("--timeout", "6", "--configurations", "1000000000", file);
  rmSync(directory, { recursive: true });
  t.is(few.code, 3);
  t.regex(
    few.stdout,
    /^unknown .*: key k: 1000 configurations were not enough \(--configurations allows more\), at client /,
  );
  t.is(long.code, 3);
  t.regex(long.stderr, /hard\.jsonl: \d{1,2} % (decided|read) after \d+ s\n/);
});

test.serial("a named pipe and a directory: the one is read, the other an error", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "metastore-check-"));
  const pipe = join(directory, "pipe");
  t.is(spawnSync("mkfifo", [pipe]).status, 0);
  const [{ code, stdout }] = await Promise.all([run(pipe), writeFile(pipe, staleText)]);
  t.is(code, 1);
  t.regex(stdout, /^illegal .*pipe: client 4 read v17 /);
  const folder = await run(directory);
  rmSync(directory, { recursive: true });
  t.is(folder.code, 2);
  t.regex(folder.stdout, /^error .*: EISDIR: /);
});

test.serial("--html writes one page that needs nothing else", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "metastore-check-"));
  const file = join(directory, "page.html");
  t.is((await run("--html", file, stale)).code, 1);
  const html = readFileSync(file, "utf8");
  t.regex(html, /^<!doctype html>/);
  t.notRegex(html, /(src|href)="/);
  rmSync(directory, { recursive: true });
});

test.serial("transactions: keys that one of them touches are decided together", async (t) => {
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
  // The transaction saw one half of an atomic write.
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
