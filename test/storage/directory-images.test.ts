/**
 * A directory at rest of which files are gone, or empty: the node comes back with everything that it had acknowledged, or
 * as a member that the others must rebind, or it refuses in a line. It never starts with less.
 */
import test, { type ExecutionContext } from "ava";
import { fc } from "@fast-check/ava";
import { isOnlyVoter } from "../../core/raft/membership.ts";
import { RaftLog } from "../../core/raft/log.ts";
import { SimDisk } from "../../sim/world/disk.ts";
import {
  acknowledgedIn,
  claimOf,
  type Disks,
  type Files,
  filesOf,
  idle,
  live,
  open,
  restore,
  type Result,
} from "../support/directories.ts";
import { emptyBatch } from "../../core/storage/wal-record.ts";
import { Wal } from "../../core/storage/wal.ts";
import { calm, machineDiskHome } from "../support/worlds.ts";

const terms = 3;

function simulated(): Disks {
  return { log: new SimDisk(calm, 0).open(), snapshots: new SimDisk(calm, 1_000_000).open() };
}

async function recorded(voters: number): Promise<Files> {
  const disks = simulated();
  await live(disks, voters, terms);
  return filesOf(disks);
}

type Fate = "kept" | "gone" | "empty";

function left(files: ReadonlyMap<string, Uint8Array>, fateOf: (name: string) => Fate): Map<string, Uint8Array> {
  const kept = [...files].filter(([name]) => fateOf(name) !== "gone");
  return new Map(kept.map(([name, bytes]) => [name, fateOf(name) === "empty" ? new Uint8Array(0) : bytes]));
}

/** What is wrong with how the directory has opened, or null. */
function complaint({ ending, opened, store }: Result, voters: number, isUntouched: boolean): string | null {
  if (ending !== null) {
    const isLine = !ending.reason.includes("\n") && /put back a copy/.test(ending.reason);
    return isUntouched || !isLine ? `refused: ${ending.reason}` : null;
  }
  const { identity, log, hardState } = opened!;
  if (identity.genesis === null) return log.entries.length > 0 ? "a log without a genesis" : null;
  if (identity.lost !== null) return voters === 1 || isUntouched ? "lost, and nobody can help" : null;
  const last = acknowledgedIn(terms);
  if (!log.entries.some(({ index, term }) => index === last.index && term === last.term)) return "the log is shorter";
  if (hardState.term !== terms || hardState.vote !== 1) return "the vote is forgotten";
  if (log.base === null || store.applied.index >= log.base.place.index) return null;
  const { configuration } = new RaftLog(log.base, log.entries).configurations.latest;
  return isOnlyVoter(configuration, 1) ? "the rows are gone, and nobody can help" : null;
}

async function judge(
  t: ExecutionContext,
  disks: Disks,
  files: Files,
  voters: number,
  fates: ReadonlyMap<string, Fate>,
): Promise<void> {
  const fateOf = (name: string): Fate => fates.get(name) ?? "kept";
  await restore(disks, { log: left(files.log, fateOf), snapshots: left(files.snapshots, fateOf) });
  const isUntouched = [...fates.values()].every((fate) => fate === "kept");
  const isEmptied = fateOf("identity") === "gone" && [...fates.values()].every((fate) => fate === "gone");
  const result = await open(disks, claimOf(voters));
  const touched = [...fates].filter(([, fate]) => fate !== "kept").map((one) => one.join(" "));
  t.is(complaint(result, voters, isUntouched), null, `${voters} voters, ${touched.join(", ")}`);
  // The node cannot tell an emptied directory from a new one; the other founders can.
  if (result.opened?.identity.genesis === null) t.true(isEmptied, touched.join(", "));
}

function names({ log, snapshots }: Files): string[] {
  return [...log.keys(), ...snapshots.keys()];
}

for (const voters of [1, 3]) {
  test(`${voters} voter(s): any subset of the files of a directory is deleted`, async (t) => {
    const files = await recorded(voters);
    const all = names(files);
    t.true(all.filter((name) => name.startsWith("wal-")).length > 2, all.join());
    t.true(
      all.some((name) => name.startsWith("snap-")),
      all.join(),
    );
    t.false(all.includes("wal-000000000000.log"), "the oldest has been let go");
    for (let subset = 0; subset < 2 ** all.length; subset++) {
      const fates = new Map(all.map((name, k) => [name, (subset >> k) & 1 ? ("gone" as const) : ("kept" as const)]));
      await judge(t, simulated(), files, voters, fates);
    }
  });

  test(`${voters} voter(s): any files are deleted or empty, on the machine's disk too`, async (t) => {
    const files = await recorded(voters);
    const all = names(files);
    const fates = fc.array(fc.constantFrom<Fate>("kept", "kept", "gone", "empty"), {
      minLength: all.length,
      maxLength: all.length,
    });
    await fc.assert(
      fc.asyncProperty(fates, fc.boolean(), async (drawn, isReal) => {
        const [log, snapshots] = [machineDiskHome(), machineDiskHome()];
        const disks = isReal ? { log: log.open(), snapshots: snapshots.open() } : simulated();
        await judge(t, disks, files, voters, new Map(all.map((name, k) => [name, drawn[k]!])));
        log.remove();
        snapshots.remove();
      }),
      { numRuns: 100, seed: 13 },
    );
  });
}

