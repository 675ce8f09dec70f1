/** The README's commands, run as they stand there but for their ports, in a folder of their own. */
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import test from "ava";
import { freePorts } from "../chaos/world/ports.ts";
import { freshDirectory } from "./support/processes.ts";

const readme = readFileSync("README.md", "utf8");
/** Every fenced shell block, in order. */
const blocks = [...readme.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block]) => block!);

function blockWith(command: string): string {
  const block = blocks.find((one) => one.includes(command));
  if (block === undefined) throw new Error(`the README has no block with ${command}`);
  return block;
}

/** The ports that README and Procfile name, and the flags' defaults; each run takes free ones in their place. */
const namedPorts = [9121, 9021, 12379, 22379, 32379, 42379, 12380, 22380, 32380, 42380];

/** A clone, as far as the commands can tell, with the Procfile as `moved` makes it. */
function clone(moved: (text: string) => string = (text) => text): string {
  const directory = freshDirectory();
  for (const name of ["dist", "node_modules"]) symlinkSync(resolve(name), join(directory, name));
  for (const name of ["package.json", "tsconfig.json", "test", "core"]) {
    cpSync(name, join(directory, name), { recursive: true });
  }
  writeFileSync(join(directory, "Procfile"), moved(readFileSync("Procfile", "utf8")));
  return directory;
}

type Run = { readonly code: number; readonly stdout: string; readonly output: string };

/** Runs `script` until it ends; at the latest after five minutes, all that it has started is killed. */
function bash(directory: string, script: string, env: NodeJS.ProcessEnv = {}): Promise<Run> {
  const child = spawn("bash", ["-c", script], { cwd: directory, detached: true, env: { ...process.env, ...env } });
  let stdout = "";
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
    output += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const timer = setTimeout(() => process.kill(-child.pid!, "SIGKILL"), 300_000);
  return new Promise((done) => {
    child.on("close", (code) => {
      clearTimeout(timer);
      done({ code: code ?? -1, stdout, output });
    });
  });
}

function start(directory: string, command: string, env: NodeJS.ProcessEnv): ChildProcess {
  const options = { cwd: directory, detached: true, stdio: "ignore", env: { ...process.env, ...env } } as const;
  return spawn("bash", ["-c", command], options);
}

/** Ends the command and what it has started, its own process group; returns when all of it is gone. */
async function stop({ pid }: ChildProcess): Promise<void> {
  const signal = (name: NodeJS.Signals | 0): boolean => {
    try {
      return process.kill(-pid!, name);
    } catch {
      return false;
    }
  };
  signal("SIGTERM");
  // A leader without a majority takes a while to give up handing over.
  for (let tries = 0; tries < 400 && signal(0); tries++) await new Promise((done) => setTimeout(done, 50));
}

