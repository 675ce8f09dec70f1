/** The simulator's command line, as a real process. */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import test from "ava";
import { optionsFrom, UsageError } from "../../sim/cli/options.ts";
import { allMarks } from "../../sim/nemesis/marks.ts";
import { mutants } from "../../mutation/mutants/all.ts";
import { withMutant } from "../../mutation/scratch.ts";

const directory = mkdtempSync(join(tmpdir(), "metastore-sim-"));
test.after.always(() => rmSync(directory, { recursive: true, force: true }));

type Ended = { readonly code: number; readonly out: string; readonly err: string };

function sim(...args: readonly string[]): Promise<Ended> {
  return node(resolve("dist/sim/main.js"), args, directory);
}

function node(script: string, args: readonly string[], cwd: string): Promise<Ended> {
  return new Promise((done) => {
    const child = execFile(process.execPath, [script, ...args], { cwd }, (_error, out, err) => {
      done({ code: child.exitCode ?? -1, out, err });
    });
  });
}

/** The hash of the trace, or of all. */
function traceOf({ out }: Ended): string {
  return /traces? +([0-9a-f]{8,16})/.exec(out)![1]!;
}

test.serial("wrong flags end in 2 with one line that says what is right", async (t) => {
  const wrong: readonly (readonly [RegExp, ...string[]])[] = [
    [/give one of --seed N/],
    [/give one of --seed N/, "--seed", "1", "--seeds", "1..2"],
    [/a seed is an integer/, "--seed", "one"],
    [/--seeds takes A..B with A <= B/, "--seeds", "5..2"],
    [/--only takes some of loss,/, "--seed", "1", "--only", "rain"],
    [/--without takes some of loss,/, "--seed", "1", "--without", "rain"],
    [/a tape holds its own plan/, "--tape", "x", "--without", "loss"],
    [/are of one run/, "--seeds", "1..2", "--shrink"],
    [/--jobs takes an integer/, "--seeds", "1..2", "--jobs", "0"],
    [/--minutes takes a number/, "--campaign", "--minutes", "-1"],
    [/--tier is one of a, b, c/, "--seed", "1", "--tier", "d"],
  ];
  for (const [said, ...args] of wrong) {
    const { message } = await t.throwsAsync(optionsFrom(args), { instanceOf: UsageError }, args.join(" "));
    t.regex(message, said);
    t.false(message.includes("\n"), message);
  }
  // As a process: what the parser refuses, what cannot be read, and what cannot be written.
  for (const [said, ...args] of [
    wrong[1]!,
    [/ENOENT/, "--tape", "nowhere.json"],
    [/ENOENT/, "--seed", "1", "--report", "no/such/folder.html"],
  ] as const) {
    const { code, err } = await sim(...args);
    t.is(code, 2, args.join(" "));
    t.regex(err, said);
    t.is(err.trim().split("\n").length, 1);
  }
});

test.serial("many seeds are the same runs on one thread and on three, and families can be switched off", async (t) => {
  const one = await sim("--seeds", "1..3", "--jobs", "1");
  const three = await sim("--seeds", "1..3", "--jobs", "3");
  const calm = await sim("--seeds", "1..3", "--jobs", "1", "--only", "loss");
  t.is(one.code, 0);
  t.is(traceOf(one), traceOf(three));
  t.not(traceOf(one), traceOf(calm));
  const { out } = await sim("--seed", "3", "--without", "partition,kill");
  t.regex(out, /faults {4}drawn \(struck\): /);
  t.notRegex(out, /\b(partition|kill) \d/);
});

test.serial("a recorded tape replays, a broken one says what is wrong", async (t) => {
  const recorded = await sim("--seed", "9", "--record", "nine.json");
  const replayed = await sim("--tape", "nine.json");
  t.is(traceOf(recorded), traceOf(replayed));
  writeFileSync(join(directory, "broken.json"), '{"tape":2,"plan":{"seed":1},"decisions":null}');
  const { code, err } = await sim("--tape", "broken.json");
  t.is(code, 2);
  t.regex(err, /broken.json: "plan.nodes" is missing/);
});

