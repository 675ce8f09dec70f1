/** `npm run mutants`, as a real process: what it is asked, and that it leaves nothing behind, however it ends. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pass } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { mustCompile } from "../../mutation/compile.ts";
import { editsOf, MutantError } from "../../mutation/mutant.ts";
import { mutants as all } from "../../mutation/mutants/all.ts";
import { mutantsOptions, UsageError } from "../../mutation/options.ts";

const directory = mkdtempSync(join(tmpdir(), "metastore-mutants-command-"));
test.after.always(() => rmSync(directory, { recursive: true, force: true }));

type Ended = { readonly code: number; readonly out: string; readonly err: string };

function mutants(...args: readonly string[]): Promise<Ended> {
  return new Promise((done) => {
    const child = execFile(process.execPath, ["dist/mutation/main.js", ...args], (_error, out, err) => {
      done({ code: child.exitCode ?? -1, out, err });
    });
  });
}

/** The command ends with 2, and one line of `said`. */
async function endsInALine(t: ExecutionContext, said: RegExp, ...args: readonly string[]): Promise<void> {
  const { code, err } = await mutants(...args);
  t.is(code, 2, `${args.join(" ")}: ${err}`);
  t.regex(err, said);
  t.is(err.trim().split("\n").length, 1);
}

/** A file with `content` as JSON; its path. */
function json(name: string, content: unknown): string {
  const path = join(directory, name);
  writeFileSync(path, JSON.stringify(content));
  return path;
}

const bug = {
  name: "everybody is a majority",
  file: "core/raft/quorum.ts",
  old: "matches[voters.length >> 1]!",
  new: "matches[voters.length >> 2]!",
};
const raft = "core/raft/raft.ts";
const sleeps = {
  name: "a node sleeps",
  file: raft,
  old: "#wakeAt(): Micros {",
  new: "#wakeAt(): Micros {\n    if (this.term >= 0) return Infinity;",
};
const asserts = {
  name: "an assertion that fails",
  edits: [
    { file: raft, old: "import { assert, unreachable }", new: "import { assert as check, assert, unreachable }" },
    { file: raft, old: sleeps.old, new: `${sleeps.old}\n    check(this.term < 2, "planted");` },
  ],
};

test.serial("wrong flags end in 2 with one line that says what is right", async (t) => {
  const own = json("usage.json", [sleeps]);
  const rows = json("other-rows.json", { version: 1, asked: "something else", rows: [] });
  const wrong: readonly (readonly [RegExp, ...string[]])[] = [
    [/no mutant is named like "no such name"/, "no such name"],
    [/no mutant is named like "acknowledged\*"/, "acknowledged*", "--file", own],
    [/--jobs takes an integer from 1 on/, "--jobs", "0"],
    [/--seeds takes an integer/, "--seeds", "many"],
    [/--from takes 1 to 1, or the name/, "--file", own, "--from", "2"],
    [/--from takes 1 to 1, or the name/, "--file", own, "--from", "no such name"],
    [/--without takes some of loss,/, "--without", "rain"],
    [/--write is for all mutants, with all/, "--write", "acknowledged"],
    [
      /--write is for all mutants, and the file of --json has nothing of/,
      "--write",
      "--from",
      "3",
      "--json",
      "no.json",
    ],
    [/other-rows.json is of a run with other options/, "--from", "3", "--json", rows],
    [
      /the reason for "acknowledged before fsync" is text/,
      "--defended",
      json("r1.json", { "acknowledged before fsync": 1 }),
    ],
    [/no mutant is named "nobody"/, "--defended", json("r2.json", { nobody: "why" })],
    [/usage.json: .*ENOENT|no-usage.json: ENOENT/, "--file", join(directory, "no-usage.json")],
    [/Unknown argument/, "--rain"],
  ];
  for (const [said, ...args] of wrong) {
    const { message } = await t.throwsAsync(mutantsOptions(args), { instanceOf: UsageError }, args.join(" "));
    t.regex(message, said);
    t.false(message.includes("\n"), message);
  }
  await endsInALine(t, ...wrong[0]!);
});

test.serial("mutants of one's own that are none say why", async (t) => {
  const broken: readonly (readonly [RegExp, unknown])[] = [
    [/a list of \{name, file, old, new\} or \{name, edits\} is expected/, {}],
    [/mutant 0 is \{name, file, old, new\}, all strings/, [{ name: 1 }]],
    [/mutant 1 is .* or \{name, edits\} with a list/, [bug, { name: "no edits", edits: [] }]],
    [/may have a layer, a tier of a, b, c/, [{ ...bug, tier: "d" }]],
    [/two mutants are named "everybody is a majority"/, [bug, bug]],
    [/"none of it" applies 0 times in core\/raft\/quorum.ts/, [{ ...bug, name: "none of it", old: "nowhere" }]],
    [
      /"no type" does not compile: core\/raft\/quorum.ts:\d+:\d+: TS\d+: /,
      [{ ...bug, name: "no type", new: 'matches["many"]!' }],
    ],
  ];
  for (const [said, content] of broken) {
    const args = ["--file", json("broken.json", content)];
    const asked = mutantsOptions(args).then((options) => mustCompile(options.asked));
    const { message, constructor } = await t.throwsAsync(asked);
    t.true(constructor === UsageError || constructor === MutantError, message);
    t.regex(message, said);
    t.false(message.includes("\n"), message);
  }
  // As a process: a mutant that is written wrongly, and a mutant that does not compile.
  for (const [said, content] of [broken[1]!, broken.at(-1)!])
    await endsInALine(t, said, "--file", json("broken.json", content));
});

