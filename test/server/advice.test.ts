/** What a node says when it ends is followed to the letter: it works, and leads in no circle. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
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
  const [, named] = /delete (.+?),/.exec(stderr)!;
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
  "an emptied directory that was started without --join joins once its member was removed and added",
  async (t) => {
    const cluster = await ProcessCluster.start(3);
    try {
      t.is(await put(cluster, 1, "k", "v"), 204);
      await cluster.end(3, "SIGKILL");
      for (const folder of folders) rmSync(join(cluster.directory, folder), { recursive: true });
      for (let start = 0; start < 2; start++) {
        const { code, stderr } = await runServer(argsOfThree(cluster));
        t.is(code, 1);
        t.regex(stderr, steps);
      }
      // With --join and before the rest of it: the same steps.
      const early = await runServer(argsOfThree(cluster, "--join"));
      t.is(early.code, 1);
      t.regex(early.stderr, steps);
      await removeAndAdd(t, cluster);
      await joins(t, cluster);
    } finally {
      await cluster.stop();
    }
  },
);

test.serial("a removed node's directory is deleted, it is added again, and joins", async (t) => {
  const cluster = await ProcessCluster.start(3);
  try {
    t.is(await put(cluster, 1, "k", "v"), 204);
    t.is(await request(cluster, "DELETE"), 204);
    t.is(await cluster.ended(3), 0);
    const exit = await runServer(argsOfThree(cluster));
    t.is(exit.code, 1);
    t.regex(
      exit.stderr,
      /node 3 was removed from the cluster: to start afresh, delete \S+ and \S+, add it again \(POST \/3 .*\), and start it with --join\n$/,
    );
    deleteNamed(exit);
    t.is(await request(cluster, "POST", cluster.peerUrl(3)), 204);
    await joins(t, cluster);
  } finally {
    await cluster.stop();
  }
});

test.serial("a node whose identity is gone starts afresh as the line says", async (t) => {
  const cluster = await ProcessCluster.start(3);
  try {
    t.is(await put(cluster, 1, "k", "v"), 204);
    await cluster.end(3, "SIGKILL");
    rmSync(join(cluster.directory, "metaStore-3", "identity"));
    const exit = await runServer(argsOfThree(cluster));
    t.is(exit.code, 1);
    t.regex(
      exit.stderr,
      /no identity file: put back a copy of \S+ and \S+, or delete .*, remove 3, then add it again .*--join\n$/,
    );
    deleteNamed(exit);
    await removeAndAdd(t, cluster);
    await joins(t, cluster);
  } finally {
    await cluster.stop();
  }
});
