/** One suite for every OrderedKv: RocksDB, and the simulated one, which must be no kinder. */
import test from "ava";
import { fc } from "@fast-check/ava";
import type { KvChange, OrderedKv } from "../../core/ports.ts";
import { SimKv } from "../../sim/world/ordered-kv.ts";
import { allPairs, completed, ended, type KvHome, rocksKvHome, rocksLibrary, simKvHome } from "../support/worlds.ts";

const worlds: readonly (readonly [string, () => KvHome])[] = [
  ["simulated", simKvHome],
  [`RocksDB by ${rocksLibrary.name}`, rocksKvHome],
];

function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
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

/** One scan in one call. */
function scanned(kv: OrderedKv): Promise<readonly (readonly [string, Uint8Array])[]> {
  const scan = kv.scan("", "\u00ff");
  return completed((done: Parameters<typeof scan.next>[1]) => scan.next(1_000, done)).finally(() => scan.end());
}

for (const [name, make] of worlds) {
  test(`${name}: after any batches, get and scan say what a sorted list says`, async (t) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(change, { maxLength: 8 }), { maxLength: 6 }), async (batches) => {
        const home = make();
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
        t.deepEqual(await allPairs(kv), sorted);
        const range = sorted.filter(([one]) => one >= "\u0040" && one < "\u00a0");
        t.deepEqual(await allPairs(kv, "\u0040", "\u00a0"), range);
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
    const home = make();
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

  test(`${name}: a reader sees all of a batch or nothing of it`, async (t) => {
    const home = make();
    const kv = home.open();
    await ended((done) => kv.open(done));
    const batch = Array.from({ length: 500 }, (_, k) => ({ key: `k${k}`, value: bytes("1") }));
    const seen = new Set<number>();
    const state = { isWritten: false };
    const write = ended((done) => kv.write(batch, true, done)).then(() => (state.isWritten = true));
    while (!state.isWritten) seen.add((await scanned(kv)).length);
    await write;
    seen.add((await scanned(kv)).length);
    t.true(seen.has(500));
    t.true([...seen].every((count) => count === 0 || count === 500));
    await home.close(kv);
    home.remove();
  });

  test(`${name}: what was written is there when the next process opens it`, async (t) => {
    const home = make();
    const kv = home.open();
    await ended((done) => kv.open(done));
    await ended((done) => kv.write([{ key: "a", value: bytes("1") }], false, done));
    await home.close(kv);
    const again = home.open();
    await ended((done) => again.open(done));
    t.deepEqual(await allPairs(again), [["a", "1"]]);
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
    (await allPairs(kv)).map(([one]) => one),
    ["a", "b"],
  );
});

test("simulated: after a failed batch it takes more, and they are lost", async (t) => {
  let syncs = 0;
  const kv = new SimKv({
    complete: (_role, _occasion, done) => void setImmediate(done),
    syncFails: () => (syncs += 1) === 3,
    readFails: () => false,
    left: () => 0,
    kvSynced: () => undefined,
    pageRead: () => undefined,
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
    (await allPairs(again)).map(([one]) => one),
    ["a", "b"],
  );
});
