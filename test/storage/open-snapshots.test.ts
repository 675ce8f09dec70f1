import test from "ava";
import type { DiskFile } from "../../core/ports.ts";
import { OpenSnapshots, type SnapshotFile } from "../../core/storage/open-snapshots.ts";

/** A snapshot at `index`, and how often its file was closed. */
function snapshotAt(index: number): { readonly snapshot: SnapshotFile; readonly closes: () => number } {
  let closes = 0;
  const file: DiskFile = {
    sizeBytes: 0,
    read: () => undefined,
    write: () => null,
    sync: () => undefined,
    truncate: () => undefined,
    close: () => (closes += 1),
  };
  return { snapshot: { name: `snapshot ${index}`, index, term: 1, sizeBytes: 0, crc: 0, file }, closes: () => closes };
}

test("a newer snapshot closes the one before it, or its last holder does", (t) => {
  const files = new OpenSnapshots();
  const [first, second, third] = [snapshotAt(1), snapshotAt(2), snapshotAt(3)];
  files.replaceLatest(first.snapshot);
  files.replaceLatest(second.snapshot);
  t.is(first.closes(), 1);
  files.hold(second.snapshot);
  files.hold(second.snapshot);
  files.replaceLatest(third.snapshot);
  files.release(second.snapshot);
  t.is(second.closes(), 0);
  files.release(second.snapshot);
  t.is(second.closes(), 1);
  t.is(third.closes(), 0);
});

test("the latest stays open when its last holder has released it, and goes with its name", (t) => {
  const files = new OpenSnapshots();
  const { snapshot, closes } = snapshotAt(1);
  files.replaceLatest(snapshot);
  files.hold(snapshot);
  files.release(snapshot);
  files.forget("another");
  t.is(closes(), 0);
  files.forget(snapshot.name);
  t.is(closes(), 1);
  t.is(files.latest, null);
});

test("after the end each file is closed once: the latest, one that is held, one that comes late", (t) => {
  for (const isHeld of [false, true]) {
    const files = new OpenSnapshots();
    const [latest, late] = [snapshotAt(1), snapshotAt(2)];
    files.replaceLatest(latest.snapshot);
    if (isHeld) files.hold(latest.snapshot);
    files.close();
    t.is(latest.closes(), isHeld ? 0 : 1);
    files.forget(latest.snapshot.name);
    files.replaceLatest(late.snapshot);
    if (isHeld) files.release(latest.snapshot);
    t.is(latest.closes(), 1);
    t.is(late.closes(), 1);
  }
});

test("releasing what nobody holds is an error of the program", (t) => {
  t.throws(() => new OpenSnapshots().release(snapshotAt(1).snapshot), { message: /as often as it was held/ });
});
