/** A start that fails: one line that says what is there, exit code 1, and no lock left. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { freePorts } from "../../chaos/world/ports.ts";
import { type Exit, freshDirectory, get, ProcessCluster, put, runServer } from "../support/processes.ts";

/** Runs a node on free ports with `directory` as its data directory, until it exits by itself. */
async function run(directory: string, args: readonly string[]): Promise<Exit> {
  const [peer, port] = await freePorts(2);
  const places = ["--cluster", `http://127.0.0.1:${peer}`, "--port", String(port), "--log-level", "silent"];
  return runServer([...places, ...(args.includes("--data-dir") ? [] : ["--data-dir", directory]), ...args]);
}

function isOneLine(t: ExecutionContext, { code, stderr, stdout }: Exit, line: RegExp): void {
  t.is(code, 1, stderr);
  t.regex(stderr, line);
  t.is(stderr.trimEnd().split("\n").length, 1, stderr);
  t.is(stdout, "");
}

function hasNoLock(t: ExecutionContext, directory: string): void {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true });
  t.deepEqual(
    files.filter((file) => file.isSocket() || (file.isFile() && file.name === "lock")).map(({ name }) => name),
    [],
  );
}

const failures: readonly (readonly [string, readonly string[], (directory: string) => void, RegExp])[] = [
  [
    "a file where data/ is to be",
    ["--rocksdb"],
    (directory) => writeFileSync(join(directory, "data"), ""),
    /--rocksdb keeps its files in \S+data, which is not a directory$/m,
  ],
  [
    "a stray file in the log's directory",
    [],
    (directory) => {
      mkdirSync(join(directory, "metaStore-1"));
      writeFileSync(join(directory, "metaStore-1", "notes.txt"), "");
    },
    /metaStore-1: the directory holds notes\.txt but no identity file: move notes\.txt away$/m,
  ],
  [
    "an address for clients that is not this machine's",
    ["--host", "192.0.2.1"],
    () => undefined,
    /client port 192\.0\.2\.1:\d+ cannot be had/,
  ],
  [
    "a data directory that takes no directory",
    ["--data-dir", "/proc"],
    () => undefined,
    /\/proc\/metaStore-1 cannot be used: ENOENT/,
  ],
  [
    "a RocksDB that cannot be opened",
    ["--rocksdb"],
    (directory) => mkdirSync(join(directory, "data", "1", "LOCK"), { recursive: true }),
    /data\/1\/LOCK is a directory, and the node keeps a file there: move it away$/m,
  ],
];
for (const [what, args, prepare, line] of failures) {
  test.serial(`${what}: one line, exit code 1, no lock left`, async (t) => {
    const directory = freshDirectory();
    try {
      prepare(directory);
      isOneLine(t, await run(directory, args), line);
      hasNoLock(t, directory);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
}

const segment = "wal-000000000000.log";
const snapshot = "snap-00000000000005-00000001.snap";

function makePipe(at: string): void {
  execFileSync("/usr/bin/env", ["mkfifo", at]);
}

for (const [engine, flags, log, snapshots] of [
  ["memory", [], "metaStore-1", "metaStore-1-snap"],
  ["RocksDB", ["--rocksdb"], join("data", "1", "wal"), join("data", "1", "snap")],
] as const) {
  const files = [
    ...["identity", "identity.new", segment, "lock", "lock-0123456789abcdef.sock"].map((name) => join(log, name)),
    ...[snapshot, "draft.part", "incoming.part"].map((name) => join(snapshots, name)),
  ];
  const wrongs: (readonly [string, string, (path: string) => void, string])[] = [
    ...files.map((path) => [path, "a directory", (at: string) => mkdirSync(at), "a file"] as const),
    [join(log, "identity"), "a link that leads nowhere", (at) => symlinkSync("nowhere", at), "a file"],
    [join(log, segment), "a named pipe", makePipe, "a file"],
    [join(log, "identity"), "a device", (at) => symlinkSync("/dev/null", at), "a file"],
    [log, "a file", (at) => writeFileSync(at, ""), "a directory"],
    [snapshots, "a file", (at) => writeFileSync(at, ""), "a directory"],
  ];
  const rocksDbFiles = ["CURRENT", "MANIFEST-000004", "OPTIONS-000007", "IDENTITY", "000003.log", "000008.sst"];
  for (const name of engine === "RocksDB" ? rocksDbFiles : []) {
    wrongs.push([join("data", "1", name), "a named pipe", makePipe, "a file"]);
  }
  for (const [path, type, make, expected] of wrongs) {
    test.serial(`${engine}: ${type} where ${path} is to be ${expected} is named, and nothing is changed`, async (t) => {
      const directory = freshDirectory();
      const entries = (): string[] => readdirSync(directory, { recursive: true, encoding: "utf8" }).toSorted();
      try {
        mkdirSync(join(directory, "data"));
        mkdirSync(dirname(join(directory, path)), { recursive: true });
        make(join(directory, path));
        const before = entries();
        const line = `metaStore: ${join(directory, path)} is ${type}, and the node keeps ${expected} there: move it away\n`;
        const { code, stderr } = await run(directory, flags);
        t.is(stderr, line);
        t.is(code, 1);
        t.deepEqual(entries(), before);
      } finally {
        rmSync(directory, { recursive: true });
      }
    });
  }
}

test("a file where data/1 is to be is named", async (t) => {
  const directory = freshDirectory();
  try {
    mkdirSync(join(directory, "data"));
    writeFileSync(join(directory, "data", "1"), "");
    isOneLine(t, await run(directory, ["--rocksdb"]), /data\/1 is a file, and the node keeps a directory there: move/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("a client port in use is found after the lock was taken, and leaves none", async (t) => {
  const directory = freshDirectory();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const [peer] = await freePorts(1);
  try {
    const args = ["--cluster", `http://127.0.0.1:${peer}`, "--port", String(port), "--data-dir", directory];
    isOneLine(t, await runServer(args), /client port 127\.0\.0\.1:\d+ is in use$/m);
    t.deepEqual(readdirSync(join(directory, "metaStore-1")), []);
  } finally {
    server.close();
    rmSync(directory, { recursive: true });
  }
});

for (const [first, second, there] of [
  [[], ["--rocksdb"], /metaStore-1 holds the data of node 1 in the memory engine: start it without --rocksdb, or move/],
  [["--rocksdb"], [], /data\/1 holds the data of node 1 in the RocksDB engine: start it with --rocksdb, or move/],
] as const) {
  test.serial(
    `a node with data is started ${second.length === 0 ? "without" : "with"} --rocksdb by mistake`,
    async (t) => {
      const cluster = await ProcessCluster.start(1, first);
      try {
        t.is(await put(cluster, 1, "k", "precious"), 204);
        await cluster.end(1, "SIGTERM");
        isOneLine(t, await run(cluster.directory, second), there);
        // A moved node is started with its new URL, which this says at a first start only.
        isOneLine(t, await run(cluster.directory, [...second, "--peer-url", "http://127.0.0.1:1"]), there);
        t.is(
          existsSync(join(cluster.directory, "metaStore-1")),
          first.length === 0,
          "nothing of the other engine is made",
        );
        hasNoLock(t, cluster.directory);
        cluster.startNode(1);
        await cluster.ready(1);
        t.is(await get(cluster, 1, "k"), "precious");
      } finally {
        await cluster.stop();
      }
    },
  );
}

test.serial(
  "a --cluster that founds another cluster beside existing data is refused, and changes nothing",
  async (t) => {
    const cluster = await ProcessCluster.start(1);
    const others = await freePorts(3);
    const places = ["--data-dir", cluster.directory, "--port", "0", "--log-level", "silent"];
    try {
      t.is(await put(cluster, 1, "k", "v"), 204);
      await cluster.end(1, "SIGTERM");
      const three = others.map((port) => `http://127.0.0.1:${port}`);
      for (const urls of [three, [cluster.peerUrl(1), ...three.slice(1)]]) {
        isOneLine(
          t,
          await runServer(["--cluster", urls.join(","), ...places]),
          /metaStore-1: this directory belongs to a cluster of 1 \(1 at http:\S+\), --cluster names 3: for this cluster give its own list, --cluster http:\S+; members are added with POST /,
        );
      }
      hasNoLock(t, cluster.directory);
      cluster.startNode(1);
      await cluster.ready(1);
      t.is(await get(cluster, 1, "k"), "v");
    } finally {
      await cluster.stop();
    }
  },
);

test.serial("a directory of another node is named", async (t) => {
  const cluster = await ProcessCluster.start(1);
  try {
    await cluster.end(1, "SIGTERM");
    renameSync(join(cluster.directory, "metaStore-1"), join(cluster.directory, "metaStore-2"));
    const [a, b] = await freePorts(2);
    const two = `http://127.0.0.1:${a},http://127.0.0.1:${b}`;
    const args = ["--id", "2", "--cluster", two, "--port", "0", "--log-level", "silent"];
    isOneLine(
      t,
      await runServer([...args, "--data-dir", cluster.directory]),
      /metaStore-2: the directory belongs to node 1/,
    );
  } finally {
    await cluster.stop();
  }
});