for (const voters of [1, 3]) {
  test(`${voters} voter(s): after a stop in good order no tail of the log passes for torn, wherever it is cut`, async (t) => {
    const files = await recorded(voters);
    for (const [name, bytes] of files.log) {
      if (!name.startsWith("wal-")) continue;
      for (let kept = bytes.length - 1; kept >= 0; kept -= 7) {
        const disks = simulated();
        await restore(disks, { ...files, log: new Map([...files.log, [name, bytes.slice(0, kept)]]) });
        const { ending, opened } = await open(disks, claimOf(voters));
        if (voters === 1) t.is(ending?.code, "unrecoverable", `${name} cut at ${kept}`);
        else t.true(opened !== null && opened.identity.lost !== null, `${name} cut at ${kept}`);
      }
    }
  });
}

test("a directory goes on after a stop in good order: it stops so again, and starts after a crash", async (t) => {
  const disks = simulated();
  await live(disks, 1, terms);
  for (let start = 2; start < 5; start++) {
    const { opened } = await open(disks, claimOf(1));
    t.is(opened?.identity.lost, null);
    const { identityFile, identity, tail } = opened!;
    const before = identityFile.current.log!.durableThrough;
    const fail = (): void => t.fail();
    const options = { segmentBytesMax: 700, idleWatermarkMicros: 1 };
    const wal = new Wal(
      { disk: disks.log, clock: idle, onDiskError: fail },
      { storeId: identity.storeId, extents: identityFile, tail },
      options,
    );
    await new Promise<void>((resolve) =>
      wal.append({ ...emptyBatch, hardState: { term: terms + start, vote: 1 } }, resolve),
    );
    // The last start crashes.
    if (start < 4) await new Promise<void>((resolve) => wal.seal(resolve));
    wal.close();
    const told = identityFile.current.log!.durableThrough;
    if (start < 4) t.is(told, wal.syncedThrough);
    else t.is(told, before);
  }
  const { opened } = await open(disks, claimOf(1));
  t.is(opened?.hardState.term, terms + 4);
});

test("whenever the power goes in a directory's life, it opens with all that had been acknowledged by then", async (t) => {
  let moments = 0;
  for (const survives of [false, true]) {
    for (let moment = 1; ; moment++) {
      let completions = 0;
      const life = { isOff: false, isOver: false };
      const chance = {
        ...calm.chance,
        survives: () => survives,
        sectorSurvives: () => survives,
        namesSurviving: (count: number) => (survives ? count : 0),
      };
      const world = {
        ...calm,
        chance,
        complete: (_role: string, _occasion: number, done: () => void) => {
          completions += 1;
          if (completions === moment) life.isOff = true;
          if (!life.isOff) setImmediate(done);
        },
      };
      const [log, snapshots] = [new SimDisk(world, 0), new SimDisk(world, 1_000_000)];
      let last = { index: 0, term: 0 };
      void live({ log: log.open(), snapshots: snapshots.open() }, 1, 2, (now) => (last = now)).then(
        () => (life.isOver = true),
      );
      while (!life.isOff && !life.isOver) await new Promise((resolve) => setImmediate(resolve));
      if (life.isOver) break;
      moments += 1;
      // The process that dies still takes what completed before.
      for (let k = 0; k < 5; k++) await new Promise((resolve) => setImmediate(resolve));
      log.cutPower();
      snapshots.cutPower();
      life.isOff = false;
      completions = Infinity;
      const { ending, opened } = await open({ log: log.open(), snapshots: snapshots.open() }, claimOf(1));
      t.is(ending, null, `${ending?.reason} at ${moment}`);
      t.is(opened?.identity.lost, null);
      if (last.index > 0)
        t.true(
          opened!.log.entries.some(({ index }) => index === last.index),
          `${last.index} at ${moment}`,
        );
    }
  }
  t.true(moments > 200, `${moments}`);
});

test("a directory of format 1, which tells no extent, opens with all it holds; without any log it counts as lost", async (t) => {
  const files = await recorded(3);
  const { encodeIdentity, decodeIdentity } = await import("../../core/storage/identity.ts");
  const { log: _told, ...older } = decodeIdentity(files.log.get("identity")!);
  const identity = encodeIdentity({ ...older, format: 1 } as never);
  const log = new Map([...files.log, ["identity", identity] as const]);
  const [whole, bare] = [simulated(), simulated()];
  await restore(whole, { ...files, log });
  const opened = await open(whole, claimOf(3));
  t.is(complaint(opened, 3, true), null);
  t.not(opened.opened!.identity.log, null, "from now on it is told");
  await restore(bare, { ...files, log: new Map([["identity", identity]]) });
  t.not((await open(bare, claimOf(3))).opened!.identity.lost, null);
});
