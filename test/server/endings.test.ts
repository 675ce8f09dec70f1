/** How a process ends, or does not, by what it did not expect. */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { freePorts } from "../../chaos/world/ports.ts";
import { freshDirectory, ProcessCluster, runServer } from "../support/processes.ts";
import { RawClient } from "../support/raw-http.ts";

/** Runs `thrown` in the server's process once the directory is locked. */
function planted(directory: string, thrown: string): NodeJS.ProcessEnv {
  const lock = JSON.stringify(join(directory, "metaStore-1", "lock"));
  const script = `import { existsSync } from "node:fs";
    const timer = setInterval(() => { if (!existsSync(${lock})) return; clearInterval(timer); ${thrown}; }, 5);`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(script)}` };
}

async function places(directory: string): Promise<string[]> {
  const [peer, port] = await freePorts(2);
  return ["--cluster", `http://127.0.0.1:${peer}`, "--port", String(port), "--data-dir", directory];
}

for (const [what, thrown] of [
  ["an exception", 'throw new Error("boom\\n  and more")'],
  ["a rejection that nobody handles", 'void Promise.reject(new Error("boom\\n  and more"))'],
] as const) {
  test(`${what}: one line, exit code 1, no lock left; NODE_DEBUG=metastore tells where`, async (t) => {
    const directory = freshDirectory();
    try {
      const args = [...(await places(directory)), "--log-level", "silent"];
      const { code, stderr } = await runServer(args, planted(directory, thrown));
      t.is(code, 1);
      t.is(stderr, "metaStore: unexpected error (NODE_DEBUG=metastore prints where): boom and more\n");
      t.false(readdirSync(join(directory, "metaStore-1")).some((name) => name.startsWith("lock")));
      const env = { ...planted(directory, thrown), NODE_DEBUG: "metastore" };
      t.regex((await runServer(args, env)).stderr, /METASTORE \d+: Error: boom[\s\S]* at /);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
}

test("a signal while the node starts: exit code 0, no lock left", async (t) => {
  const directory = freshDirectory();
  try {
    const signal = 'process.kill(process.pid, "SIGTERM")';
    const { code, stderr } = await runServer(await places(directory), planted(directory, signal));
    t.is(code, 0, stderr);
    t.false(existsSync(join(directory, "metaStore-1", "lock")));
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("a log that nobody reads any more ends no node", async (t) => {
  const directory = freshDirectory();
  const args = await places(directory);
  const child = spawn(process.execPath, [join(process.cwd(), "dist/server/main.js"), ...args]);
  child.stderr.destroy();
  try {
    let isReady = false;
    for (let tries = 0; tries < 1_200 && !isReady && child.exitCode === null; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      isReady = await fetch(`http://127.0.0.1:${args[3]}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      );
    }
    t.true(isReady);
  } finally {
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await gone;
    rmSync(directory, { recursive: true });
  }
});

test.serial("a removed member ends no kept-alive connection without a word", async (t) => {
  const cluster = await ProcessCluster.start(3);
  try {
    const client = new RawClient(cluster.ports[0]!);
    const ended = new Promise<string>((resolve) => client.socket.once("end", () => resolve("ended")));
    const removed = fetch(`${cluster.url(1)}/v1/members/1`, { method: "DELETE" });
    let asked = 0;
    for (let last = ""; !/^connection: close/im.test(last); asked++) {
      client.received = "";
      client.send("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
      const came = await Promise.race([client.take(1), ended]);
      if (came === "ended") break;
      last = client.received;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    t.is((await removed).status, 204);
    t.regex(client.received, /^connection: close/im, `after ${asked} requests`);
    client.socket.destroy();
  } finally {
    await cluster.stop();
  }
});

test("more founders than can found a cluster are refused: one line, exit code 2", async (t) => {
  const directory = freshDirectory();
  try {
    const urls = Array.from({ length: 65 }, (_, k) => `http://127.0.0.1:${20_000 + k}`).join(",");
    const { code, stderr } = await runServer(["--cluster", urls, "--data-dir", directory]);
    t.is(code, 2);
    t.regex(stderr, /^metaStore: --cluster names 65 founders; there may be 64, and others join later [^\n]+\n$/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
