/** One suite for every OrderedKv: RocksDB, and the simulated one, which must be no kinder. */
import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { fc } from "@fast-check/ava";
import type { KvChange, OrderedKv } from "../../core/ports.ts";
import { loadRocksDb, rocksKv } from "../../server/ordered-kv.ts";
import { SimKv } from "../../sim/world/ordered-kv.ts";
import { completed, ended, type KvHome, rocksKvHome, simKvHome } from "../support/worlds.ts";

const worlds: readonly (readonly [string, () => KvHome | Promise<KvHome>])[] = [
  ["simulated", simKvHome],
  ["RocksDB", rocksKvHome],
];

function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

async function all(kv: OrderedKv, first = "", end = "\u00ff\u00ff\u00ff"): Promise<[string, string][]> {
  const scan = kv.scan(first, end);
  const found: [string, string][] = [];
  for (;;) {
    const pairs = await completed((done: Parameters<typeof scan.next>[1]) => scan.next(3, done));
    for (const [key, value] of pairs) found.push([key, String.fromCharCode(...value)]);
    if (pairs.length < 3) break;
  }
  scan.end();
  return found;
}

const key = fc.string({
  unit: fc.integer({ min: 0, max: 254 }).map((code) => String.fromCharCode(code)),
  minLength: 1,
  maxLength: 4,
});
const change: fc.Arbitrary<KvChange> = fc.record({
  key,
  value: fc.option(fc.uint8Array({ maxLength: 20 }), { nil: null }),
});

for (const [name, make] of worlds) {
  test(`${name}: after any batches, get and scan say what a sorted list says`, async (t) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(change, { maxLength: 8 }), { maxLength: 6 }), async (batches) => {
        const home = await make();
        const kv = home.open();
        await ended((done) => kv.open(done));
        const model = new Map<string, string>();
        for (const [k, batch] of batches.entries()) {
          await ended((done) => kv.write(batch, k % 2 === 0, done));
          for (const { key: one, value } of batch) {
            if (value === null) model.delete(one);
            else model.set(one, String.fromCharCode(...value));
          }
        }
        const sorted = [...model].toSorted(([a], [b]) => (a < b ? -1 : 1));
        t.deepEqual(await all(kv), sorted);
        const range = sorted.filter(([one]) => one >= "\u0040" && one < "\u00a0");
        t.deepEqual(await all(kv, "\u0040", "\u00a0"), range);
        const asked = [...model.keys(), "not there"];
        const got = await completed((done: Parameters<OrderedKv["get"]>[1]) => kv.get(asked, done));
        t.deepEqual(
          got.map((value) => (value === null ? null : String.fromCharCode(...value))),
          asked.map((one) => model.get(one) ?? null),
        );
        await home.close(kv);
        home.remove();
      }),
      { numRuns: name === "simulated" ? 100 : 12, seed: 7 },
    );
  });

  test(`${name}: a scan sees the moment in which it was opened`, async (t) => {
    const home = await make();
    const kv = home.open();
    await ended((done) => kv.open(done));
    await ended((done) => kv.write([{ key: "a", value: bytes("1") }], false, done));
    const scan = kv.scan("a", "z");
    await ended((done) =>
      kv.write(
        [
          { key: "a", value: null },
          { key: "b", value: bytes("2") },
        ],
        false,
        done,
      ),
    );
    const pairs = await completed((done: Parameters<typeof scan.next>[1]) => scan.next(10, done));
    t.deepEqual(
      pairs.map(([one]) => one),
      ["a"],
    );
    scan.end();
    await home.close(kv);
    home.remove();
  });

  test(`${name}: what was written is there when the next process opens it`, async (t) => {
    const home = await make();
    const kv = home.open();
    await ended((done) => kv.open(done));
    await ended((done) => kv.write([{ key: "a", value: bytes("1") }], false, done));
    await home.close(kv);
    const again = home.open();
    await ended((done) => again.open(done));
    t.deepEqual(await all(again), [["a", "1"]]);
    await home.close(again);
    home.remove();
  });
}

