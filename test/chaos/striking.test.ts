/** How strikes keep out of each other's way, and how a run ends: calm, members in hand, limits, results before cleaning. */
import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { limitFiles } from "../../chaos/nemesis/disk-faults.ts";
import type { Family, Field } from "../../chaos/nemesis/family.ts";
import { Nemesis } from "../../chaos/nemesis/nemesis.ts";
import { parseOptions } from "../../chaos/options.ts";
import { keepLogs, writeFolder } from "../../chaos/report/findings.ts";
import { Run } from "../../chaos/run.ts";
import { MetaStore } from "../../chaos/store/meta-store.ts";
import type { Store } from "../../chaos/store/store.ts";
import { Guard } from "../../chaos/world/guard.ts";
import { MemberProcess } from "../../chaos/world/member-process.ts";
import type { Member } from "../../chaos/world/member.ts";
import { World } from "../../chaos/world/world.ts";
import { freshDirectory } from "../support/processes.ts";

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function family(name: string, strike: Family["strike"]): Family {
  const fixed = { needs: "nothing at all", isolation: "link", holdMs: [0, 0], isGeneral: true } as const;
  return { ...fixed, name, may: () => true, strike };
}

function nemesisOf(families: readonly Family[], isOver: () => boolean, needsCalm = (): boolean => false): Nemesis {
  const present = [1, 2, 3].map((id) => ({ id }) as Member);
  return new Nemesis({
    seed: 1,
    world: { present } as unknown as World,
    operator: null as never,
    families,
    now: () => 0,
    isOver,
    needsCalm,
    write: async () => "",
    serveMs: 1_000,
    onFinding: () => undefined,
  });
}

test("a member that one strike has in hand is free for no other, also one that chooses late", async (t) => {
  let isOver = false;
  const events = new EventEmitter();
  const held = once(events, "held");
  const late: number[][] = [];
  const holder = family("holder", async ({ free, take, hold }) => {
    take(free[0]!);
    events.emit("held");
    await hold(3_000);
    return { what: "held", heal: async () => undefined };
  });
  const chooser = family("chooser", async (field) => {
    await held;
    late.push(field.free.map(({ id }) => id));
    isOver = true;
    nemesis.wake();
    return { what: "chosen", heal: async () => undefined };
  });
  const nemesis = nemesisOf([holder, chooser], () => isOver);
  await nemesis.run();
  t.deepEqual(late[0], [2, 3]);
});

test("nothing is struck while a strike waits for calm, or the run needs it", async (t) => {
  let [isOver, strikes] = [false, 0];
  const during: number[] = [];
  const caller = family("caller", async ({ keepCalm }) => {
    const release = keepCalm();
    const before = strikes;
    await wait(6_000);
    during.push(strikes - before);
    isOver = true;
    release();
    return { what: "called", heal: async () => undefined };
  });
  const other = family("other", async () => {
    strikes += 1;
    return { what: "other", heal: async () => undefined };
  });
  const nemesis = nemesisOf([caller, other], () => isOver || strikes > 20);
  await nemesis.run();
  t.deepEqual(during, [0]);
  let [isEnded, turns] = [false, 0];
  const needs = (): boolean => {
    isEnded = ++turns === 2;
    return true;
  };
  const still = nemesisOf([other], () => isEnded, needs);
  await still.run();
  t.is(still.counts.size, 0);
});

