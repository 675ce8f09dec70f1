/** A campaign that is killed, or has no room, loses no finding and counts none twice. */
import { type ChildProcess, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import test, { type ExecutionContext } from "ava";
import type { State } from "../../sim/cli/campaign-state.ts";
import { isFailing } from "./campaign-failures.ts";

const directory = mkdtempSync(join(tmpdir(), "metastore-campaign-"));
test.after.always(() => rmSync(directory, { recursive: true, force: true }));

function start(out: string): ChildProcess {
  const main = resolve("dist/test/sim/campaign-main.js");
  return spawn(process.execPath, [main, out], { stdio: ["ignore", "pipe", "pipe"] });
}

type Ended = { readonly code: number | null; readonly out: string };

/**
 * All that it says, and its exit code; null: it was killed. Once `isEnough` of what it says, it gets `signal`; SIGINT ends it
 * after what runs, and its findings.
 */
function end(
  child: ChildProcess,
  isEnough: (out: string) => boolean,
  signal: NodeJS.Signals = "SIGINT",
): Promise<Ended> {
  let out = "";
  let isTold = false;
  const look = (): void => {
    if (isTold || !isEnough(out)) return;
    isTold = true;
    child.kill(signal);
  };
  const ticker = setInterval(look, 20);
  for (const stream of [child.stdout!, child.stderr!])
    stream.on("data", (text: Buffer) => {
      out += text.toString();
      look();
    });
  return new Promise((done) =>
    child.on("close", (code) => {
      clearInterval(ticker);
      done({ code, out });
    }),
  );
}

/** Kills it `ms` after it has begun to run seeds, or to shrink. */
async function killedAfter(out: string, ms: number): Promise<void> {
  let begunAt = Infinity;
  await end(
    start(out),
    (said) => {
      if (/^(seeds from|shrinking) /m.test(said)) begunAt = Math.min(begunAt, performance.now());
      return performance.now() - begunAt >= ms;
    },
    "SIGKILL",
  );
}

/** It runs seeds by now, and so many kinds of failures are in its state. */
function hasKinds(out: string, kinds: number): (said: string) => boolean {
  return (said) =>
    /^seeds from /m.test(said) && existsSync(join(out, "campaign.json")) && stateIn(out).findings.length >= kinds;
}

function isShrinking(said: string): boolean {
  return /^shrinking /m.test(said);
}

function stateIn(out: string): State {
  return JSON.parse(readFileSync(join(out, "campaign.json"), "utf8")) as State;
}

/** Each seed that is done is counted once, and each that fails is in one finding. */
function mustAddUp(t: ExecutionContext, out: string, when: string): void {
  const { next, ahead = [], done, failed, findings } = stateIn(out);
  const seeds = [...Array.from({ length: next - 1 }, (_, k) => k + 1), ...ahead];
  t.is(done, seeds.length, when);
  t.is(failed, seeds.filter(isFailing).length, when);
  t.is(
    findings.reduce((sum, { count }) => sum + count, 0),
    failed,
    when,
  );
  for (const { seeds: found } of findings) t.is(new Set(found).size, found.length, when);
  t.true(findings.length <= 2, when);
}

test.serial(
  "killed at random moments, also in a shrink, it finishes its findings, and counts each failure once",
  async (t) => {
    const out = join(directory, "killed");
    const moments: number[] = [];
    for (let k = 0; k < 5; k++) {
      const ms = Math.floor(Math.random() * 2_500);
      moments.push(ms);
      await killedAfter(out, ms);
      if (existsSync(join(out, "campaign.json"))) mustAddUp(t, out, `killed after ${moments.join(", ")} ms`);
    }
    const { code, out: said } = await end(start(out), hasKinds(out, 2));
    const when = `killed after ${moments.join(", ")} ms: ${said}`;
    t.is(code, 1, when);
    mustAddUp(t, out, when);
    t.deepEqual(
      stateIn(out)
        .findings.map(({ property }) => property)
        .toSorted(),
      ["I7", "I8"],
      when,
    );
    const folders = readdirSync(join(out, "findings")).toSorted();
    t.is(folders.length, 2, when);
    for (const folder of folders)
      t.deepEqual(
        readdirSync(join(out, "findings", folder)).toSorted(),
        ["history.jsonl", "report.html", "shrunk.tape.json", "tape.json", "trace.txt"],
        when,
      );
    t.deepEqual(
      readdirSync(out).filter((name) => name.endsWith(".partial")),
      [],
      when,
    );
  },
);

test.serial("killed while it shrinks, it shrinks that finding at its next call, before anything else", async (t) => {
  const out = join(directory, "shrinking");
  const { code, out: said } = await end(start(out), hasKinds(out, 1));
  t.is(code, 1, said);
  rmSync(join(out, "findings"), { recursive: true });
  const { code: killed } = await end(start(out), isShrinking, "SIGKILL");
  t.is(killed, null);
  // The folder itself is made after the line is said: killed between, it is not there yet.
  const left = existsSync(join(out, "findings")) ? readdirSync(join(out, "findings")) : [];
  t.deepEqual(
    left.filter((name) => !name.endsWith(".partial")),
    [],
  );
  const { out: later } = await end(start(out), hasKinds(out, 1));
  t.regex(later, /findings go to .*\nshrinking .*1-I\d\n/);
  const [first] = readdirSync(join(out, "findings")).toSorted();
  t.true(existsSync(join(out, "findings", first!, "report.html")), later);
  mustAddUp(t, out, later);
});

test.serial(
  "a state that cannot be written is said in one line; what it held stays, and it is written later",
  async (t) => {
    const out = join(directory, "full");
    mkdirSync(out);
    // Written aside first: onto a device that is always full.
    symlinkSync("/dev/full", join(out, "campaign.json.partial"));
    const { code, out: said } = await end(start(out), (text) => text.includes("is written again"));
    t.is(code, 1, said);
    t.is([...said.matchAll(/campaign\.json cannot be written: ENOSPC/g)].length, 1, said);
    t.regex(said, /campaign\.json is written again/);
    t.notRegex(said, /I21|Error:| at .*\.js:/);
    mustAddUp(t, out, said);
  },
);

test.serial(
  "where runs cannot leave their files, each failure is told with its law, and the exit code is that of findings",
  async (t) => {
    const out = join(directory, "blocked");
    mkdirSync(out);
    writeFileSync(join(out, "failures"), "not a folder");
    const { code, out: said } = await end(start(out), (text) => text.includes(": I7:") && text.includes(": I8:"));
    t.is(code, 1, said);
    t.regex(said, /^seed \d+: I7: n1 commits entry/m);
    t.regex(said, /^seed \d+: I8: n\d+ overwrites entry 3/m);
    t.regex(said, /^ {2}no files: /m);
    t.regex(said, /not done: its run has left no tape/);
    t.notRegex(said, /I21|Error:| at .*\.js:/);
    mustAddUp(t, out, said);
  },
);