test("simulated: a power cut leaves a prefix that holds the last synced batch", async (t) => {
  const home = simKvHome();
  const kv = home.open();
  await ended((done) => kv.open(done));
  for (const [one, sync] of [
    ["a", false],
    ["b", true],
    ["c", false],
  ] as const) {
    await ended((done) => kv.write([{ key: one, value: bytes("1") }], sync, done));
  }
  home.crash!();
  t.deepEqual(
    (await all(kv)).map(([one]) => one),
    ["a", "b"],
  );
});

/** A process that writes 100 batches, synced or not, and says each one's number when it has completed; then it waits. */
const writer = `
import { loadRocksDb, rocksKv } from "${process.cwd()}/dist/server/ordered-kv.js";
const [directory, sync] = process.argv.slice(1);
const { open } = await loadRocksDb();
const kv = rocksKv(open, directory);
const write = (k) => kv.write([{ key: "k" + String(k).padStart(4, "0"), value: new Uint8Array(100).fill(k) }], sync === "true", (error) => {
  if (error !== null) throw new Error(error.message);
  process.stdout.write(k + "\\n");
  if (k < 100) write(k + 1);
});
kv.open(() => write(1));
setInterval(() => undefined, 1000);
`;

/** Runs the writer, kills it once `until` batches were acknowledged; how many were. */
function writeAndKill(directory: string, sync: boolean, until: number): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ["--input-type=module", "-e", writer, directory, String(sync)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let acknowledged = 0;
    child.stdout.on("data", (chunk: Buffer) => {
      acknowledged = Math.max(acknowledged, ...chunk.toString().trim().split("\n").map(Number));
      if (acknowledged >= until) child.kill("SIGKILL");
    });
    child.on("exit", () => resolve(acknowledged));
  });
}

async function reopened(directory: string): Promise<string[]> {
  const rocksDb = await loadRocksDb();
  if ("missing" in rocksDb) throw new Error(rocksDb.missing);
  const kv = rocksKv(rocksDb.open, directory);
  await ended((done) => kv.open(done));
  const keys = (await all(kv)).map(([one]) => one);
  kv.close();
  return keys;
}

test("RocksDB: kill -9 loses no batch that completed, synced or not, and leaves a prefix", async (t) => {
  for (const sync of [true, false]) {
    const directory = mkdtempSync(join(tmpdir(), "metastore-rocks-"));
    const acknowledged = await writeAndKill(directory, sync, 40);
    const keys = await reopened(directory);
    t.true(keys.length >= acknowledged, `${keys.length} of ${acknowledged}`);
    t.deepEqual(
      keys,
      keys.map((_, k) => `k${String(k + 1).padStart(4, "0")}`),
    );
    rmSync(directory, { recursive: true });
  }
});

test("RocksDB: a damaged byte drops what follows it without a word, as the simulated one does", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "metastore-rocks-"));
  await writeAndKill(directory, true, 100);
  const log = readdirSync(directory)
    .filter((name) => name.endsWith(".log"))
    .map((name) => join(directory, name))
    .toSorted((a, b) => statSync(b).size - statSync(a).size)[0]!;
  const at = Math.floor(statSync(log).size / 2);
  const file = openSync(log, "r+");
  writeSync(file, Uint8Array.of(readFileSync(log)[at]! ^ 0xff), 0, 1, at);
  closeSync(file);
  const keys = await reopened(directory);
  t.true(keys.length < 100, `${keys.length} of 100 rows`);
  t.deepEqual(
    keys,
    keys.map((_, k) => `k${String(k + 1).padStart(4, "0")}`),
  );
  rmSync(directory, { recursive: true });
});

/**
 * A process whose log file may not grow beyond a limit, until a batch has failed; then the limit is lifted, and it writes
 * 20 more synced batches. Says "ok" or "failed" of each, through the plain library or through our port.
 */