test("where nothing can be mounted a limit on its files stands in for a full disk, and ends", async (t) => {
  const directory = freshDirectory();
  const script = `const fs = require("fs"); const file = fs.openSync(process.argv[1], "a"); setInterval(() => {
    try { fs.writeSync(file, "x".repeat(512)); console.error("taken"); } catch (error) { console.error(error.code); }
  }, 20)`;
  const running = new MemberProcess([process.execPath, "-e", script, join(directory, "wal-1")], join(directory, "log"));
  const member = { id: 1, process: running, phase: "running", mayEnd: null as string | null };
  const world = { until: async () => true, isReady: async () => true };
  const says = async (word: string): Promise<void> => {
    while (running.lastLine !== word) await wait(20);
  };
  await says("taken");
  const { what, heal, isNothing } = await limitFiles({ world } as unknown as Field, member as unknown as Member);
  t.is(what, "no file of n1 may grow");
  t.falsy(isNothing);
  t.is(member.mayEnd, "its files may not grow");
  await says("EFBIG");
  await heal();
  t.is(member.mayEnd, null);
  await says("taken");
  running.signal("SIGKILL");
  await running.ended;
  const gone = await limitFiles({ world } as unknown as Field, member as unknown as Member);
  t.true(gone.isNothing);
  rmSync(directory, { recursive: true });
});

/** A store whose members never say anything. */
function silentStore(): Store {
  const store = new MetaStore({ main: "main.js", rocksdb: false });
  const script = `console.error("waits for the others"); setInterval(() => undefined, 1000)`;
  return Object.assign(Object.create(store) as MetaStore, {
    name: "silent",
    requestMsMax: store.requestMsMax,
    readyAsk: store.readyAsk,
    statusAsk: store.statusAsk,
    sessionAsk: null,
    command: () => [process.execPath, "-e", script],
    prepare: (directory: string) => void mkdirSync(directory, { recursive: true }),
  });
}

test("a member's process is not started beside itself", async (t) => {
  const world = await World.open(silentStore(), 1, 0, () => undefined);
  const member = world.member(1);
  world.start(member);
  t.throws(() => world.start(member), { message: "n1 runs already" });
  await world.end(member, "SIGKILL");
  world.start(member);
  // What cannot be undone is said, and stops nothing.
  world.atEnd(() => {
    throw new Error("target is busy\nmore");
  });
  t.deepEqual(await world.close(), []);
  t.false(existsSync(world.directory));
});

test("a cluster that is never founded leaves its logs, schedule, line and what it said", async (t) => {
  const directory = freshDirectory();
  const options = { ...parseOptions(["--seed", "5", "--minutes", "0.1"])!, foundMs: 3_000 };
  let code = 0;
  const out = join(directory, "out");
  const left = await new Run(options, silentStore()).run((outcome, world) => {
    // The files are written before anything is cleaned up.
    t.true(existsSync(world.directory));
    keepLogs(world, out);
    writeFolder(outcome, out, "the line", "the title");
    code = outcome.findings.length;
  });
  t.deepEqual(left, []);
  t.is(code, 1);
  const files = readdirSync(out);
  for (const name of [
    "findings.txt",
    "history.jsonl",
    "stale-reads.jsonl",
    "index.html",
    "line.txt",
    "log-n1.txt",
    "schedule.jsonl",
  ])
    t.true(files.includes(name), name);
  t.regex(
    readFileSync(join(out, "findings.txt"), "utf8"),
    /^0 ms founding: the cluster is not ready after 3000 ms; n1: waits for the others; n2/,
  );
  t.regex(readFileSync(join(out, "log-n1.txt"), "utf8"), /waits for the others/);
  rmSync(directory, { recursive: true });
});

test("the guard removes what processes hold open once they are gone", async (t) => {
  const directory = join(freshDirectory(), "guarded");
  mkdirSync(join(directory, "n1"), { recursive: true });
  // It goes on making files until it is killed.
  const script = `let k = 0; setInterval(() => require("fs").writeFileSync(process.argv[1] + "/" + k++, "x"), 1)`;
  const busy = spawn(process.execPath, ["-e", script, join(directory, "n1")], { stdio: "ignore" });
  while (readdirSync(join(directory, "n1")).length < 20) await wait(20);
  writeFileSync(join(directory, "file"), "x");
  const guard = new Guard(directory);
  guard.tell([busy.pid!]);
  await guard.close();
  t.false(existsSync(directory));
  t.true(
    busy.killed ||
      busy.exitCode !== null ||
      busy.signalCode !== null ||
      (await new Promise((resolve) => busy.once("exit", () => resolve(true)))),
  );
});
