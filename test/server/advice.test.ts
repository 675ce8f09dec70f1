/** What a node says when it ends is followed to the letter: it works, and leads in no circle. */
import { cpSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { NodeProcess } from "../support/node-process.ts";
import { type Exit, get, ProcessCluster, put, runServer, sendUntilDone } from "../support/processes.ts";

/** The arguments of node 3 of a cluster of three. */
function argsOfThree(cluster: ProcessCluster, ...more: readonly string[]): string[] {
  const urls = [1, 2, 3].map((id) => cluster.peerUrl(id)).join(",");
  const places = ["--port", String(cluster.ports[2]), "--data-dir", cluster.directory];
  return ["--id", "3", "--cluster", urls, ...places, "--log-level", "silent", ...more];
}

function request(cluster: ProcessCluster, method: string, body?: string): Promise<number> {
  return sendUntilDone(cluster, 1, method, "/3", body);
}

/** Deletes what the line of `exit` says is to be deleted. */
function deleteNamed({ stderr }: Exit): void {
  const [, named] = /delete (.+?), remove/.exec(stderr)!;
  for (const path of named!.split(" and ")) rmSync(path, { recursive: true });
}

async function removeAndAdd(t: ExecutionContext, cluster: ProcessCluster): Promise<void> {
  t.is(await request(cluster, "DELETE"), 204);
  t.is(await request(cluster, "POST", cluster.peerUrl(3)), 204);
}

/** Node 3, started with --join, is a member that votes and knows everything. */
async function joins(t: ExecutionContext, cluster: ProcessCluster): Promise<void> {
  cluster.startNode(3, ["--join"]);
  await cluster.ready(3);
  t.is(await get(cluster, 3, "k"), "v");
  for (let k = 0; ; k++) {
    const answer = await fetch(`${cluster.url(1)}/v1/members/3`);
    if (((await answer.json()) as { role: string }).role === "voter") break;
    if (k === 1_200) return t.fail("it does not vote");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const steps =
  /another directory is bound as node 3: remove 3, then add it again \(DELETE \/3, then POST \/3 .*\), and start it with --join\n$/;
const folders = ["metaStore-3", "metaStore-3-snap"];

test.serial(
  "an emptied directory, one without its identity and a removed node's: each says the steps by which node 3 joins again",
  async (t) => {
    const cluster = await ProcessCluster.start(3);
    try {
      t.is(await put(cluster, 1, "k", "v"), 204);

      // Emptied, and started without --join.
      await cluster.end(3, "SIGKILL");
      for (const folder of folders) rmSync(join(cluster.directory, folder), { recursive: true });
      for (let start = 0; start < 2; start++) {
        const { code, stderr } = await runServer(argsOfThree(cluster));
        t.is(code, 1);
        t.regex(stderr, steps);
      }
      // With --join, before node 3 is removed and added: the same steps.
      const early = await runServer(argsOfThree(cluster, "--join"));
      t.is(early.code, 1);
      t.regex(early.stderr, steps);
      await removeAndAdd(t, cluster);
      await joins(t, cluster);

      // Without its identity.
      await cluster.end(3, "SIGKILL");
      rmSync(join(cluster.directory, "metaStore-3", "identity"));
      const headless = await runServer(argsOfThree(cluster));
      t.is(headless.code, 1);
      t.regex(
        headless.stderr,
        /no identity file: put back a copy of \S+ and \S+, or, where the other voters are a majority without it, delete .*, remove 3, then add it again .*--join\n$/,
      );
      deleteNamed(headless);
      await removeAndAdd(t, cluster);
      await joins(t, cluster);

      // Removed.
      t.is(await request(cluster, "DELETE"), 204);
      t.is(await cluster.ended(3), 0);
      const exit = await runServer(argsOfThree(cluster));
      t.is(exit.code, 1);
      t.regex(
        exit.stderr,
        /node 3 was removed from the cluster, or is a member with another directory: unless it runs from another directory now, delete \S+ and \S+, remove 3, then add it again \(DELETE \/3, then POST \/3 .*\), and start it with --join\n$/,
      );
      deleteNamed(exit);
      await removeAndAdd(t, cluster);
      await joins(t, cluster);
    } finally {
      await cluster.stop();
    }
  },
);

test.serial("a copy from before node 3 was rebound says so, and node 3 starts afresh as the line says", async (t) => {
  const cluster = await ProcessCluster.start(3);
  const path = (folder: string): string => join(cluster.directory, folder);
  try {
    t.is(await put(cluster, 1, "k", "v"), 204);
    await cluster.end(3, "SIGTERM");
    for (const folder of folders) cpSync(path(folder), path(`${folder}.copy`), { recursive: true });
    for (const name of readdirSync(path("metaStore-3")).filter((one) => one.startsWith("wal-")))
      rmSync(join(path("metaStore-3"), name));
    cluster.startNode(3);
    await cluster.ready(3);
    await cluster.end(3, "SIGTERM");
    for (const folder of folders) {
      rmSync(path(folder), { recursive: true });
      renameSync(path(`${folder}.copy`), path(folder));
    }
    const first = await runServer(argsOfThree(cluster));
    t.is(first.code, 0);
    t.is(first.stderr, "metaStore: node 3 was removed from the cluster, or is a member with another directory\n");
    const exit = await runServer(argsOfThree(cluster));
    t.is(exit.code, 1);
    t.regex(exit.stderr, /delete \S+ and \S+, remove 3, then add it again \(DELETE \/3, then POST \/3 /);
    deleteNamed(exit);
    await removeAndAdd(t, cluster);
    await joins(t, cluster);
  } finally {
    await cluster.stop();
  }
});

const lastResort =
  "put back a copy of \\S+(?: and \\S+)?; without one only an empty store can be begun, with another --data-dir for every node";
const lastResortAlone = `${lastResort}; if there are other members, name them in --cluster\n$`;

for (const [engine, flags, foldersOf, logOf] of [
  ["memory", [], (id: number) => [`metaStore-${id}`, `metaStore-${id}-snap`], (id: number) => `metaStore-${id}`],
  ["RocksDB", ["--rocksdb"], (id: number) => [join("data", `${id}`)], (id: number) => join("data", `${id}`, "wal")],
] as const) {
  const harms: readonly (readonly [string, (log: string) => void, RegExp])[] = [
    ["no identity", (log) => rmSync(join(log, "identity")), new RegExp(`no identity file: ${lastResortAlone}`)],
    [
      "a damaged identity",
      (log) => writeFileSync(join(log, "identity"), "nothing\n0\n"),
      new RegExp(`identity file cannot be read: .*: ${lastResortAlone}`),
    ],
    [
      "no log",
      (log) => {
        for (const name of readdirSync(log).filter((one) => one.startsWith("wal-"))) rmSync(join(log, name));
      },
      new RegExp(`no other member is known: ${lastResortAlone}`),
    ],
  ];
  for (const [what, harm, line] of harms) {
    test.serial(`${engine}: a lone node with ${what} is told what is possible, and that works`, async (t) => {
      const cluster = await ProcessCluster.start(1, flags);
      const path = (folder: string): string => join(cluster.directory, folder);
      const args = ["--cluster", cluster.peerUrl(1), "--log-level", "silent", ...flags];
      try {
        t.is(await put(cluster, 1, "k", "v"), 204);
        await cluster.end(1, "SIGTERM");
        for (const folder of foldersOf(1)) cpSync(path(folder), path(`copy-${folder}`), { recursive: true });
        harm(path(logOf(1)));
        const places = ["--id", "1", "--port", String(cluster.ports[0]), "--data-dir", cluster.directory];
        const exit = await runServer([...args, ...places]);
        t.is(exit.code, 1);
        t.regex(exit.stderr, line);
        t.notRegex(exit.stderr, /remove 1|DELETE/);
        mkdirSync(path("other/data"), { recursive: true });
        const empty = new NodeProcess(1, cluster.ports[0]!, [...args, "--data-dir", path("other")]);
        try {
          await empty.ready();
          t.is(await get(cluster, 1, "k"), null);
        } finally {
          await empty.stop();
        }
        for (const folder of foldersOf(1)) {
          rmSync(path(folder), { recursive: true });
          cpSync(path(`copy-${folder}`), path(folder), { recursive: true });
        }
        cluster.startNode(1);
        await cluster.ready(1);
        t.is(await get(cluster, 1, "k"), "v");
      } finally {
        await cluster.stop();
      }
    });
  }

  test.serial(`${engine}: one of two is told that it cannot be removed, and what is possible works`, async (t) => {
    const cluster = await ProcessCluster.start(2, flags);
    const path = (folder: string): string => join(cluster.directory, folder);
    const urls = `${cluster.peerUrl(1)},${cluster.peerUrl(2)}`;
    const args = ["--cluster", urls, "--log-level", "silent", ...flags];
    const places = ["--id", "2", "--port", String(cluster.ports[1]), "--data-dir", cluster.directory];
    try {
      t.is(await put(cluster, 1, "k", "v"), 204);
      await cluster.end(2, "SIGTERM");
      for (const folder of foldersOf(2)) cpSync(path(folder), path(`copy-${folder}`), { recursive: true });
      rmSync(join(path(logOf(2)), "identity"));
      const headless = await runServer([...args, ...places]);
      t.is(headless.code, 1);
      t.regex(
        headless.stderr,
        new RegExp(`no identity file: node 1 is no majority without this one: ${lastResortAlone}`),
      );
      for (const folder of foldersOf(2)) rmSync(path(folder), { recursive: true });
      const emptied = await runServer([...args, ...places]);
      t.is(emptied.code, 1);
      t.regex(
        emptied.stderr,
        new RegExp(`another directory is bound as node 2, and the other voters are no majority .*: ${lastResort}\n$`),
      );
      for (const folder of foldersOf(2)) {
        rmSync(path(folder), { recursive: true, force: true });
        cpSync(path(`copy-${folder}`), path(folder), { recursive: true });
      }
      cluster.startNode(2);
      await cluster.ready(2);
      t.is(await get(cluster, 2, "k"), "v");
      await Promise.all([1, 2].map((id) => cluster.end(id, "SIGKILL")));
      mkdirSync(path("other/data"), { recursive: true });
      const empty = [1, 2].map(
        (id) => new NodeProcess(id, cluster.ports[id - 1]!, [...args, "--data-dir", path("other")]),
      );
      try {
        await Promise.all(empty.map((node) => node.ready()));
        t.is(await get(cluster, 1, "k"), null);
      } finally {
        await Promise.all(empty.map((node) => node.stop()));
      }
    } finally {
      await cluster.stop();
    }
  });

  test.serial(`${engine}: a stray file is moved away, as the line says, and the node starts`, async (t) => {
    const cluster = await ProcessCluster.start(1, flags);
    const directory = join(cluster.directory, "fresh");
    const log = join(directory, logOf(1));
    try {
      await cluster.end(1, "SIGKILL");
      mkdirSync(log, { recursive: true });
      mkdirSync(join(log, "lost+found"));
      const args = ["--cluster", cluster.peerUrl(1), "--data-dir", directory, ...flags];
      const exit = await runServer(["--id", "1", "--port", String(cluster.ports[0]), ...args]);
      t.is(exit.code, 1);
      t.regex(exit.stderr, /the directory holds lost\+found but no identity file: move lost\+found away\n$/);
      renameSync(join(log, "lost+found"), join(directory, "lost+found"));
      const node = new NodeProcess(1, cluster.ports[0]!, args);
      try {
        await node.ready();
      } finally {
        await node.stop();
      }
      t.pass();
    } finally {
      await cluster.stop();
    }
  });
}
