/** One suite for every state store: in memory, on the simulated ordered map, on RocksDB. */
import test from "ava";
import { fc } from "@fast-check/ava";
import { Writer } from "../../core/bytes.ts";
import { always, type Command, encodeCommand } from "../../core/kv/command.ts";
import { applyCommand, type Row, type RowChanges } from "../../core/kv/machine.ts";
import type { SessionLimits } from "../../core/kv/sessions.ts";
import { writeRows, writeSessions } from "../../core/kv/snapshot.ts";
import { limitTable, pageLimits } from "../../core/limits.ts";
import { makeEntry } from "../../core/protocol/entry-codec.ts";
import { type Entry, entryKinds } from "../../core/protocol/entry.ts";
import { MemoryState } from "../../core/storage/memory-state.ts";
import { OrderedState } from "../../core/storage/ordered-state.ts";
import type { SnapshotView, StateStore, StoreFailure } from "../../core/storage/state-store.ts";
import { GhostMachine } from "../../sim/safety/ghost-machine.ts";
import { completed, ended, type KvHome, rocksKvHome, rocksLibrary, simKvHome } from "../support/worlds.ts";

const storeId = "00112233445566778899aabbccddeeff";
const limits: SessionLimits = { sessionsMax: 3, resultsMax: 2, idleMicrosMax: 20 };

/** A place for a store that can be left and found again. */
type Home = {
  open(): StateStore;
  leave(store: StateStore): Promise<void>;
  readonly crash: (() => void) | null;
  remove(): void;
};

function ordered(home: KvHome): Home {
  let kv = home.open();
  return {
    open: () => {
      kv = home.open();
      return new OrderedState(kv, limits, pageLimits);
    },
    leave: async (store) => {
      store.close();
      await home.close(kv);
    },
    crash: home.crash,
    remove: () => home.remove(),
  };
}

const inMemory: Home = {
  open: () => new MemoryState(limits),
  leave: () => Promise.resolve(),
  crash: null,
  remove: () => undefined,
};

const stores: readonly (readonly [name: string, make: () => Home, runs: number])[] = [
  ["memory", () => inMemory, 60],
  ["ordered map, simulated", () => ordered(simKvHome()), 60],
  [`RocksDB by ${rocksLibrary.name}`, () => ordered(rocksKvHome()), 8],
];

async function opened(home: Home): Promise<StateStore> {
  const store = home.open();
  const failure = await new Promise<StoreFailure | null>((resolve) => store.open(storeId, () => false, resolve));
  if (failure !== null) throw new Error(JSON.stringify(failure));
  return store;
}

function rowsOf(store: StateStore, keys: readonly string[]): Promise<readonly (Row | null)[]> {
  return completed((done: Parameters<StateStore["read"]>[1]) => store.read(keys, done));
}

type Step = { readonly command: Command; readonly session: number; readonly sequence: number };
const keys = ["a", "b", "__proto__", "\u0000\u00ff"];
const step: fc.Arbitrary<Step> = fc.record({
  command: fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        op: fc.constant("put" as const),
        key: fc.constantFrom(...keys),
        value: fc.string({ maxLength: 5 }),
        condition: fc.constantFrom(always, { kind: "absent" as const }, { kind: "present" as const }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        op: fc.constant("delete" as const),
        key: fc.constantFrom(...keys),
        condition: fc.constant(always),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ op: "open-session" as const }) },
  ),
  session: fc.constantFrom(0, 0, 1, 2, 3, 5, 8),
  sequence: fc.nat(4),
});

function entriesOf(steps: readonly Step[], after: number): { entry: Entry; command: Command }[] {
  return steps.map(({ command, session, sequence }, k) => {
    const index = after + 1 + k;
    const origin = { node: 1, incarnation: 0, boot: 1, seq: index };
    const proposal = { kind: entryKinds.command, origin, session, sequence, payload: encodeCommand(command) };
    return { entry: makeEntry(index, 1, index * 3, proposal), command };
  });
}

