/** A directory that rots, or of which files are gone: never less than what was acknowledged, in a node that still votes. */
import {
  closeSync,
  cpSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import test from "ava";
import { freePorts } from "../../chaos/world/ports.ts";
import { type Exit, get, ProcessCluster, put, runServer } from "../support/processes.ts";

const engines = [
  ["memory", [], (id: number) => `metaStore-${id}`],
  ["RocksDB", ["--rocksdb"], (id: number) => join("data", String(id), "wal")],
] as const;

/** The paths of the files in `directory` whose names begin so. */
function filesIn(directory: string, prefix: string): string[] {
  const names = readdirSync(directory).filter((name) => name.startsWith(prefix));
  return names.toSorted().map((name) => join(directory, name));
}

/** Flips a byte of a file, whose process is gone. */
function flip(path: string, offset: number): void {
  const file = openSync(path, "r+");
  writeSync(file, Uint8Array.of(readFileSync(path)[offset]! ^ 0xff), 0, 1, offset);
  closeSync(file);
}

/** Flips a byte near the front of the node's log, whose process is gone. */
function damage(directory: string): void {
  flip(filesIn(directory, "wal-")[0]!, 200);
}

/** Cuts the log in `directory` to half, whose process is gone. */
function cut(directory: string): void {
  const path = filesIn(directory, "wal-")[0]!;
  truncateSync(path, Math.floor(statSync(path).size / 2));
}

/** Starts the node until it ends by itself. */
/** `urls`: its --cluster list. */
function runNode(
  cluster: ProcessCluster,
  id: number,
  nodes: number,
  flags: readonly string[],
  urls = Array.from({ length: nodes }, (_, k) => cluster.peerUrl(k + 1)).join(","),
): Promise<Exit> {
  const places = ["--port", String(cluster.ports[id - 1]), "--data-dir", cluster.directory];
  return runServer(["--id", String(id), "--cluster", urls, ...places, "--log-level", "silent", ...flags]);
}

async function fill(cluster: ProcessCluster): Promise<void> {
  for (let k = 0; k < 20; k++) await put(cluster, 1, `key-${k}`, `value-${k}`);
}

for (const [engine, flags, logOf] of engines) {
  test.serial(`${engine}: of three members, one whose log is cut or damaged is rebound and catches up`, async (t) => {
    const cluster = await ProcessCluster.start(3, flags);
    const log = join(cluster.directory, logOf(2));
    try {
      await fill(cluster);
      // Cut after a stop in good order it is lost, too, not torn.
      for (const [k, harm] of [cut, damage].entries()) {
        await cluster.end(2, "SIGTERM");
        for (const path of filesIn(log, "damaged-wal-")) rmSync(path);
        harm(log);
        cluster.startNode(2);
        await cluster.ready(2);
        for (let key = 0; key < 20; key++) t.is(await get(cluster, 2, `key-${key}`), `value-${key}`);
        t.true(filesIn(log, "damaged-wal-").length > 0, `harm ${k}`);
      }
      // It counts again: the cluster goes on without another one.
      const status = (await (await fetch(`${cluster.url(2)}/v1/status`)).json()) as { leader: number };
      await cluster.end(status.leader === 3 ? 1 : 3, "SIGKILL");
      t.is(await put(cluster, 2, "key-0", "more"), 204);
      t.is(await get(cluster, 2, "key-0"), "more");
    } finally {
      await cluster.stop();
    }
  });

  test.serial(`${engine}: one of two whose log is damaged or gone, or all of it, says what must be done`, async (t) => {
    const cluster = await ProcessCluster.start(2, flags);
    const path = (name: string): string => join(cluster.directory, name);
    const folder = engine === "memory" ? "metaStore-2" : join("data", "2");
    /** Node 2 with what it had but for `harm`, started so often. */
    const isRefused = async (harm: () => void, starts: number, expected: RegExp): Promise<void> => {
      harm();
      for (let start = 0; start < starts; start++) {
        const { code, stderr } = await runNode(cluster, 2, 2, flags);
        t.is(code, 1);
        t.regex(stderr, expected);
        t.is(stderr.trim().split("\n").length, 1, stderr);
      }
      rmSync(path(folder), { recursive: true, force: true });
      cpSync(path("copy"), path(folder), { recursive: true });
    };
    try {
      await fill(cluster);
      await cluster.end(2, "SIGKILL");
      // A process that is killed leaves its lock, a socket.
      cpSync(path(folder), path("copy"), { recursive: true, filter: (name) => !name.endsWith(".sock") });
      const log = path(logOf(2));
      const noMajority = "the other voters are no majority without this node: put back a copy of \\S+";
      await isRefused(() => damage(log), 1, new RegExp(noMajority));
      const deleteLog = (): void => filesIn(log, "wal-").forEach((file) => rmSync(file));
      await isRefused(deleteLog, 2, new RegExp(`log is damaged or missing, and ${noMajority}`));
      // The line does not say to remove node 2: node 1 is no majority without it.
      const deleteAll = (): void => {
        for (const one of [folder, "metaStore-2-snap"]) rmSync(path(one), { recursive: true, force: true });
      };
      const another = `another directory is bound as node 2, and ${noMajority}( and \\S+)?; without one only an empty`;
      await isRefused(deleteAll, 1, new RegExp(another));
      // What the line says works.
      cluster.startNode(2);
      await cluster.ready(2);
      for (let k = 0; k < 20; k++) t.is(await get(cluster, 2, `key-${k}`), `value-${k}`);
    } finally {
      await cluster.stop();
    }
  });

  test.serial(
    `${engine}: of three members, one whose log is gone is rebound, and nothing acknowledged is lost`,
    async (t) => {
      const cluster = await ProcessCluster.start(3, flags);
      try {
        await fill(cluster);
        await cluster.end(2, "SIGKILL");
        for (const path of filesIn(join(cluster.directory, logOf(2)), "wal-")) rmSync(path);
        // The leader has every write, the other one perhaps not: with that one alone, node 2 must not make a majority.
        const leader = await leaderBeside2(cluster);
        await cluster.end(leader, "SIGKILL");
        const follower = leader === 1 ? 3 : 1;
        cluster.startNode(2);
        cluster.startNode(leader);
        await cluster.ready(2);
        for (let k = 0; k < 20; k++) t.is(await get(cluster, 2, `key-${k}`), `value-${k}`);
        // It counts again: the cluster goes on without another one.
        await cluster.end(follower, "SIGKILL");
        t.is(await put(cluster, 2, "key-0", "more"), 204);
        t.is(await get(cluster, 2, "key-0"), "more");
      } finally {
        await cluster.stop();
      }
    },
  );

  test.serial(
    `${engine}: a node that is alone does not start with a damaged log, or without one, and says what is missing`,
    async (t) => {
      const cluster = await ProcessCluster.start(1, flags);
      try {
        await fill(cluster);
        await cluster.end(1, "SIGKILL");
        const log = join(cluster.directory, logOf(1));
        const copies = filesIn(log, "wal-").map((path) => [path, readFileSync(path)] as const);
        const isRefused = async (expected: RegExp, url = cluster.peerUrl(1)): Promise<void> => {
          const { code, stderr } = await runNode(cluster, 1, 1, flags, url);
          t.is(code, 1);
          t.regex(stderr.trim(), expected);
          t.is(stderr.trim().split("\n").length, 1, stderr);
        };
        damage(log);
        await isRefused(
          /wal-0{12}\.log is damaged at byte \d+, below what had been synced: .*no other member is known: put back a copy/,
        );
        for (const [path] of copies) rmSync(path);
        const missing = /wal-0{12}\.log is missing, .*; no other member is known: put back a copy of .*; .*--cluster$/;
        for (let start = 0; start < 2; start++) await isRefused(missing);
        // Its own new URL names nobody else.
        const [elsewhere] = await freePorts(1);
        await isRefused(missing, `http://127.0.0.1:${elsewhere}`);
        // What the line says works.
        for (const [path, bytes] of copies) writeFileSync(path, bytes);
        cluster.startNode(1);
        await cluster.ready(1);
        for (let k = 0; k < 20; k++) t.is(await get(cluster, 1, `key-${k}`), `value-${k}`);
      } finally {
        await cluster.stop();
      }
    },
  );

  test.serial(
    `${engine}: a lone node whose log was cut after a stop, or whose identity is damaged or gone, says what to do`,
    async (t) => {
      const cluster = await ProcessCluster.start(1, flags);
      try {
        await fill(cluster);
        await cluster.end(1, "SIGTERM");
        const [wal] = filesIn(join(cluster.directory, logOf(1)), "wal-") as [string];
        const bytes = readFileSync(wal);
        cut(join(cluster.directory, logOf(1)));
        const torn = await runNode(cluster, 1, 1, flags);
        writeFileSync(wal, bytes);
        const path = join(cluster.directory, logOf(1), "identity");
        flip(path, 20);
        const damaged = await runNode(cluster, 1, 1, flags);
        rmSync(path);
        const missing = await runNode(cluster, 1, 1, flags);
        for (const [{ code, stderr }, what] of [
          [torn, /^metaStore: wal-0{12}\.log is damaged at byte \d+, below what had been synced: .*: put back a copy/],
          [
            damaged,
            /the identity file cannot be read: the checksum is wrong: put back a copy of .*; without one only an empty store/,
          ],
          [
            missing,
            /holds wal-0{12}\.log but no identity file: put back a copy of .*; without one only an empty store/,
          ],
        ] as const) {
          t.is(code, 1);
          t.regex(stderr, what);
          t.is(stderr.trim().split("\n").length, 1, stderr);
        }
        t.false(existsSync(path), "nothing has been made in its place");
      } finally {
        await cluster.stop();
      }
    },
  );
}

/** Who leads now that node 2 is gone: for a while node 1 may still name node 2. */
async function leaderBeside2(cluster: ProcessCluster): Promise<number> {
  for (;;) {
    const { leader } = (await (await fetch(`${cluster.url(1)}/v1/status`)).json()) as { leader: number };
    if (leader === 1 || leader === 3) return leader;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const often = ["--snapshot-entries", "5"];

const harms: readonly (readonly [string, (path: string) => void])[] = [
  ["a flipped bit", (path) => flip(path, 100)],
  ["cut off", (path) => truncateSync(path, 150)],
  ["empty", (path) => truncateSync(path, 0)],
  ["gone", (path) => rmSync(path)],
];

test.serial("a snapshot file with a flipped bit, cut off, empty or gone heals where others can help", async (t) => {
  const cluster = await ProcessCluster.start(3, often);
  try {
    await fill(cluster);
    const folder = join(cluster.directory, "metaStore-2-snap");
    for (const [what, harm] of harms) {
      await cluster.end(2, "SIGTERM");
      for (const path of filesIn(folder, "damaged-snap-")) rmSync(path);
      // A stop between two snapshots leaves both.
      const paths = filesIn(folder, "snap-");
      t.true(paths.length > 0, what);
      for (const path of paths) harm(path);
      cluster.startNode(2);
      await cluster.ready(2);
      for (let k = 0; k < 20; k++) t.is(await get(cluster, 2, `key-${k}`), `value-${k}`, what);
      t.is(filesIn(folder, "damaged-snap-").length, what === "gone" ? 0 : paths.length, what);
    }
  } finally {
    await cluster.stop();
  }
});

test.serial(
  "a snapshot file with a flipped bit, cut off, empty or gone ends a node that is alone, in a line that names it",
  async (t) => {
    const cluster = await ProcessCluster.start(1, often);
    try {
      await fill(cluster);
      await cluster.end(1, "SIGTERM");
      const folder = join(cluster.directory, "metaStore-1-snap");
      const copies = filesIn(folder, "snap-").map((path) => [path, readFileSync(path)] as const);
      for (const [what, harm] of harms) {
        for (const [path] of copies) harm(path);
        const { code, stderr } = await runNode(cluster, 1, 1, often);
        t.is(code, 1, what);
        const which =
          what === "gone"
            ? /the snapshot between is missing; /
            : /the snapshot snap-\S+ is damaged near byte \d+, .*; /;
        t.regex(stderr, new RegExp(`${which.source}nobody else has what it held: put back a copy of \\S+ and \\S+`));
        t.is(stderr.trim().split("\n").length, 1, stderr);
        for (const [path, bytes] of copies) writeFileSync(path, bytes);
      }
      cluster.startNode(1);
      await cluster.ready(1);
      t.is(await get(cluster, 1, "key-19"), "value-19");
    } finally {
      await cluster.stop();
    }
  },
);

test.serial("RocksDB: damaged rows end the node in a line, and what it says gives them back", async (t) => {
  const flags = ["--rocksdb", "--snapshot-entries", "5"];
  const cluster = await ProcessCluster.start(3, flags);
  try {
    await fill(cluster);
    await cluster.end(2, "SIGTERM");
    const rows = join(cluster.directory, "data", "2");
    flip(filesIn(rows, "MANIFEST-")[0]!, 20);
    const { code, stderr } = await runNode(cluster, 2, 3, flags);
    t.is(code, 1);
    t.regex(
      stderr,
      /^metaStore: the rows are damaged: RocksDB in \S+: [^\n]*Corruption: [^\n]+; move every file [^\n]+\n$/,
    );
    t.is(stderr.match(/checksum mismatch/g)?.length ?? 1, 1, stderr);
    for (const entry of readdirSync(rows, { withFileTypes: true })) if (entry.isFile()) rmSync(join(rows, entry.name));
    cluster.startNode(2);
    await cluster.ready(2);
    for (let k = 0; k < 20; k++) t.is(await get(cluster, 2, `key-${k}`), `value-${k}`);
  } finally {
    await cluster.stop();
  }
});

test.serial("snapshots that another directory has left are not taken for a new node's own", async (t) => {
  const cluster = await ProcessCluster.start(1, often);
  try {
    await fill(cluster);
    await cluster.end(1, "SIGTERM");
    rmSync(join(cluster.directory, "metaStore-1"), { recursive: true });
    for (let start = 0; start < 2; start++) {
      const { code, stderr } = await runNode(cluster, 1, 1, often);
      t.is(code, 1);
      t.regex(
        stderr,
        /snap-\S+ is there, but this node has never taken part in a cluster: put back a copy of .*, or delete/,
      );
    }
    // As the line says.
    for (const folder of ["metaStore-1", "metaStore-1-snap"])
      rmSync(join(cluster.directory, folder), { recursive: true });
    cluster.startNode(1);
    await cluster.ready(1);
    t.is(await get(cluster, 1, "key-0"), null);
  } finally {
    await cluster.stop();
  }
});
