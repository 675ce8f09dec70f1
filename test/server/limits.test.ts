/** A node at the end of what its machine gives: memory smaller than the data, a disk that takes no more. */
import { spawn } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { freePorts } from "../../chaos/world/ports.ts";
import { freshDirectory, get, ProcessCluster, put } from "../support/processes.ts";

/** 256 KiB. */
function value(k: number): string {
  return String(k).padStart(6, "0").repeat(43_690);
}

test.serial("RocksDB: a node with a heap of 48 MB serves 150 MB of rows, also after a restart", async (t) => {
  const cluster = await ProcessCluster.start(1, ["--rocksdb"]);
  const rows = 600;
  try {
    await cluster.end(1, "SIGTERM");
    cluster.heapMb = 48;
    cluster.startNode(1);
    await cluster.ready(1);
    for (let k = 0; k < rows; k++) t.is(await put(cluster, 1, `key-${k}`, value(k)), 204);
    for (let k = 0; k < rows; k += 50) t.is(await get(cluster, 1, `key-${k}`), value(k));
    await cluster.end(1, "SIGKILL");
    cluster.startNode(1);
    await cluster.ready(1);
    for (let k = 0; k < rows; k += 50) t.is(await get(cluster, 1, `key-${k}`), value(k));
  } finally {
    await cluster.stop();
  }
});

type Full = {
  readonly acknowledged: number;
  readonly last: number;
  readonly code: number | null;
  readonly stderr: string;
};

/** Starts a node whose files may grow to `kilobytes` and no further, finds `expected` keys, and writes until it refuses. */
async function writeUntilFull(
  directory: string,
  ports: readonly number[],
  flags: readonly string[],
  kilobytes: number,
  expected: number,
): Promise<Full> {
  const server = join(process.cwd(), "dist/server/main.js");
  const args = ["--cluster", `http://127.0.0.1:${ports[0]}`, "--port", String(ports[1]), "--data-dir", directory];
  // A write beyond the limit fails like one on a full disk.
  const limited = `trap '' XFSZ; ulimit -f ${kilobytes}; exec "$0" "$@"`;
  const child = spawn("bash", ["-c", limited, process.execPath, server, ...args, "--log-level", "silent", ...flags], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const gone = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const url = `http://127.0.0.1:${ports[1]}`;
  for (
    let k = 0;
    k < 1_200 &&
    !(await fetch(`${url}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    ));
    k++
  ) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  for (let k = 0; k < expected; k++) {
    const answer = await fetch(`${url}/key-${k}`);
    if ((await answer.text()).length !== 20_000) throw new Error(`key-${k} was acknowledged and is gone`);
  }
  let acknowledged = 0;
  for (let last = 204; ;) {
    last = await fetch(`${url}/key-${acknowledged}`, { method: "PUT", body: "x".repeat(20_000) }).then(
      (answer) => answer.status,
      () => 0,
    );
    if (last === 204 && acknowledged < 1_000) acknowledged += 1;
    else return { acknowledged, last, code: await gone, stderr };
  }
}

for (const [engine, flags] of [
  ["memory", []],
  ["RocksDB", ["--rocksdb"]],
] as const) {
  test.serial(
    `${engine}: a full disk ends the node with one line, and it starts again when there is room`,
    async (t) => {
      const directory = freshDirectory();
      mkdirSync(join(directory, "data"));
      const ports = await freePorts(2);
      const full = await writeUntilFull(directory, ports, flags, 1024, 0);
      t.true(full.acknowledged > 10 && full.acknowledged < 1_000, `${full.acknowledged} writes`);
      // Nothing, or an answer that promises nothing.
      t.true([0, 503, 504].includes(full.last), String(full.last));
      t.is(full.code, 1, full.stderr);
      t.regex(full.stderr, /^metaStore: the disk failed: [^\n]+\n$/);
      const again = await writeUntilFull(directory, ports, flags, 4096, full.acknowledged);
      t.true(again.acknowledged > full.acknowledged);
      rmSync(directory, { recursive: true });
    },
  );
}