test.serial("a campaign finds its canary first, ends with the table of marks, and goes on where it was", async (t) => {
  const args = ["--campaign", "--minutes", "0.01", "--jobs", "2", "--out", "camp"];
  const first = await sim(...args);
  t.is(first.code, 0, first.out + first.err);
  t.regex(first.out, /^the canary was found: I7 commit quorum at seed \d+/);
  t.true(first.out.includes(`of ${allMarks.length} marks reached`));
  t.true(allMarks.length >= 150);
  const state = (): { next: number } =>
    JSON.parse(readFileSync(join(directory, "camp/campaign.json"), "utf8")) as { next: number };
  const { next } = state();
  await sim(...args);
  t.true(state().next > next);
  const other = await sim(...args, "--without", "loss");
  t.is(other.code, 2);
  t.regex(other.err, /is of a campaign with other options/);
  t.deepEqual(readdirSync(join(directory, "camp")).toSorted(), ["campaign.json", "marks.md"]);
  t.regex(first.out, /next: npm run sim -- --campaign --minutes 0.01 --out camp.*\n$/);
  for (const line of first.out.split("\n")) t.true(line.length <= 100, line);
});

test.serial(
  "a campaign leaves of each kind of failure a tape, a shrunk one, a history and a report; of a run without files, its seed",
  async (t) => {
    const mutant = mutants.find(({ name }) => name === "an append holds as much as there is")!;
    const camp = join(directory, "found");
    mkdirSync(camp);
    const hung = {
      property: "I21",
      message: "the run does not end: nothing for 120 s",
      seeds: [7],
      count: 1,
      isLost: true,
    };
    const sums = { next: 1, done: 1, failed: 1, events: 0, micros: 0, seconds: 0 };
    const state = { campaign: 1, typed: "", ...sums, marks: {}, findings: [hung] };
    writeFileSync(join(camp, "campaign.json"), JSON.stringify(state));
    await withMutant(mutant, async (scratch) => {
      const main = join(directory, "product/dist/sim/main.js");
      cpSync(scratch, join(directory, "product/dist"), { recursive: true });
      symlinkSync(resolve("node_modules"), join(directory, "product/node_modules"));
      const args = ["--campaign", "--minutes", "0.01", "--jobs", "1", "--out", camp];
      const { code, out, err } = await node(main, args, directory);
      t.is(code, 1, out + err);
      t.regex(
        out,
        /^1: I21 crash and hang freedom: the run does not end: nothing for 120 s\n {4}once, seed 7\n {4}no files$/m,
      );
      t.regex(out, /^seed \d+: violation \(I21 crash and hang freedom\): n\d sends \d+ entries at once$/m);
      t.regex(out, /findings\/2-I21, shrunk to [01] faults? and \d+ operations?$/m);
      t.regex(out, /^next: npm run sim -- --seed 7 --trace/m);
      const files = ["history.jsonl", "report.html", "shrunk.tape.json", "tape.json", "trace.txt"];
      t.deepEqual(readdirSync(join(camp, "findings")), ["2-I21"]);
      t.deepEqual(readdirSync(join(camp, "findings/2-I21")).toSorted(), files);
      const shrunk = await node(main, ["--tape", join(camp, "findings/2-I21", files[2]!)], directory);
      t.regex(shrunk.out, /I21[^]*? sends \d+ entries at once/);
    });
  },
);

test.serial(
  "many seeds tell the first failure of each kind, where its files are, all kinds, and last the hash",
  async (t) => {
    const mutant = mutants.find(({ name }) => name === "quorum of ceil(n/2)")!;
    const cwd = join(directory, "many");
    const blocked = join(directory, "blocked");
    for (const folder of [cwd, blocked]) mkdirSync(folder);
    // The run cannot leave its files there.
    writeFileSync(join(blocked, "sim-failures"), "not a folder");
    await withMutant(mutant, async (scratch) => {
      const args = ["--seeds", "1..4", "--jobs", "1", "--without", "loss"];
      const many = await node(join(scratch, "sim/main.js"), args, cwd);
      t.is(many.code, 1, many.out);
      t.is([...many.out.matchAll(/^seed \d+: violation \(I7 commit quorum\): n\d commits entry/gm)].length, 1);
      t.regex(many.out, /^seed \d+: I7 commit quorum, as seed 1$/m);
      t.regex(many.out, /^1 kind of failures:\n {2}I7 commit quorum: \d times, seeds 1, /m);
      t.regex(
        many.out,
        /\nnext: npm run sim -- --seed 1 --without loss --shrink.*\n4 seeds, \d failed, .* traces [0-9a-f]{8}\n$/,
      );
      t.true(readdirSync(join(cwd, "sim-failures")).includes("seed-1.without-loss.tape.json"), many.out);
      const full = await node(join(scratch, "sim/main.js"), args, blocked);
      t.is(full.code, 1);
      t.is(traceOf(full), traceOf(many));
      t.regex(full.out, /^seed 1: violation \(I7 commit quorum\): .*\n {2}no files: /m);
      t.notRegex(full.out, /I21/);
    });
  },
);
