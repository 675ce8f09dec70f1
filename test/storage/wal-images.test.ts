/** Images of a log of many segments, recorded while it was written: every cut, hole and flipped bit, judged. */
import test from "ava";
import type { Clock } from "../../core/ports.ts";
import type { CompactionPoint } from "../../core/protocol/configuration.ts";
import { makeEntry } from "../../core/protocol/entry-codec.ts";
import { type Entry, entryKinds } from "../../core/protocol/entry.ts";
import { recoverWal, type Recovered, type Scan, scanSegments, type Segment } from "../../core/storage/wal-recovery.ts";
import { type BatchContent, checkBatch, segmentNumber } from "../../core/storage/wal-record.ts";
import { Wal } from "../../core/storage/wal.ts";
import { SimDisk } from "../../sim/world/disk.ts";
import { configurationOf } from "../support/rafts.ts";
import { calm } from "../support/worlds.ts";

const storeId = "00112233445566778899aabbccddeeff";
const idle: Clock = {
  now: () => 0,
  timer: () => ({ set: () => undefined, clear: () => undefined }),
  endOfTurn: (run) => run(),
};

function entry(index: number, term: number): Entry {
  const payload = new Uint8Array((index * 13) % 90).fill(index);
  const origin = { node: 1, incarnation: 0, boot: 1, seq: index };
  return makeEntry(index, term, index, { kind: entryKinds.command, origin, session: 0, sequence: 0, payload });
}

function baseAt(index: number, term: number): CompactionPoint {
  const place = { index, term, clusterMicros: index };
  return { place, configuration: { index: 0, configuration: configurationOf([1, 2, 3]) } };
}

/** What a member writes over three terms: elections, entries, a rewrite of its last two, a snapshot now and then. */
function* life(): Generator<BatchContent> {
  let index = 0;
  for (const term of [1, 2, 3]) {
    yield { hardState: { term, vote: 1 }, base: null, replaces: false, entries: [] };
    if (term > 1) index -= 2;
    for (let k = 0; k < 12; k++) {
      index += 1;
      yield { hardState: null, base: null, replaces: false, entries: [entry(index, term)] };
      if (k === 7) yield { hardState: null, base: baseAt(index - 3, term), replaces: false, entries: [] };
    }
  }
}

type Image = {
  readonly segments: readonly Segment[];
  /** Index and term of the last entry, and the hard state's term, that were durable then. */
  readonly durable: { readonly index: number; readonly term: number };
  /** Position in the whole log up to which it was durable, and where the first segment begins. */
  readonly syncedThrough: number;
  readonly start: number;
};

function onDiskError(error: { readonly message: string }): void {
  throw new Error(error.message);
}

/** An image whenever a batch was written and not synced, and one at the end, when all was. */
async function record(): Promise<Image[]> {
  const disk = new SimDisk(calm, 0);
  const recovered = await new Promise<Recovered>((resolve, reject) => {
    recoverWal(disk.open(), storeId, null, (result) => (result.ok ? resolve(result) : reject(new Error(result.kind))));
  });
  const wal = new Wal(
    { disk: disk.open(), clock: idle, onDiskError },
    { storeId, extents: { saveExtent: (_extent, done) => done(null) }, tail: recovered.tail },
    { segmentBytesMax: 700, idleWatermarkMicros: 1 },
  );
  const images: Image[] = [];
  let durable = { index: 0, term: 0 };
  const take = (): void => {
    const segments = [...disk.contents()]
      .map(([name, bytes]) => ({ number: segmentNumber(name)!, bytes: bytes.slice() }))
      .toSorted((a, b) => a.number - b.number);
    const first = checkBatch(segments[0]!.bytes, segments[0]!.number, 0, storeId);
    if (!first.ok) return;
    images.push({ segments, durable, syncedThrough: wal.syncedThrough, start: first.value.segmentPosition });
  };
  let k = 0;
  const pending: Promise<void>[] = [];
  for (const content of life()) {
    pending.push(
      new Promise((resolve) => {
        wal.append(content, () => {
          const last = content.entries.at(-1);
          if (last !== undefined) durable = { index: last.index, term: last.term };
          wal.purge();
          resolve();
        });
      }),
    );
    k += 1;
    if (k % 3 !== 0) continue;
    take();
    await Promise.all(pending.splice(0));
  }
  await Promise.all(pending);
  take();
  return images;
}

