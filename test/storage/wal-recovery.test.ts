import test from "ava";
import { Writer } from "../../core/bytes.ts";
import { makeEntry } from "../../core/protocol/entry-codec.ts";
import { type Entry, entryKinds } from "../../core/protocol/entry.ts";
import { scanSegments } from "../../core/storage/wal-recovery.ts";
import { encodeBatch } from "../../core/storage/wal-record.ts";
import { configurationOf } from "../support/rafts.ts";

const storeId = "00112233445566778899aabbccddeeff";

function entry(index: number, term: number): Entry {
  const payload = new Uint8Array(index % 7).fill(index);
  const origin = { node: 1, incarnation: 0, boot: 1, seq: index };
  return makeEntry(index, term, index, { kind: entryKinds.command, origin, session: 0, sequence: 0, payload });
}

/** A segment: the watermark of each batch covers all before it but the last. Its bytes, and where each batch ends. */
function image(terms: readonly (readonly [index: number, term: number])[]): { bytes: Uint8Array; ends: number[] } {
  const writer = new Writer();
  const parts: Uint8Array[] = [];
  const ends: number[] = [];
  let offset = 0;
  for (const [k, [index, term]] of terms.entries()) {
    const syncedThrough = k < 2 ? 0 : ends[k - 2]!;
    encodeBatch(
      writer,
      { storeId, segment: 0, offset, segmentPosition: 0, syncedThrough },
      {
        hardState: { term, vote: 1 },
        base: null,
        replaces: false,
        entries: [entry(index, term)],
      },
    );
    parts.push(writer.bytes().slice());
    offset += writer.length;
    ends.push(offset);
  }
  const bytes = new Uint8Array(offset);
  for (const [k, part] of parts.entries()) bytes.set(part, ends[k]! - part.length);
  return { bytes, ends };
}

const five = image([
  [1, 1],
  [2, 1],
  [3, 1],
  [4, 2],
  [5, 2],
]);
/** The watermark of the last batch covers the first three. */
const vouched = five.ends[2]!;

test("an image that was synced to its end gives back every entry", (t) => {
  const scan = scanSegments([{ number: 0, bytes: five.bytes }], storeId);
  t.true(scan.ok);
  if (scan.ok)
    t.deepEqual(
      scan.value.entries.map(({ index }) => index),
      [1, 2, 3, 4, 5],
    );
});

test("cut at any byte: a legal prefix where the marks allow it, else a refusal that names the place", (t) => {
  for (let cut = 0; cut <= five.bytes.length; cut++) {
    const scan = scanSegments([{ number: 0, bytes: five.bytes.slice(0, cut) }], storeId);
    if (!scan.ok) {
      // A batch that is cut off takes its watermark with it, and no later batch is left to have one.
      t.fail(`refused at ${cut}: ${scan.reason}`);
      return;
    }
    const { entries, goodBytes, cutBytes } = scan.value;
    t.is(entries.length, five.ends.filter((end) => end <= cut).length);
    t.is(goodBytes + cutBytes, cut);
  }
});

test("any bit flipped below the durable mark is corruption at its batch, above it a torn tail", (t) => {
  for (let at = 0; at < five.bytes.length; at++) {
    const bytes = five.bytes.slice();
    bytes[at]! ^= 1 << (at % 8);
    const scan = scanSegments([{ number: 0, bytes }], storeId);
    const batch = five.ends.findIndex((end) => at < end);
    if (at < vouched) {
      t.false(scan.ok, `byte ${at} of ${vouched} vouched bytes`);
      if (!scan.ok) t.is(scan.offset, batch === 0 ? 0 : five.ends[batch - 1]!);
    } else {
      t.true(scan.ok, `byte ${at}`);
      if (scan.ok) t.is(scan.value.entries.length, batch);
    }
  }
});

test("a rewrite shortens the log, as it did in memory", (t) => {
  const { bytes } = image([
    [1, 1],
    [2, 1],
    [3, 1],
    [2, 2],
  ]);
  const scan = scanSegments([{ number: 0, bytes }], storeId);
  t.true(scan.ok);
  if (scan.ok)
    t.deepEqual(
      scan.value.entries.map(({ index, term }) => [index, term]),
      [
        [1, 1],
        [2, 2],
      ],
    );
});

test("a base in whose place the log held another entry cuts off what followed, also where that entry is gone itself", (t) => {
  // What the log held before entry 5 was in an older segment, which is gone.
  const configuration = { index: 0, configuration: configurationOf([1]) };
  for (const [baseIndex, replaces, kept] of [
    [4, true, []],
    [4, false, [5, 6]],
    [3, true, []],
  ] as const) {
    const base = { place: { index: baseIndex, term: 2, clusterMicros: 0 }, configuration };
    const writer = new Writer();
    const parts: Uint8Array[] = [];
    let offset = 0;
    for (const content of [
      { hardState: { term: 2, vote: 1 }, base: null, replaces: false, entries: [entry(5, 2), entry(6, 2)] },
      { hardState: null, base, replaces, entries: [] },
    ]) {
      encodeBatch(writer, { storeId, segment: 1, offset, segmentPosition: 1_000, syncedThrough: 1_000 }, content);
      parts.push(writer.bytes().slice());
      offset += writer.length;
    }
    const scan = scanSegments([{ number: 1, bytes: Uint8Array.from(parts.flatMap((part) => [...part])) }], storeId);
    t.deepEqual(scan.ok ? scan.value.entries.map(({ index }) => index) : scan.reason, [...kept]);
    if (scan.ok) t.is(scan.value.base?.place.index, baseIndex);
  }
});

test("a batch of another directory is no batch of this one", (t) => {
  const scan = scanSegments([{ number: 0, bytes: five.bytes }], "ff".repeat(16));
  t.true(scan.ok);
  if (scan.ok) t.is(scan.value.entries.length, 0);
});

test("a missing segment in the middle is corruption", (t) => {
  const scan = scanSegments(
    [
      { number: 0, bytes: five.bytes },
      { number: 2, bytes: new Uint8Array(0) },
    ],
    storeId,
  );
  t.false(scan.ok);
});
