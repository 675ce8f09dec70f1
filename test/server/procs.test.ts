/** The supervisor of the Procfile, with real processes in a folder of their own. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import test, { type ExecutionContext } from "ava";
import { parseProcfile } from "../../server/procs/procfile.ts";
import { freshDirectory } from "../support/processes.ts";

const main = resolve("dist/server/procs/main.js");
/** Writes its pid to a file and ends by SIGTERM only; `sh` runs it beside itself, as it does where it execs nothing. */
const lasting = (name: string, after = ""): string =>
  `${name}: node -e 'fs.writeFileSync("${name}.pid", String(process.pid)); console.log("up"); setInterval(() => {}, 1000)'; echo after${after}`;

class Folder {
  readonly path = freshDirectory();
  #supervisor: ChildProcess | null = null;
  #output = "";

  constructor(lines: readonly string[]) {
    writeFileSync(join(this.path, "Procfile"), `${lines.join("\n")}\n`);
  }

  get output(): string {
    return this.#output;
  }

  supervise(...args: string[]): ChildProcess {
    const env = { ...process.env, PATH: `${this.path}:${process.env["PATH"]}` };
    const child = spawn(process.execPath, [main, ...args], {
      cwd: this.path,
      env,
      stdio: ["ignore", "pipe", "inherit"],
    });
    child.stdout.on("data", (chunk: Buffer) => (this.#output += chunk.toString()));
    this.#supervisor = child;
    return child;
  }

  run(...args: string[]): Promise<{ code: number | null; output: string }> {
    return new Promise((done) => {
      const child = spawn(process.execPath, [main, ...args], { cwd: this.path });
      let output = "";
      for (const stream of [child.stdout, child.stderr])
        stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
      child.on("close", (code) => done({ code, output: output.trim() }));
    });
  }

  pid(name: string): number | null {
    const path = join(this.path, `${name}.pid`);
    const text = existsSync(path) ? readFileSync(path, "utf8") : "";
    return text === "" ? null : Number(text);
  }

  /** From now on `sleep` of the processes here counts what it was asked for, and takes `seconds`. */
  countSleeps(seconds: string): void {
    const real = "/bin/sleep";
    writeFileSync(join(this.path, "sleep"), `#!/bin/sh\necho $1 >> '${this.path}/slept'\nexec ${real} ${seconds}\n`, {
      mode: 0o755,
    });
  }

  get sleptSeconds(): number {
    const path = join(this.path, "slept");
    const asked = existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
    return asked.reduce((sum, seconds) => sum + Number(seconds), 0);
  }

  forget(name: string): void {
    rmSync(join(this.path, `${name}.pid`), { force: true });
  }

  async up(...names: string[]): Promise<number[]> {
    await until(() => names.every((name) => this.pid(name) !== null));
    return names.map((name) => this.pid(name)!);
  }

  async end(): Promise<void> {
    if (this.#supervisor !== null) await ended(this.#supervisor, "SIGTERM");
    rmSync(this.path, { recursive: true });
  }
}

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 2_400; tries++) {
    if (holds()) return;
    await new Promise((done) => setTimeout(done, 25));
  }
  throw new Error("it does not come true");
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exit = new Promise<number | null>((done) => child.once("exit", done));
  child.kill(signal);
  return exit;
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie has ended, though nobody has asked yet.
    return !existsSync(`/proc/${pid}/stat`) || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

type Body = (t: ExecutionContext, folder: Folder) => Promise<void>;

const inFolder = (lines: readonly string[], body: Body) => async (t: ExecutionContext) => {
  const folder = new Folder(lines);
  try {
    await body(t, folder);
  } finally {
    await folder.end();
  }
};

const named = (title: string, lines: readonly string[], body: Body) => test(title, inFolder(lines, body));
const onLinux = (title: string, lines: readonly string[], body: Body) =>
  (existsSync("/proc/self/task") ? test : test.skip)(title, inFolder(lines, body));

const three = [lasting("a"), lasting("b"), lasting("c")];

named(
  "one process that ends, is killed or is stopped takes no other with it, and comes back by name",
  three,
  async (t, folder) => {
    folder.supervise();
    const [a, b, c] = await folder.up("a", "b", "c");
    process.kill(b!, "SIGKILL");
    await until(() => folder.output.includes("b | ended"));
    t.deepEqual(
      [a, b, c].map((pid) => lives(pid!)),
      [true, false, true],
    );
    t.is((await folder.run("status")).output, "a runs\nb does not run\nc runs");
    folder.forget("b");
    t.is((await folder.run("start", "b")).output, "b starts");
    const [again] = await folder.up("b");
    t.not(again, b);
    t.is((await folder.run("start", "b")).output, "b runs already");
    t.is((await folder.run("stop", "c")).output, "c has ended");
    t.false(lives(c!));
    t.is((await folder.run("kill", "a")).output, "a has ended");
    t.false(lives(a!));
    folder.forget("a");
    folder.forget("c");
    t.is((await folder.run("start")).output, "a starts\nb runs already\nc starts");
    await folder.up("a", "c");
    const [before] = await folder.up("b");
    folder.forget("b");
    t.is((await folder.run("restart", "b")).output, "b has ended\nb starts");
    t.not((await folder.up("b"))[0], before);
  },
);

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  named(`${signal} to the supervisor ends all, then itself, and leaves no socket`, three, async (t, folder) => {
    const supervisor = folder.supervise();
    const pids = await folder.up("a", "b", "c");
    t.is(await ended(supervisor, signal), 0);
    t.deepEqual(pids.map(lives), [false, false, false]);
    t.false(existsSync(join(folder.path, ".metastore-procs.sock")));
  });
}

named("kill -9 of the supervisor leaves no orphan, and the next one takes its place", three, async (t, folder) => {
  const supervisor = folder.supervise();
  const pids = await folder.up("a", "b", "c");
  await ended(supervisor, "SIGKILL");
  await until(() => !pids.some(lives));
  for (const name of ["a", "b", "c"]) folder.forget(name);
  folder.supervise("start", "b");
  await folder.up("b");
  t.is((await folder.run("status")).output, "a does not run\nb runs\nc does not run");
});

/** Processes that `pid` has started and whose parent it is. */
function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").map(Number);
}