const failing = `
import { execFileSync } from "node:child_process";
import { loadRocksDb, rocksKv } from "${process.cwd()}/dist/server/ordered-kv.js";
const [directory, through] = process.argv.slice(1);
const { open } = await loadRocksDb();
const key = (k) => "k" + String(k).padStart(4, "0");
const value = Buffer.alloc(1000, 7);
const say = (k, error) => process.stdout.write((error == null ? "ok " : "failed ") + k + "\\n");
const run = (write) => {
  let failedAt = 0;
  const next = (k) => write(k, (error) => {
    say(k, error);
    if (error != null && failedAt === 0) {
      failedAt = k;
      execFileSync("prlimit", ["--fsize=unlimited", "--pid", String(process.pid)]);
    }
    if (failedAt === 0 || k < failedAt + 20) next(k + 1);
    else process.kill(process.pid, "SIGKILL");
  });
  next(1);
};
if (through === "port") {
  const kv = rocksKv(open, directory);
  kv.open(() => run((k, done) => kv.write([{ key: key(k), value }], true, done)));
} else open(directory, { keyEncoding: "binary", valueEncoding: "binary" }, (error, level) => {
  run((k, done) => level.batch([{ type: "put", key: Buffer.from(key(k)), value }], { sync: true }, done));
});
`;

/** What the process said of its batches, and which of them the next process finds. */
async function failOnce(through: "port" | "library"): Promise<{ said: string[]; kept: number[] }> {
  const directory = mkdtempSync(join(tmpdir(), "metastore-rocks-"));
  const limited = `trap '' XFSZ; ulimit -S -f 60; exec "$0" "$@"`;
  const args = ["-c", limited, process.execPath, "--input-type=module", "-e", failing, directory, through];
  const child = spawn("bash", args, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await new Promise((resolve) => child.once("close", resolve));
  const kept = (await reopened(directory)).map((one) => Number(one.slice(1)));
  rmSync(directory, { recursive: true });
  return { said: text.trim().split("\n"), kept };
}

test("RocksDB: after a failed batch the library takes more, and they are lost: no kinder than the simulated one", async (t) => {
  const { said, kept } = await failOnce("library");
  const failedAt = said.findIndex((line) => line.startsWith("failed")) + 1;
  t.true(failedAt > 1);
  const later = said.slice(failedAt).filter((line) => line.startsWith("ok"));
  t.log(
    `batch ${failedAt} failed; of ${said.length - failedAt} after it ${later.length} were acknowledged; ${kept.length} are there`,
  );
  t.true(later.some((line) => !kept.includes(Number(line.slice(3)))));
  for (let k = 1; k < failedAt; k++) t.true(kept.includes(k), `batch ${k} was synced before the failure`);
});

test("RocksDB: through the port the first failure is the last answer", async (t) => {
  const { said, kept } = await failOnce("port");
  const failedAt = said.findIndex((line) => line.startsWith("failed")) + 1;
  t.true(failedAt > 1);
  t.is(said.length, failedAt + 20);
  t.true(said.slice(failedAt - 1).every((line) => line.startsWith("failed")));
  for (let k = 1; k < failedAt; k++) t.true(kept.includes(k), `batch ${k} was synced before the failure`);
});

test("simulated: after a failed batch it takes more, and they are lost", async (t) => {
  let syncs = 0;
  const kv = new SimKv({
    complete: (_role, _occasion, done) => void setImmediate(done),
    syncFails: () => (syncs += 1) === 3,
    readFails: () => false,
    left: () => 0,
    kvSynced: () => undefined,
  });
  const open = kv.open();
  await ended((done) => open.open(done));
  const said: string[] = [];
  for (const one of ["a", "b", "c", "d", "e"]) {
    await ended((done) => open.write([{ key: one, value: bytes("1") }], true, done)).then(
      () => said.push(`ok ${one}`),
      () => said.push(`failed ${one}`),
    );
  }
  kv.processDied();
  t.deepEqual(said, ["ok a", "ok b", "failed c", "ok d", "ok e"]);
  const again = kv.open();
  await ended((done) => again.open(done));
  t.deepEqual(
    (await all(again)).map(([one]) => one),
    ["a", "b"],
  );
});
