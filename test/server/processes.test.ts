/** How a node starts, refuses to start and ends: its flags, directories, ports, signals and strangers. */
import { readdirSync, renameSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import test from "ava";
import { freePorts } from "../../chaos/world/ports.ts";
import { type Exit, freshDirectory, get, ProcessCluster, put, runServer } from "../support/processes.ts";

test.serial("SIGTERM ends a node with exit code 0, and its directory opens again", async (t) => {
  const cluster = await ProcessCluster.start(1);
  try {
    t.is(await put(cluster, 1, "k", "v"), 204);
    t.is(await cluster.end(1, "SIGTERM"), 0);
    cluster.startNode(1);
    await cluster.ready(1);
    t.is(await get(cluster, 1, "k"), "v");
  } finally {
    await cluster.stop();
  }
});

/** Sends raw bytes and returns the status of the answer. */
function raw(port: number, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(Buffer.from(request, "latin1")));
    let answer = "";
    socket.setTimeout(30_000, () => socket.destroy(new Error("no answer")));
    socket.on("data", (chunk) => (answer += chunk.toString("latin1")));
    socket.on("end", () => resolve(answer));
    socket.on("error", reject);
  });
}

test.serial("a key is the raw request target: nothing is tidied", async (t) => {
  const cluster = await ProcessCluster.start(1);
  const port = cluster.ports[0]!;
  try {
    const keys = [
      "/a/../b",
      "//x",
      "/a//b",
      "/./c",
      "/%2e%2e",
      "/a%00b",
      "/%F0%9F%98%80",
      "/with%20space",
      "/v2",
      "/a/../3",
      "/k;p=1",
    ];
    for (const [k, target] of keys.entries()) {
      const head = `Host: x\r\nConnection: close\r\n`;
      const stored = await raw(port, `PUT ${target} HTTP/1.1\r\n${head}Content-Length: 2\r\n\r\n${10 + k}`);
      t.regex(stored, /^HTTP\/1\.1 204/, target);
    }
    for (const [k, target] of keys.entries()) {
      const answer = await raw(port, `GET ${target}?q=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      t.true(answer.endsWith(`\r\n\r\n${10 + k}`), `${target}: ${answer}`);
      const same = await raw(port, `GET /v1/kv${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      t.true(same.endsWith(`\r\n\r\n${10 + k}`), `/v1/kv${target}: ${same}`);
    }
  } finally {
    await cluster.stop();
  }
});

const two = "http://127.0.0.1:1,http://127.0.0.1:2";
for (const [what, args, message] of [
  ["an unknown flag", ["--prot", "1"], /prot/],
  ["a flag given twice", ["--id", "1", "--id", "2"], /--id is given twice/],
  ["no value", ["--port"], /port/],
  ["not a number", ["--port", "http"], /--port takes an integer from 0 to 65535, not "http"/],
  ["out of range", ["--id", "0"], /--id takes an integer from 1/],
  ["an id outside the list", ["--id", "3", "--cluster", two], /--id 3 is not in the --cluster list of 2/],
  ["a malformed URL", ["--cluster", "nonsense"], /"nonsense" is malformed/],
  ["a URL without a port", ["--cluster", "http://127.0.0.1"], /lacks a port/],
  ["a URL with a path", ["--cluster", "http://127.0.0.1:1/x"], /carries a path/],
  ["a URL with a user", ["--cluster", "http://u@127.0.0.1:1"], /carries a user/],
  ["a duplicate URL", ["--cluster", "http://127.0.0.1:1,http://127.0.0.1:1"], /twice/],
  ["--peer-url without --join", ["--peer-url", "http://127.0.0.1:1"], /--peer-url goes with --join/],
  ["a stray argument", ["hello"], /hello/],
  ["a switch given twice", ["--join", "--join"], /--join is given twice/],
  ["the same value given twice", ["--id", "1", "--id=1"], /--id is given twice/],
  ["a switch that is neither on nor off", ["--join=maybe"], /--join is a switch: .* not "maybe"/],
  ["port 0 in a peer URL", ["--cluster", "http://127.0.0.1:0"], /has port 0/],
] as const) {
  test.serial(`usage: ${what} ends with one line and exit code 2`, async (t) => {
    const directory = freshDirectory();
    const { code, stderr } = await runServer(args, {}, directory);
    t.is(code, 2, stderr);
    t.is(stderr.trim().split("\n").length, 1, stderr);
    t.regex(stderr, message);
    t.deepEqual(readdirSync(directory), []);
    rmSync(directory, { recursive: true });
  });
}

test("a flag may come from the environment, and an unknown METASTORE_ name is ignored", async (t) => {
  const { code, stderr } = await runServer([], { METASTORE_PORT: "many", METASTORE_WHATEVER: "1" });
  t.is(code, 2);
  t.regex(stderr, /METASTORE_PORT takes an integer/);
});

test("--version and --help print and exit 0", async (t) => {
  const version = await runServer(["--version"]);
  t.is(version.code, 0);
  t.regex(version.stdout, /^\d+\.\d+\.\d+/);
  t.is((await runServer(["--help"])).code, 0);
});

test.serial(
  "a port or a directory in use, and a directory of another node, end with one line and exit code 1",
  async (t) => {
    const cluster = await ProcessCluster.start(1);
    const [peer, port] = await freePorts(2);
    const elsewhere = freshDirectory();
    const run = (changes: Record<string, string | number>): Promise<Exit> => {
      const flags = {
        cluster: `http://127.0.0.1:${peer}`,
        port: port!,
        "data-dir": elsewhere,
        "log-level": "silent",
        ...changes,
      };
      return runServer(
        Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, ...(value === "" ? [] : [String(value)])]),
      );
    };
    try {
      for (const [changes, message] of [
        [{ port: cluster.ports[0]! }, /client port 127\.0\.0\.1:\d+ is in use\n$/],
        [{ cluster: `http://127.0.0.1:${cluster.peerPorts[0]!}` }, /peer port of \S+ is in use\n$/],
        [{ "data-dir": cluster.directory }, /metaStore-1 is in use by process \d+\n$/],
        [{ rocksdb: "" }, /--rocksdb keeps its files in \S+, which does not exist: make it first\n$/],
        [{ "data-dir": join(elsewhere, "missing") }, /the data directory \S+ does not exist\n$/],
      ] as const) {
        const { code, stderr } = await run(changes);
        t.is(code, 1, stderr);
        t.regex(stderr, message);
      }
      await cluster.end(1, "SIGTERM");
      renameSync(join(cluster.directory, "metaStore-1"), join(elsewhere, "metaStore-2"));
      const other = await run({ id: 2, cluster: `http://127.0.0.1:1,http://127.0.0.1:${peer}` });
      t.is(other.code, 1);
      t.regex(other.stderr, /the directory belongs to node 1, not node 2\n$/);
    } finally {
      await cluster.stop();
      rmSync(elsewhere, { recursive: true });
    }
  },
);

test.serial("a stranger on the peer port gets an answer and a closed socket, and the node goes on", async (t) => {
  const cluster = await ProcessCluster.start(1);
  const peer = cluster.peerPorts[0]!;
  try {
    t.regex(await raw(peer, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), /^HTTP\/1\.1 426/);
    const upgrade = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: metastore-peer\r\n\r\n";
    t.regex(await raw(peer, upgrade + "x".repeat(600)), /^HTTP\/1\.1 101/);
    t.is(await put(cluster, 1, "k", "v"), 204);
  } finally {
    await cluster.stop();
  }
});
