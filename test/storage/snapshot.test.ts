/** A snapshot's bytes: whole, cut, or with a bit that is another one. */
import { crc32 } from "node:zlib";
import { fc, testProp } from "@fast-check/ava";
import test from "ava";
import { BadBytes, Writer } from "../../core/bytes.ts";
import type { Row } from "../../core/kv/machine.ts";
import type { Session } from "../../core/kv/sessions.ts";
import { beginSnapshot, endSnapshot, SnapshotReader, writeRows, writeSessions } from "../../core/kv/snapshot.ts";
import { checkHeader, snapshotName, snapshotPlace } from "../../core/storage/snapshot-store.ts";
import { configurationOf } from "../support/rafts.ts";

const rows = Array.from({ length: 20 }, (_, k): [string, Row] => {
  const revision = k + 1;
  return [
    `key-${String(k).padStart(2, "0")}`,
    { value: "v".repeat(k), createRevision: revision, modRevision: revision, version: 1, crc: k },
  ];
});
const session: Session = {
  id: 3,
  lastIndex: 9,
  lastMicros: 7,
  results: [{ sequence: 1, digest: 5, revision: 9, existed: true, matched: true }],
};

function image(): Uint8Array {
  const writer = new Writer();
  beginSnapshot(writer, {
    cluster: "ab".repeat(16),
    place: { index: 30, term: 2, clusterMicros: 5 },
    configuration: { index: 0, configuration: configurationOf([1, 2, 3]) },
    sessionCount: 1,
    rowCount: rows.length,
  });
  writeSessions(writer, [session]);
  writeRows(writer, rows, 65_536);
  endSnapshot(writer);
  return writer.bytes().slice();
}

/** What comes of reading `bytes`, in pieces of `size`: its rows, or null where it is not whole. */
function readBack(bytes: Uint8Array, size: number): (readonly [string, Row])[] | null {
  const found: (readonly [string, Row])[] = [];
  const reader = new SnapshotReader({
    header: () => undefined,
    sessions: () => undefined,
    rows: (some) => found.push(...some),
  });
  try {
    for (let at = 0; at < bytes.length; at += size) reader.receive(bytes.slice(at, at + size));
  } catch (error) {
    if (error instanceof BadBytes) return null;
    throw error;
  }
  return reader.ended ? found : null;
}

const whole = image();

test("in pieces of any size it gives back what was written", (t) => {
  for (const size of [1, 7, 64, 1_000, whole.length]) t.deepEqual(readBack(whole, size), rows);
});

test("cut at any byte it is not whole", (t) => {
  for (let cut = 0; cut < whole.length; cut++) t.is(readBack(whole.slice(0, cut), 100), null, `cut at ${cut}`);
});

test("any bit that is another one is noticed", (t) => {
  for (let at = 0; at < whole.length; at++) {
    const bytes = whole.slice();
    bytes[at]! ^= 1 << (at % 8);
    t.is(readBack(bytes, 100), null, `byte ${at}`);
  }
});

test("bytes after the end are noticed", (t) => {
  t.is(readBack(Uint8Array.from([...whole, 0]), 100), null);
});

const place = fc.tuple(fc.maxSafeNat(), fc.maxSafeNat());

testProp(
  "a snapshot's name tells its index and term, however high, and names sort as indices do",
  [place, place],
  (t, one, other) => {
    const [index, term] = one;
    t.deepEqual(snapshotPlace(snapshotName(index, term)), { index, term });
    if (index !== other[0]) t.is(index < other[0], snapshotName(index, term) < snapshotName(...other));
  },
);

test("a header whose configuration lies beyond its place is no snapshot's", (t) => {
  const bytes = Buffer.from(whole);
  const placeBytes = Buffer.alloc(24);
  for (const [k, value] of [30n, 2n, 5n].entries()) placeBytes.writeBigUInt64LE(value, 8 * k);
  const at = bytes.indexOf(placeBytes);
  t.true(at > 0);
  bytes.writeBigUInt64LE(31n, at + placeBytes.length);
  const length = bytes.readUInt32LE(4);
  bytes.writeUInt32LE(crc32(bytes.subarray(12, 12 + length)), 8);
  t.is(readBack(bytes, 64), null);
  bytes.writeBigUInt64LE(30n, at + placeBytes.length);
  bytes.writeUInt32LE(crc32(bytes.subarray(12, 12 + length)), 8);
  t.deepEqual(readBack(bytes, 64), rows);
});

test("a file is the snapshot of its cluster, and of the place in its name", (t) => {
  const cluster = "ab".repeat(16);
  const configuration = { index: 0, configuration: configurationOf([1]) };
  const header = {
    cluster,
    place: { index: 30, term: 2, clusterMicros: 5 },
    configuration,
    sessionCount: 0,
    rowCount: 0,
  };
  const taken = (name: string, of = cluster): boolean =>
    checkHeader(header, { cluster: of, place: snapshotPlace(name) }).ok;
  t.true(taken(snapshotName(30, 2)));
  t.true(taken("incoming.part"));
  for (const [index, term] of [
    [31, 2],
    [29, 2],
    [30, 3],
  ] as const)
    t.false(taken(snapshotName(index, term)));
  t.false(taken(snapshotName(30, 2), "cd".repeat(16)));
});

test("another file is no snapshot", (t) => {
  t.is(snapshotPlace("snap-1-2.snap"), null);
});
