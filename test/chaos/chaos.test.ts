/** A short run of the whole: real processes, real faults, the verdict, and nothing left behind. */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { Budget } from "../../chaos/nemesis/budget.ts";
import { families } from "../../chaos/nemesis/families.ts";
import { parseOptions, UsageError } from "../../chaos/options.ts";
import type { World } from "../../chaos/world/world.ts";
import { freshDirectory } from "../support/processes.ts";

type Ended = { readonly code: number | null; readonly output: string };

/** Runs the command with its temporary files in `directory`; `onLine` may end it. */
function runChaos(
  directory: string,
  args: readonly string[],
  onLine: (line: string, end: (signal: NodeJS.Signals) => void) => void = () => undefined,
): Promise<Ended> {
  const child = spawn(process.execPath, ["dist/chaos/main.js", ...args, "--out", join(directory, "out")], {
    env: { ...process.env, TMPDIR: directory },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      onLine(chunk.toString(), (signal) => child.kill(signal));
    });
  }
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, output })));
}

/** A busy machine is given more time to serve than an operator would give. */
const patient = ["--rate", "40", "--serve-ms", "60000"];

test.serial(
  "a cluster under real faults answers nothing wrong, serves at the end, and leaves nothing behind",
  async (t) => {
    const directory = freshDirectory();
    const chosen = "kill,pause,link,partition,log-deleted,stranger,two-processes";
    const args = ["--seed", "15", "--minutes", "0.5", "--families", chosen, ...patient];
    const { code, output } = await runChaos(directory, args);
    t.is(code, 0, output);
    t.regex(output, /verdict {5}nothing found/);
    t.regex(output, /faults {6}\S+ \d/);
    const out = join(directory, "out/seed-15");
    for (const name of ["history.jsonl", "schedule.jsonl", "line.txt", "log-n1.txt"])
      t.true(existsSync(join(out, name)));
    t.regex(readFileSync(join(out, "index.html"), "utf8"), /class="band"/);
    rmSync(join(directory, "out"), { recursive: true });
    t.deepEqual(readdirSync(directory), []);
    rmSync(directory, { recursive: true });
  },
);

test.serial("Ctrl-C ends a run with what it has", async (t) => {
  const directory = freshDirectory();
  const args = ["--seed", "16", "--minutes", "30", "--families", "kill", ...patient];
  const { code, output } = await runChaos(directory, args, (line, end) => {
    if (/operations, /.test(line)) end("SIGINT");
  });
  t.is(code, 0, output);
  t.regex(output, /ending with what it has[^]*verdict/);
  rmSync(directory, { recursive: true });
});

/** Command lines of processes that run and name `text`. */
function processesNaming(text: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ");
      } catch {
        return [];
      }
    })
    .filter((line) => line.includes(text));
}

test.serial("kill -9 of a run leaves no process and no folder", async (t) => {
  const directory = freshDirectory();
  const args = ["--seed", "17", "--minutes", "30", "--families", "pause", ...patient];
  let ran = 0;
  await runChaos(directory, args, (line, end) => {
    if (!/[1-9]\d* operations, /.test(line) || ran > 0) return;
    ran = processesNaming(join(directory, "metastore-chaos-")).length;
    end("SIGKILL");
  });
  t.true(ran >= 3);
  while (readdirSync(directory).length > 0 || processesNaming(join(directory, "metastore-chaos-")).length > 0)
    await new Promise((resolve) => setTimeout(resolve, 50));
  rmSync(directory, { recursive: true });
  t.pass();
});

test("each family has a name of its own, and says what it needs", (t) => {
  t.is(new Set(families.map(({ name }) => name)).size, families.length);
  for (const { name, needs } of families) t.true(/^[a-z-]+$/.test(name) && needs.length > 5, name);
});

test("what the command line asks for is checked", (t) => {
  t.is(parseOptions(["--seed", "7"])?.seed, 7);
  t.deepEqual(
    parseOptions(["--families", "kill,wipe"])?.families.map(({ name }) => name),
    ["kill", "wipe"],
  );
  for (const args of [
    ["--families", "kil"],
    ["--nodes", "x"],
    ["--rocksdb", "--etcd"],
    ["--unknown"],
    ["--minutes", "0"],
  ])
    t.throws(() => parseOptions(args), { instanceOf: UsageError });
});

test("the budget lets one strike take data at a time, and none beside a copy that is put back", (t) => {
  const budget = new Budget({ present: [] } as unknown as World);
  t.true(budget.fits("data", ["process", "link"]));
  t.false(budget.fits("data", ["data"]));
  t.false(budget.fits("members", ["data"]));
  t.false(budget.fits("alone", ["link"]));
  t.false(budget.fits("link", ["alone"]));
});