async function ready(url: string): Promise<void> {
  for (let tries = 0; tries < 1_200; tries++) {
    const ok = await fetch(`${url}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ok) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`${url} is not ready`);
}

test.serial("the first two lines set up, and run the main job or the tests", (t) => {
  t.regex(readme, /^# metaStore\n\n {4}npm ci && npm start .*\n {4}npm ci && npm test /);
  t.regex(readFileSync(".ci/run", "utf8"), /^npm ci && npm test$/m);
});

/** Runs in its folder, and is stopped, what the blocks do one after the other; each port they name is a free one there. */
class Session {
  readonly directory: string;
  readonly #ports: ReadonlyMap<string, number>;
  readonly #env: NodeJS.ProcessEnv;
  readonly #running = new Set<ChildProcess>();

  private constructor(free: readonly number[]) {
    this.#ports = new Map(namedPorts.map((port, k) => [String(port), free[k]!]));
    this.directory = clone((text) => this.moved(text));
    // What a lone node takes by default.
    this.#env = {
      METASTORE_PORT: this.moved("9121"),
      METASTORE_CLUSTER: this.moved("http://127.0.0.1:9021"),
    };
  }

  static async begin(): Promise<Session> {
    return new Session(await freePorts(namedPorts.length));
  }

  /** `text` with the ports of this session. */
  moved(text: string): string {
    return text.replaceAll(/\b\d{4,5}\b/g, (port) => String(this.#ports.get(port) ?? port));
  }

  url(port: number): string {
    return this.moved(`http://127.0.0.1:${port}`);
  }

  start(command: string): ChildProcess {
    const child = start(this.directory, this.moved(command), this.#env);
    this.#running.add(child);
    return child;
  }

  async stop(child: ChildProcess): Promise<void> {
    await stop(child);
    this.#running.delete(child);
  }

  run(script: string): Promise<Run> {
    return bash(this.directory, this.moved(script), this.#env);
  }

  async end(): Promise<void> {
    for (const child of this.#running) await stop(child);
    rmSync(this.directory, { recursive: true });
  }
}

test.serial("the README's nodes, block after block in one folder", async (t) => {
  t.timeout(300_000);
  const session = await Session.begin();
  try {
    const one = session.start("exec npm start");
    await ready(session.url(9121));
    const first = await session.run(blockWith("http://127.0.0.1:9121/my-key"));
    t.is(first.code, 0, first.output);
    t.regex(first.output, /204 No Content[\s\S]*hello[\s\S]*204 No Content[\s\S]*"role":"leader"/);
    await session.stop(one);

    const cluster = session.start(blockWith("npm run cluster\n"));
    await Promise.all([12380, 22380, 32380].map((port) => ready(session.url(port))));
    const killed = await session.run(blockWith("npm run cluster kill store2"));
    t.is(killed.code, 0, killed.output);
    t.regex(killed.stdout, /store2 has ended\n[\s\S]*bar$/);
    const back = await session.run(blockWith("npm run cluster start store2"));
    t.is(back.code, 0, back.output);
    t.regex(back.stdout, /store2 starts\n[\s\S]*bar$/);

    const [add, startFourth] = blockWith("curl -XPOST").trim().split("\n") as [string, string];
    t.is((await session.run(add)).code, 0);
    const fourth = session.start(startFourth);
    await ready(session.url(42380));
    const change = await session.run(blockWith("curl -i -XDELETE http://127.0.0.1:12380/3"));
    t.regex(change.stdout, /204 No Content[\s\S]*bar$/);
    await session.stop(fourth);
    await session.stop(cluster);

    const rows = session.start(blockWith("--rocksdb"));
    await ready(session.url(9121));
    t.regex((await session.run("curl http://127.0.0.1:9121/v1/status")).stdout, /"engine":"rocksdb"/);
    await session.stop(rows);

    // The first node's data are where they were, and so are the cluster's.
    const again = session.start("exec npm start");
    await ready(session.url(9121));
    await session.stop(again);
  } finally {
    await session.end();
  }
});

test.serial("SIGTERM to npm start ends the node, and to npm run cluster all of them", async (t) => {
  const session = await Session.begin();
  try {
    for (const [command, ports] of [
      ["exec npm start", [9121]],
      ["exec npm run cluster", [12380, 22380, 32380]],
    ] as const) {
      const npm = session.start(command);
      await Promise.all(ports.map((port) => ready(session.url(port))));
      const gone = new Promise((done) => npm.once("exit", done));
      npm.kill("SIGTERM");
      await gone;
      for (const port of ports) await t.throwsAsync(fetch(`${session.url(port)}/livez`));
    }
  } finally {
    await session.end();
  }
});

for (const [command, code, output] of [
  ["npm run sim -- --seed 7", 0, /seed 7: ok[\s\S]*trace/],
  ["npm run sim -- --seeds 1..20", 0, /20 seeds, 0 failed/],
  ["npm run sim -- --seed 7 --report run.html", 0, /wrote run.html/],
  ["npm run check-history -- test/checker/testdata/stale-read.jsonl", 1, /^illegal .* stale by at least 11$/m],
  ["npm run check-proof -- --cases 20000", 0, /dispatch: illegal by zones/],
  ["npx ava dist/test/server/api.test.js", 0, /tests passed/],
  ["npx ava dist/test/storage/wal-recovery.test.js", 0, /tests passed/],
  ["npx ava dist/test/storage/state-store.test.js", 0, /tests passed/],
  ["npm start -- --help", 0, /--cluster/],
] as const) {
  test.serial(command, async (t) => {
    t.true(readme.includes(command));
    const directory = clone();
    try {
      const run = await bash(directory, command);
      t.is(run.code, code, run.output);
      t.regex(run.output, output);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
}

test.serial(
  "npm run chaos -- --minutes 2, for half a minute, with a seed and patience for a busy machine",
  async (t) => {
    t.true(readme.includes("npm run chaos -- --minutes 2"));
    t.timeout(600_000);
    const directory = clone();
    const families = "kill,pause,link,partition,reset,rolling,wipe,grow-shrink,log-deleted,stranger,two-processes";
    try {
      const flags = `--seed 21 --families ${families} --rate 40 --serve-ms 60000`;
      const run = await bash(directory, `npm run chaos -- --minutes 0.5 ${flags}`);
      t.is(run.code, 0, run.output);
      t.regex(run.output, /nothing found/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
);

for (const [command, output, flags] of [
  ['npm run mutants -- "acknowledged before fsync"', /1 of 1 noticed/, "--alone 3"],
  ["npm run bench -- sim", /events\/s/],
  ["npm run bench -- server", /^put metaStore .*\/s/m],
  ["npm run bench -- snapshot", /^RocksDB +installed .*p99\.9/m],
  ["npm run bench -- disk", /^RocksDB +most in the first half/m],
  ["npm run bench -- checker", /^general engine: 1000 operations/m],
] as const) {
  test.serial(`${command}, one short round of it`, async (t) => {
    t.true(readme.includes(command));
    const directory = clone();
    try {
      const run = await bash(directory, `${command} ${flags ?? "--quick"}`);
      t.is(run.code, 0, run.output);
      t.regex(run.output, output);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
}

test.serial("every command of the README is run by a test", (t) => {
  const commands = blocks.flatMap((block) => block.trim().split("\n"));
  const source = readFileSync("test/readme.test.ts", "utf8");
  const story = [
    "http://127.0.0.1:9121/my-key",
    "npm run cluster\n",
    "npm run cluster kill store2",
    "npm run cluster start store2",
    "curl -XPOST",
    "curl -i -XDELETE http://127.0.0.1:12380/3",
    "--rocksdb",
  ]
    .map(blockWith)
    .join("");
  for (const command of commands) t.true(source.includes(command) || story.includes(command), command);
});
