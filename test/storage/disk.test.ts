/** One suite for every Disk: the machine's, and the simulated one, which must be no kinder. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { fc } from "@fast-check/ava";
import type { Disk, DiskFile } from "../../core/ports.ts";
import { completed, type DiskHome, ended, machineDiskHome, simDiskHome } from "../support/worlds.ts";

const worlds: readonly (readonly [string, () => DiskHome])[] = [
  ["simulated", simDiskHome],
  ["the machine's", machineDiskHome],
];

function opened(disk: Disk, name: string, create: boolean): Promise<DiskFile> {
  return completed((done: (error: { code: string; message: string } | null, file: DiskFile) => void) =>
    disk.open(name, create, (error, file) => done(error, file!)),
  );
}

function read(file: DiskFile, offset: number, length: number): Promise<Uint8Array> {
  return completed((done: Parameters<DiskFile["read"]>[2]) => file.read(offset, length, done));
}

function names(disk: Disk): Promise<readonly string[]> {
  return completed((done: Parameters<Disk["list"]>[0]) => disk.list(done));
}

type Step = { readonly at: number; readonly bytes: Uint8Array } | { readonly cut: number };
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ at: fc.nat(1500), bytes: fc.uint8Array({ minLength: 1, maxLength: 700 }) }),
  fc.record({ cut: fc.nat(1500) }),
);

for (const [name, make] of worlds) {
  test(`${name}: a file holds what was written to it, holes as zeros, also for the next process`, async (t) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const home = make();
        const file = await opened(home.open(), "f", true);
        let model = new Uint8Array(0);
        for (const one of steps) {
          if ("cut" in one) {
            if (one.cut > model.length) continue;
            await ended((done) => file.truncate(one.cut, done));
            model = model.slice(0, one.cut);
          } else {
            t.is(file.write(one.at, one.bytes), null);
            const longer = new Uint8Array(Math.max(model.length, one.at + one.bytes.length));
            longer.set(model);
            longer.set(one.bytes, one.at);
            model = longer;
          }
          t.is(file.sizeBytes, model.length);
        }
        t.deepEqual(await read(file, 0, model.length), model);
        const again = await opened(home.open(), "f", false);
        t.deepEqual(await read(again, 0, again.sizeBytes), model);
        file.close();
        again.close();
        home.remove();
      }),
      { numRuns: 60, seed: 7 },
    );
  });

  test(`${name}: what the caller does with its buffer after a write changes nothing`, async (t) => {
    const home = make();
    const file = await opened(home.open(), "f", true);
    const buffer = new Uint8Array([1, 2, 3]);
    file.write(0, buffer);
    buffer.fill(9);
    t.deepEqual(await read(file, 0, 3), new Uint8Array([1, 2, 3]));
    file.close();
    home.remove();
  });

  test(`${name}: a read beyond the end is "SHORT", a missing file "ENOENT"`, async (t) => {
    const home = make();
    const disk = home.open();
    const file = await opened(disk, "f", true);
    file.write(0, new Uint8Array(4));
    await t.throwsAsync(read(file, 2, 10), { message: /^SHORT/ });
    await t.throwsAsync(opened(disk, "other", false), { message: /^ENOENT/ });
    file.close();
    home.remove();
  });

  test(`${name}: rename replaces, remove removes`, async (t) => {
    const home = make();
    const disk = home.open();
    for (const [one, byte] of [
      ["a", 1],
      ["b", 2],
    ] as const) {
      const file = await opened(disk, one, true);
      file.write(0, Uint8Array.of(byte));
      await ended((done) => file.sync(done));
      file.close();
    }
    await ended((done) => disk.rename("a", "b", done));
    t.deepEqual(await names(disk), ["b"]);
    const file = await opened(disk, "b", false);
    t.deepEqual(await read(file, 0, 1), Uint8Array.of(1));
    file.close();
    await ended((done) => disk.remove("b", done));
    await ended((done) => disk.syncDirectory(done));
    t.deepEqual(await names(disk), []);
    home.remove();
  });
}

test("simulated: a power cut takes what was not synced, and names whose directory was not", async (t) => {
  const home = simDiskHome();
  const disk = home.open();
  const file = await opened(disk, "kept", true);
  file.write(0, Uint8Array.of(1));
  await ended((done) => file.sync(done));
  await ended((done) => disk.syncDirectory(done));
  file.write(1, Uint8Array.of(2));
  const lost = await opened(disk, "lost", true);
  lost.write(0, Uint8Array.of(3));
  await ended((done) => lost.sync(done));
  home.crash!();
  t.deepEqual(await names(disk), ["kept"]);
  t.deepEqual(await read(await opened(disk, "kept", false), 0, 1), Uint8Array.of(1));
  t.is((await opened(disk, "kept", false)).sizeBytes, 1);
});

test("to have no descriptor is no failure of the disk: opening waits until one is free", async (t) => {
  // A process of its own, since this one needs its descriptors.
  const program = `
    import fs from "node:fs";
    import { machineDisk } from ${JSON.stringify(join(process.cwd(), "dist/server/disk.js"))};
    const held = [];
    const fill = () => { for (;;) try { held.push(fs.openSync("/dev/null")); } catch { return; } };
    // One round of each kind loads what Node loads late.
    const disk = machineDisk(process.argv[1], () => { shortages += 1; if (shortages === 3) fs.closeSync(held.pop()); });
    let shortages = 0;
    const told = [];
    const next = (what, call) => new Promise((resolve) => {
      fill();
      shortages = 0;
      call((error) => { told.push([what, error === null, shortages]); resolve(); });
    });
    await next("open", (done) => disk.open("file", true, done));
    await next("list", (done) => disk.list(done));
    await next("syncDirectory", (done) => disk.syncDirectory(done));
    fs.closeSync(held.pop());
    console.log(JSON.stringify(told));
  `;
  const directory = mkdtempSync(join(tmpdir(), "metastore-test-"));
  const limited = `ulimit -n 64; exec "$0" "$@"`;
  const args = ["-c", limited, process.execPath, "--input-type=module", "-e", program, directory];
  const out = execFileSync("bash", args, { encoding: "utf8" });
  t.deepEqual(JSON.parse(out), [
    ["open", true, 3],
    ["list", true, 3],
    ["syncDirectory", true, 3],
  ]);
  rmSync(directory, { recursive: true });
});