/** As the apply loop does it: one batch of entries. */
async function fold(store: StateStore, batch: readonly { entry: Entry; command: Command }[]): Promise<void> {
  const last = batch.at(-1);
  if (last === undefined) return;
  const found = await rowsOf(store, keys);
  const before = new Map(keys.map((key, k) => [key, found[k]!]));
  const writes: RowChanges = { before, rows: new Map(), sessions: new Map() };
  const rows = new Map(before);
  for (const { entry, command } of batch) applyCommand(entry, command, rows, store.sessions, writes);
  await ended((done) => store.write(writes, last.entry, done));
}

function frozenOf(store: StateStore): Promise<SnapshotView> {
  return completed((done: (error: { code: string; message: string } | null, frozen: SnapshotView) => void) =>
    store.freeze((error, frozen) => done(error, frozen!)),
  );
}

async function allRows(frozen: SnapshotView): Promise<(readonly [string, Row])[]> {
  const all: (readonly [string, Row])[] = [];
  for (;;) {
    const some = await completed((done: Parameters<SnapshotView["rows"]>[1]) => frozen.rows(2, done));
    all.push(...some);
    if (some.length < 2) return all;
  }
}

/** The canonical bytes of a snapshot view. */
async function bytesOf(frozen: SnapshotView): Promise<Uint8Array> {
  const writer = new Writer();
  if (frozen.sessions.length > 0) writeSessions(writer, frozen.sessions);
  writeRows(writer, await allRows(frozen), limitTable.snapshotBlockBytes.usual);
  frozen.release();
  return writer.bytes().slice();
}

const batches = fc.array(fc.array(step, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 8 });

for (const [name, make, numRuns] of stores) {
  test(`${name}: after every batch the state is the fold of the log`, async (t) => {
    await fc.assert(
      fc.asyncProperty(batches, async (many) => {
        const home = make();
        const store = await opened(home);
        const ghost = new GhostMachine(limits, { index: 0, clusterMicros: 0 });
        let at = 0;
        for (const steps of many) {
          const entries = entriesOf(steps, at);
          await fold(store, entries);
          for (const { entry } of entries) ghost.apply(entry);
          at += steps.length;
          t.is(store.hash.digest, ghost.digestAt(at)!);
          t.is(store.applied.index, at);
          const rows = await rowsOf(store, keys);
          t.is(store.rowCount, rows.filter((row) => row !== null).length);
        }
        await home.leave(store);
        home.remove();
      }),
      { numRuns, seed: 7 },
    );
  });

  test(`${name}: what is frozen stays as it was while writes go on, the same bytes in every store`, async (t) => {
    await fc.assert(
      fc.asyncProperty(batches, batches, async (early, late) => {
        const home = make();
        const [store, plain] = [await opened(home), new MemoryState(limits)];
        const first = entriesOf(early.flat(), 0);
        await fold(store, first);
        await fold(plain, first);
        const frozen = await frozenOf(store);
        await fold(store, entriesOf(late.flat(), first.length));
        t.is(frozen.place.index, first.length);
        t.deepEqual(await bytesOf(frozen), await bytesOf(await frozenOf(plain)));
        await home.leave(store);
        home.remove();
      }),
      { numRuns, seed: 7 },
    );
  });

  test(`${name}: an install replaces everything, at its commit and not before`, async (t) => {
    await fc.assert(
      fc.asyncProperty(batches, batches, async (own, theirs) => {
        const home = make();
        const [store, source] = [await opened(home), new MemoryState(limits)];
        await fold(store, entriesOf(own.flat(), 0));
        await fold(source, entriesOf(theirs.flat(), 100));
        const before = store.hash.digest;
        const abandoned = store.beginInstall();
        await ended((done) =>
          abandoned.put([["stray", { value: "x", createRevision: 1, modRevision: 1, version: 1, crc: 1 }]], done),
        );
        abandoned.abort();
        const frozen = await frozenOf(source);
        const installing = store.beginInstall();
        for (const row of await allRows(frozen)) await ended((done) => installing.put([row], done));
        t.is(store.hash.digest, before);
        await ended((done) => installing.commit(frozen.sessions, frozen.place, done));
        t.is(store.hash.digest, source.hash.digest);
        t.is(store.rowCount, source.rowCount);
        t.deepEqual(await bytesOf(await frozenOf(store)), await bytesOf(await frozenOf(source)));
        t.deepEqual(await rowsOf(store, ["stray"]), [null]);
        // And it goes on from there.
        const more = entriesOf(own.flat(), source.applied.index);
        await fold(store, more);
        await fold(source, more);
        t.is(store.hash.digest, source.hash.digest);
        await home.leave(store);
        home.remove();
      }),
      { numRuns, seed: 7 },
    );
  });
}