onLinux("after kill -9 of the supervisor its guard lasts no longer than what it ends", three, async (t, folder) => {
  folder.countSleeps("$1");
  const supervisor = folder.supervise();
  const pids = await folder.up("a", "b", "c");
  const started = childrenOf(supervisor.pid!);
  t.is(started.length, 4);
  await ended(supervisor, "SIGKILL");
  await until(() => ![...pids, ...started].some(lives));
  t.true(folder.sleptSeconds < 20, `${folder.sleptSeconds}`);
});

const stubborn = `a: trap '' TERM; echo $$ > a.pid; while :; do sleep 1; done`;

onLinux(
  "after kill -9 of the supervisor its guard kills what does not end by SIGTERM",
  [stubborn],
  async (t, folder) => {
    folder.countSleeps("0.1");
    const supervisor = folder.supervise();
    const pids = await folder.up("a");
    const started = childrenOf(supervisor.pid!);
    await ended(supervisor, "SIGKILL");
    await until(() => ![...pids, ...started].some(lives));
    t.true(folder.sleptSeconds >= 20, `${folder.sleptSeconds}`);
  },
);

named("a process that the supervisor itself kills is told in a word", three, async (t, folder) => {
  folder.supervise();
  await folder.up("a", "b", "c");
  t.is((await folder.run("kill", "a")).output, "a has ended");
  await until(() => folder.output.includes("a | ended"));
  t.regex(folder.output, /^a \| ended \(SIGKILL\)$/m);
});

for (const [how, command] of [
  ["in the place of its shell", "exec node -e 'process.kill(process.pid, `SIGKILL`)'"],
  ["beside its shell", "node -e 'process.kill(process.pid, `SIGKILL`)'; exit $?"],
] as const) {
  named(
    `a command that is killed ${how} is told with the signal, and how it comes back`,
    [`a: ${command}`],
    async (t, folder) => {
      folder.supervise();
      await until(() => folder.output.includes("ended"));
      t.regex(
        folder.output,
        /^a \| ended \(SIGKILL from outside: by hand, or since memory was short\); "start a" starts it again$/m,
      );
    },
  );
}

named(
  "output carries the name of its process, line by line, also a last line without an end",
  ["one: printf 'x\\ny'; exit 3", "second: echo z >&2"],
  async (t, folder) => {
    folder.supervise();
    await until(() => folder.output.includes("exit 3") && folder.output.includes("exit 0"));
    const lines = folder.output.trim().split("\n");
    t.deepEqual(
      lines.filter((line) => line.startsWith("one")),
      ["one    | x", "one    | y", "one    | ended (exit 3)"],
    );
    t.deepEqual(
      lines.filter((line) => line.startsWith("second")),
      ["second | z", "second | ended (exit 0)"],
    );
  },
);

named("only the owner can open the socket, and a second supervisor asks the first one", three, async (t, folder) => {
  folder.supervise("start", "a");
  const [a] = await folder.up("a");
  t.is(statSync(join(folder.path, ".metastore-procs.sock")).mode & 0o777, 0o600);
  t.deepEqual(await folder.run("start", "a"), { code: 0, output: "a runs already" });
  t.true(lives(a!));
});

named("what cannot be done is one line: 1 not done, 2 usage", three, async (t, folder) => {
  t.deepEqual(await folder.run("stop", "a"), { code: 1, output: "no supervisor runs in this folder: start one first" });
  for (const args of [["stop"], ["begin"], ["start", "a;b"]]) {
    const { code, output } = await folder.run(...args);
    t.is(code, 2);
    t.regex(output, /^usage: [^\n]*$/);
  }
  t.deepEqual(await folder.run("start", "d"), { code: 2, output: "the Procfile has no d" });
  folder.supervise();
  await folder.up("a");
  t.deepEqual(await folder.run("stop", "d"), { code: 1, output: "error: the Procfile has no d, only a, b, c" });
});

test("a Procfile is read as the other runners read it", (t) => {
  const text = "# three\n\nstore1: node x --url http://a:1\nweb_2:   A=1 sh -c 'b: c'\n";
  t.deepEqual(
    [...parseProcfile(text)],
    [
      ["store1", "node x --url http://a:1"],
      ["web_2", "A=1 sh -c 'b: c'"],
    ],
  );
  t.throws(() => parseProcfile("a: b\nnothing"), { message: 'line 2 is not "name: command"' });
  t.throws(() => parseProcfile("a: b\na: c"), { message: "line 2 names a a second time" });
});
