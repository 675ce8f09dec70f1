/** One process a directory: with the kernel's lock, with the socket alone, and where processes differ in what they have. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import test from "ava";
import { DirectoryInUse, loadKernelLock, lockDirectory } from "../../server/lock.ts";
import { freePorts } from "../../chaos/world/ports.ts";
import { freshDirectory, ProcessCluster, put } from "../support/processes.ts";

/** Locks and lets go of the directory in its first argument as it is told to, line by line. */
const holderScript = `
import { createInterface } from "node:readline";
const { loadKernelLock, lockDirectory } = await import(process.argv[1]);
const [, , directory, means] = process.argv;
const kernelLock = means === "kernel" ? await loadKernelLock() : null;
let lock = null;
console.log("up");
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "lock") {
    const told = await lockDirectory(directory, kernelLock, 0).then((one) => ((lock = one), "held"), (error) => error.message);
    console.log(told);
  } else {
    lock?.release();
    lock = null;
    console.log("free");
  }
}
lock?.release();
`;

type Means = "kernel" | "socket";

class Holder {
  readonly child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(directory: string, means: Means, wrapper: readonly string[] = []) {
    const [command, ...args] = [...wrapper, ...holderCommand(directory, means)];
    this.child = spawn(command!, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = createInterface({ input: this.child.stdout! })[Symbol.asyncIterator]();
  }

  static async start(directory: string, means: Means, wrapper: readonly string[] = []): Promise<Holder> {
    const holder = new Holder(directory, means, wrapper);
    await holder.says();
    return holder;
  }

  async says(): Promise<string> {
    return String((await this.#lines.next()).value);
  }

  ask(what: "lock" | "release"): Promise<string> {
    this.child.stdin!.write(`${what}\n`);
    return this.says();
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill(signal);
    await gone;
  }
}

async function inDirectory(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = freshDirectory();
  try {
    await run(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const pairs = [
  ["kernel", "kernel"],
  ["socket", "socket"],
  ["kernel", "socket"],
  ["socket", "kernel"],
] as const;

for (const [first, second] of pairs) {
  test(`${first}, then ${second}: a held directory is refused, and free once it is released or its holder is killed`, async (t) => {
    await inDirectory(async (directory) => {
      const [a, b] = await Promise.all([Holder.start(directory, first), Holder.start(directory, second)]);
      try {
        t.is(await a.ask("lock"), "held");
        t.is(readFileSync(join(directory, "lock"), "utf8").split(" ")[0], String(a.child.pid));
        t.is(await b.ask("lock"), `${directory} is in use by process ${a.child.pid}`);
        await a.ask("release");
        t.deepEqual(readdirSync(directory), []);
        t.is(await b.ask("lock"), "held");
        await b.ask("release");
        t.is(await a.ask("lock"), "held");
        await a.kill();
        t.is(await b.ask("lock"), "held");
        await b.ask("release");
        t.deepEqual(readdirSync(directory), [], "what the killed one has left is removed");
      } finally {
        await Promise.all([a.kill(), b.kill()]);
      }
    });
  });
}

for (const [name, meansOf] of [
  ["the kernel's lock", () => "kernel"],
  ["the socket alone", () => "socket"],
  ["one or the other", (k) => (k % 2 === 0 ? "kernel" : "socket")],
] as const satisfies readonly (readonly [string, (k: number) => Means])[]) {
  test(`of six processes that race for one stale lock, exactly one wins: ${name}`, async (t) => {
    await inDirectory(async (directory) => {
      const racers = await Promise.all(Array.from({ length: 6 }, (_, k) => Holder.start(directory, meansOf(k))));
      try {
        for (let round = 0; round < 6; round++) {
          const stale = await Holder.start(directory, meansOf(round));
          t.is(await stale.ask("lock"), "held");
          await stale.kill();
          const told = await Promise.all(racers.map((racer) => racer.ask("lock")));
          t.is(told.filter((one) => one === "held").length, 1, `round ${round}: ${told.join("; ")}`);
          await Promise.all(racers.map((racer) => racer.ask("release")));
        }
      } finally {
        await Promise.all(racers.map((racer) => racer.kill()));
      }
    });
  });
}

for (const means of ["kernel", "socket"] as const) {
  const kernelLock = async (): ReturnType<typeof loadKernelLock> => (means === "kernel" ? loadKernelLock() : null);

  test(`${means}: a lock that names this very process, or another living one that does not hold it, is stale`, async (t) => {
    await inDirectory(async (directory) => {
      for (const pid of [process.pid, process.ppid]) {
        writeFileSync(join(directory, "lock"), `${pid} 1234`);
        const lock = await lockDirectory(directory, await kernelLock(), 0);
        t.is(readFileSync(join(directory, "lock"), "utf8").split(" ")[0], String(process.pid));
        lock.release();
      }
    });
  });

  test(`${means}: one process cannot lock a directory twice`, async (t) => {
    await inDirectory(async (directory) => {
      const lock = await lockDirectory(directory, await kernelLock(), 0);
      await t.throwsAsync(lockDirectory(directory, await kernelLock(), 0), { instanceOf: DirectoryInUse });
      lock.release();
      lock.release();
      (await lockDirectory(directory, await kernelLock(), 0)).release();
    });
  });

  test(`${means}: a zombie holds nothing; a stopped process holds what it has`, async (t) => {
    await inDirectory(async (directory) => {
      // The shell becomes a program that never collects its child.
      const script = 'trap "" TERM; "$@" <&3 & exec sleep 600';
      const parent = spawn("bash", ["-c", `exec 3<&0; ${script}`, "bash", ...holderCommand(directory, means)], {
        stdio: ["pipe", "pipe", "inherit"],
        detached: true,
      });
      try {
        const lines = createInterface({ input: parent.stdout })[Symbol.asyncIterator]();
        await lines.next();
        parent.stdin.write("lock\n");
        t.is((await lines.next()).value, "held");
        const pid = Number(readFileSync(join(directory, "lock"), "utf8").split(" ")[0]);
        process.kill(pid, "SIGSTOP");
        await t.throwsAsync(lockDirectory(directory, await kernelLock(), 0), { instanceOf: DirectoryInUse });
        process.kill(pid, "SIGKILL");
        // What it has open is closed when the last of its threads has ended.
        await until(() => stateOf(pid) === "Z" && readdirSync(`/proc/${pid}/task`).length === 1);
        (await lockDirectory(directory, await kernelLock(), 0)).release();
        t.is(stateOf(pid), "Z");
      } finally {
        process.kill(-parent.pid!, "SIGKILL");
      }
    });
  });

  test(`${means}: the lock holds between two containers, each with process ids and a network of its own`, async (t) => {
    const container = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--net"];
    if (spawnSync(container[0]!, [...container.slice(1), "true"]).status !== 0) {
      t.log("skipped: this user may not make namespaces");
      t.pass();
      return;
    }
    await inDirectory(async (directory) => {
      const [a, b] = [await Holder.start(directory, means, container), await Holder.start(directory, means, container)];
      try {
        t.is(await a.ask("lock"), "held");
        t.is(await b.ask("lock"), `${directory} is in use by process 1`);
        await a.kill();
        await until(async () => (await b.ask("lock")) === "held");
        t.pass();
      } finally {
        await Promise.all([a.kill(), b.kill()]);
      }
    });
  });

  test(`${means}: a directory whose path is longer than a socket's address is locked`, async (t) => {
    await inDirectory(async (directory) => {
      const deep = join(directory, "d".repeat(120));
      mkdirSync(deep);
      const lock = await lockDirectory(deep, await kernelLock(), 0);
      await t.throwsAsync(lockDirectory(deep, null, 0), { instanceOf: DirectoryInUse });
      lock.release();
    });
  });
}

test("a lock on a file that its holder has removed meanwhile counts for nothing", async (t) => {
  await inDirectory(async (directory) => {
    const tryLock = (await loadKernelLock())!;
    let isFirst = true;
    const lock = await lockDirectory(
      directory,
      (...range) => {
        if (isFirst) rmSync(join(directory, "lock"));
        isFirst = false;
        return tryLock(...range);
      },
      100,
    );
    t.is(readFileSync(join(directory, "lock"), "utf8").split(" ")[0], String(process.pid));
    lock.release();
  });
});

function holderCommand(directory: string, means: Means): readonly string[] {
  const lockModule = join(process.cwd(), "dist/server/lock.js");
  return [process.execPath, "--input-type=module", "-e", holderScript, lockModule, directory, means];
}

function stateOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  return stat.slice(stat.lastIndexOf(")") + 2)[0]!;
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 2_400; tries++) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error("it does not come to hold");
}

test.serial("a node that is killed can be started again at once", async (t) => {
  const cluster = await ProcessCluster.start(1);
  try {
    for (let round = 0; round < 3; round++) {
      t.is(await put(cluster, 1, "k", String(round)), 204);
      await cluster.end(1, "SIGKILL");
      cluster.startNode(1);
      await cluster.ready(1);
    }
  } finally {
    await cluster.stop();
  }
});

test.serial("of four nodes that are started at once on one directory, one runs", async (t) => {
  await inDirectory(async (directory) => {
    mkdirSync(join(directory, "metaStore-1"));
    writeFileSync(join(directory, "metaStore-1", "lock"), `${process.pid} 1`);
    const ports = await freePorts(8);
    const main = join(process.cwd(), "dist/server/main.js");
    const nodes = [0, 1, 2, 3].map((k) => {
      const places = ["--cluster", `http://127.0.0.1:${ports[k]!}`, "--port", String(ports[k + 4]!)];
      const child = spawn(process.execPath, [main, ...places, "--data-dir", directory]);
      const node = { child, stderr: "", code: null as number | null };
      child.stderr.on("data", (chunk: Buffer) => (node.stderr += chunk.toString()));
      child.on("exit", (code) => (node.code = code));
      return node;
    });
    try {
      await until(() => nodes.filter(({ code }) => code !== null).length === 3);
      const lost = nodes.filter(({ code }) => code !== null);
      for (const { code, stderr } of lost) {
        t.is(code, 1);
        t.regex(stderr, /^metaStore: \S+metaStore-1 is in use by process \d+\n$/);
      }
      await until(() => nodes.some(({ stderr }) => stderr.includes("leads term")));
    } finally {
      for (const { child } of nodes) child.kill("SIGKILL");
    }
  });
});