for (const [name, make, numRuns] of stores.slice(1)) {
  test(`${name}: the next process finds rows, sessions and place as they were`, async (t) => {
    await fc.assert(
      fc.asyncProperty(batches, batches, async (early, late) => {
        const home = make();
        const [store, plain] = [await opened(home), new MemoryState(limits)];
        await fold(store, entriesOf(early.flat(), 0));
        await fold(plain, entriesOf(early.flat(), 0));
        await home.leave(store);
        const again = await opened(home);
        t.deepEqual(again.applied, plain.applied);
        t.is(again.hash.digest, plain.hash.digest);
        // Also the order of the sessions' last use, by which they expire.
        const more = entriesOf(late.flat(), early.flat().length);
        await fold(again, more);
        await fold(plain, more);
        t.is(again.hash.digest, plain.hash.digest);
        await home.leave(again);
        home.remove();
      }),
      { numRuns, seed: 7 },
    );
  });
}

function putOf(key: string): Step {
  return { command: { op: "put", key, value: "v", condition: always }, session: 0, sequence: 0 };
}

test("ordered map, simulated: a power cut leaves what was synced, whole", async (t) => {
  const home = ordered(simKvHome());
  const store = await opened(home);
  await fold(store, entriesOf([putOf("a")], 0));
  t.is(store.durableIndex, 0);
  await ended((done) => store.sync(done));
  t.is(store.durableIndex, 1);
  await fold(store, entriesOf([putOf("b")], 1));
  home.crash!();
  const again = await opened(home);
  t.is(again.applied.index, 1);
  t.deepEqual(
    (await rowsOf(again, ["a", "b"])).map((row) => row?.value ?? null),
    ["v", null],
  );
});

test("rows of another directory are refused", async (t) => {
  const home = ordered(simKvHome());
  const store = await opened(home);
  await fold(store, entriesOf([{ command: { op: "open-session" }, session: 0, sequence: 0 }], 0));
  const failure = await new Promise<StoreFailure | null>((resolve) =>
    home.open().open("ff".repeat(16), () => false, resolve),
  );
  t.is(failure?.kind, "refused");
  // A directory that was rebound may open the store of its earlier store id.
  const again = home.open();
  t.is(await new Promise((resolve) => again.open("ff".repeat(16), (owner) => owner === storeId, resolve)), null);
  t.is(again.applied.index, 0);
});

for (const [name, make] of stores.slice(1)) {
  test(`${name}: a store that another directory opens holds nothing, and nothing of an earlier boot comes back`, async (t) => {
    const home = make();
    const store = await opened(home);
    const open: Step = { command: { op: "open-session" }, session: 0, sequence: 0 };
    await fold(store, entriesOf([putOf("a"), open, putOf("b")], 0));
    const stray = { value: "x", createRevision: 1, modRevision: 1, version: 1, crc: 1 };
    await ended((done) => store.beginInstall().put([["stray", stray]], done));
    await home.leave(store);
    const reopened = home.open();
    const other = "ff".repeat(16);
    t.is(await new Promise<StoreFailure | null>((resolve) => reopened.open(other, () => true, resolve)), null);
    const empty = new MemoryState(limits);
    t.is(reopened.hash.digest, empty.hash.digest);
    t.deepEqual([reopened.applied.index, reopened.rowCount, reopened.sessions.count], [0, 0, 0]);
    t.deepEqual(await rowsOf(reopened, ["a", "b", "stray"]), [null, null, null]);
    await fold(reopened, entriesOf([putOf("b")], 0));
    await fold(empty, entriesOf([putOf("b")], 0));
    t.deepEqual(await bytesOf(await frozenOf(reopened)), await bytesOf(await frozenOf(empty)));
    await home.leave(reopened);
    home.remove();
  });
}
