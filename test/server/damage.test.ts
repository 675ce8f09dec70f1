/** A log that rots below what had been synced: never a shorter log that still votes. */
import { closeSync, openSync, readdirSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { get, ProcessCluster, put, runServer } from "../support/processes.ts";

const engines = [
  ["memory", [], (id: number) => `metaStore-${id}`],
  ["RocksDB", ["--rocksdb"], (id: number) => join("data", String(id), "wal")],
] as const;

/** Flips a byte near the front of the node's log, whose process is gone. */
function damage(directory: string): void {
  const segment = readdirSync(directory)
    .filter((name) => name.startsWith("wal-"))
    .toSorted()[0]!;
  const path = join(directory, segment);
  const file = openSync(path, "r+");
  writeSync(file, Uint8Array.of(readFileSync(path)[100]! ^ 0xff), 0, 1, 100);
  closeSync(file);
}

async function fill(cluster: ProcessCluster): Promise<void> {
  for (let k = 0; k < 20; k++) await put(cluster, 1, `key-${k}`, `value-${k}`);
}

for (const [engine, flags, logOf] of engines) {
  test.serial(`${engine}: of three members, one with a damaged log begins anew and catches up`, async (t) => {
    const cluster = await ProcessCluster.start(3, flags);
    try {
      await fill(cluster);
      await cluster.end(2, "SIGTERM");
      damage(join(cluster.directory, logOf(2)));
      cluster.startNode(2);
      await cluster.ready(2);
      for (let k = 0; k < 20; k++) t.is(await get(cluster, 2, `key-${k}`), `value-${k}`);
      t.true(readdirSync(join(cluster.directory, logOf(2))).some((name) => name.startsWith("damaged-wal-")));
      // It counts again: the cluster goes on without another one.
      const status = (await (await fetch(`${cluster.url(2)}/v1/status`)).json()) as { leader: number };
      await cluster.end(status.leader === 3 ? 1 : 3, "SIGKILL");
      t.is(await put(cluster, 2, "key-0", "more"), 204);
      t.is(await get(cluster, 2, "key-0"), "more");
    } finally {
      await cluster.stop();
    }
  });

  test.serial(`${engine}: a member that is alone, or one of two, says what the operator must do`, async (t) => {
    for (const [nodes, expected] of [
      [
        1,
        /wal-0{12}\.log is damaged at byte \d+, below what had been synced: .*no other member is known: put back a copy/,
      ],
      [2, /the other voters are no majority without this node: put back a copy/],
    ] as const) {
      const cluster = await ProcessCluster.start(nodes, flags);
      try {
        await fill(cluster);
        await cluster.end(nodes, "SIGKILL");
        damage(join(cluster.directory, logOf(nodes)));
        const urls = Array.from({ length: nodes }, (_, k) => cluster.peerUrl(k + 1)).join(",");
        const places = ["--port", String(cluster.ports[nodes - 1]), "--data-dir", cluster.directory];
        const args = ["--id", String(nodes), "--cluster", urls, ...places, "--log-level", "silent", ...flags];
        const { code, stderr } = await runServer(args);
        t.is(code, 1);
        t.regex(stderr, expected);
        t.is(stderr.trim().split("\n").length, 1, stderr);
      } finally {
        await cluster.stop();
      }
    }
  });
}