function holds(scan: Scan, { index, term }: Image["durable"]): boolean {
  const base = scan.base?.place.index ?? 0;
  // A later term may have cut it off again; then something of that term is there in its place.
  return (
    base >= index || scan.entries.some((one) => one.index === index && one.term >= term) || scan.hardState.term > term
  );
}

const images = await record();

test("the images are what they are meant to be: many segments, purged ones, bases, un-synced ends", (t) => {
  t.true(images.length > 10);
  t.true(images.some(({ segments }) => segments.length > 3));
  t.true(images.some(({ segments }) => segments[0]!.number > 0));
  const ends = images.map(({ segments, start }) => segments.reduce((sum, { bytes }) => sum + bytes.length, start));
  t.true(images.some(({ syncedThrough }, k) => syncedThrough < ends[k]!));
  for (const { segments, durable } of images) {
    const scan = scanSegments(segments, storeId);
    t.true(scan.ok);
    if (scan.ok) t.true(holds(scan.value, durable));
  }
});

test("un-synced bytes cut at any offset, or with a hole at any place: what was synced is there", (t) => {
  let tried = 0;
  for (const { segments, durable, syncedThrough, start } of images) {
    const last = segments.at(-1)!;
    const lastStart = segments.slice(0, -1).reduce((sum, { bytes }) => sum + bytes.length, start);
    for (let at = Math.max(0, syncedThrough - lastStart); at < last.bytes.length; at++) {
      const holed = last.bytes.slice();
      holed.fill(0, at, at + 40);
      for (const bytes of [last.bytes.slice(0, at), holed]) {
        const scan = scanSegments([...segments.slice(0, -1), { number: last.number, bytes }], storeId);
        tried += 1;
        if (!scan.ok) t.fail(`refused at ${at}: ${scan.reason}`);
        else if (!holds(scan.value, durable)) t.fail(`entry ${durable.index} is gone with a cut at ${at}`);
      }
    }
  }
  t.true(tried > 1_000, `${tried}`);
});

test("below the durable mark any flipped bit, in any segment, is refused at its own batch", (t) => {
  const { segments, start } = images.at(-1)!;
  const marks = batches(segments).map(({ syncedThrough }) => syncedThrough);
  const vouched = Math.max(...marks);
  let position = start;
  let tried = 0;
  for (const [k, { number, bytes }] of segments.entries()) {
    const own = batches([{ number, bytes }]);
    for (let at = 0; at < bytes.length && position + at < vouched; at++) {
      const flipped = bytes.slice();
      flipped[at]! ^= 1 << (at % 8);
      const scan = scanSegments(segments.with(k, { number, bytes: flipped }), storeId);
      if (scan.ok) {
        t.fail(`a flip at ${at} of segment ${number} passed`);
        continue;
      }
      const batch = own.find(({ offset, bytes: length }) => at < offset + length)!;
      t.is(segmentNumber(scan.file), number);
      t.is(scan.offset, batch.offset);
      tried += 1;
    }
    position += bytes.length;
  }
  t.true(tried > 1_000, `${tried}`);
});

test("below the durable mark a segment cut anywhere, or missing, is refused", (t) => {
  const { segments } = images.at(-1)!;
  for (const [k, { number, bytes }] of segments.slice(0, -1).entries()) {
    for (let cut = 0; cut < bytes.length; cut++) {
      const scan = scanSegments(segments.with(k, { number, bytes: bytes.slice(0, cut) }), storeId);
      if (scan.ok) t.fail(`segment ${number} cut at ${cut} passed`);
    }
    if (k > 0) t.false(scanSegments(segments.toSpliced(k, 1), storeId).ok, `segment ${number} is missing`);
  }
});

function batches(segments: readonly Segment[]): { offset: number; bytes: number; syncedThrough: number }[] {
  const found = [];
  for (const { number, bytes } of segments) {
    for (let offset = 0; offset < bytes.length;) {
      const checked = checkBatch(bytes, number, offset, storeId);
      if (!checked.ok) throw new Error(checked.reason);
      found.push(checked.value);
      offset += checked.value.bytes;
    }
  }
  return found;
}