test.serial(
  "a list of one's own: several edits, a pattern, reasons; each is written down, and a run goes on where it was",
  async (t) => {
    t.timeout(900_000);
    const several = {
      name: "a node sleeps, in two places",
      edits: [
        { ...sleeps, name: undefined },
        { ...bug, name: undefined },
      ],
    };
    const harmless = {
      name: "nothing changes",
      file: raft,
      old: "#wakeAt(): Micros {",
      new: "#wakeAt(): Micros {\n    // Nothing.",
      defended: "it is a comment",
    };
    const own = json("own.json", [sleeps, several, harmless, asserts]);
    const rows = join(directory, "rows.json");
    const flags = [
      "--file",
      own,
      "--json",
      rows,
      "--alone",
      "0",
      "--seeds",
      "4",
      "--jobs",
      "1",
      "--without-assertions",
    ];
    // Without one family, since then no scenarios are asked.
    const first = await mutants("a node*", ...flags, "--without", "burst");
    t.is(first.code, 0, first.err);
    t.regex(first.out, /\n2 of 2 noticed by seeds/);
    const saved = (): string[] =>
      (JSON.parse(readFileSync(rows, "utf8")) as { rows: { name: string }[] }).rows.map(({ name }) => name);
    t.deepEqual(saved(), [sleeps.name, several.name]);
    const second = await mutants("--from", "nothing", ...flags, "--without", "burst");
    t.is(second.code, 0, second.err);
    t.deepEqual(saved(), [sleeps.name, several.name, harmless.name, asserts.name]);
    t.false(second.err.includes(several.name));
    t.regex(second.out, /\| by nothing: it is a comment \|/);
    t.regex(second.out, /I21 crash and hang freedom; NOT NOTICED BY THE LAWS ALONE/);
    t.regex(second.out, /\n3 of 4 noticed by seeds.*; 1 do no harm.*switched off: 2 of 3 \(67 %\)/);
  },
);

test.serial("a bug that only one family of faults brings to light is said to need it", async (t) => {
  t.timeout(900_000);
  const [found] = all.filter(({ name }) => name === "the checksum of a frame is not looked at");
  // Each run takes one second: without the family it takes many runs to believe that none notices.
  const short = {
    file: "sim/plan/plan.ts",
    old: 'pick("safetyMicros", [10_000_000, 20_000_000, 30_000_000])',
    new: "1_000_000",
  };
  const own = json("short.json", [{ name: "the checksum of a frame", edits: [...editsOf(found!), short] }]);
  const { code, out } = await mutants("--file", own, "--alone", "0", "--shrink", "5", "--needs", "100");
  t.is(code, 0, out);
  t.regex(out, /of 1 asked, not noticed without the family: corruption 1/);
});

/** Processes whose command line names `path`. */
function processesWith(path: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(path);
    } catch {
      return false;
    }
  });
}

async function until(reached: () => boolean): Promise<void> {
  for (let tries = 0; !reached(); tries++) {
    if (tries > 2_400) throw new Error("it does not come");
    await pass(50);
  }
}

const hangs = { ...sleeps, new: "#wakeAt(): Micros {\n    while (this.term >= 0);" };

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGKILL", null],
] as const) {
  test.serial(`${signal} ends the run, and nothing of it is left: no process, no copy`, async (t) => {
    t.timeout(900_000);
    const own = json(`${signal}.json`, [{ ...hangs, name: "a turn that never ends" }]);
    const temporary = join(directory, signal);
    mkdirSync(temporary);
    const child: ChildProcess = spawn(process.execPath, ["dist/mutation/main.js", "--file", own, "--json", "no.json"], {
      env: { ...process.env, TMPDIR: temporary },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    child.stderr!.on("data", (text: string) => (said += text));
    const gone = new Promise<number | null>((done) => child.once("close", done));
    // The guard, and a runner whose first run hangs.
    await until(() => processesWith(temporary).length === 2);
    t.is(readdirSync(temporary).length, 1);
    await pass(500);
    child.kill(signal);
    t.is(await gone, code);
    if (code !== null) t.regex(said, /stopped, with 0 of 1 done; go on with --from 1 --json no.json/);
    await until(() => processesWith(temporary).length === 0 && readdirSync(temporary).length === 0);
    t.pass();
  });
}
