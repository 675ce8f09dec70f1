/** The promises of the README, in both modes, on real processes with real signals, disks and sockets. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { check, type Operation } from "../../checker/index.ts";
import { client } from "../support/load.ts";
import { get, ProcessCluster, put, sendUntilDone } from "../support/processes.ts";

const engines = [
  ["memory", []],
  ["RocksDB", ["--rocksdb"]],
] as const;
const quick = ["--election-timeout-ms", "300", "--heartbeat-ms", "50", "--request-timeout-ms", "3000"];

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

type MemberView = { readonly id: number; readonly role: string };
type StatusView = {
  readonly leader: number;
  readonly members: readonly MemberView[];
  readonly stateHash: string;
  readonly appliedIndex: number;
};

async function statusOf(cluster: ProcessCluster, id: number): Promise<StatusView> {
  const answer = await fetch(`${cluster.url(id)}/v1/status`);
  return (await answer.json()) as StatusView;
}

/** Waits until `id` sees exactly these voters and nobody else. */
async function voters(
  cluster: ProcessCluster,
  id: number,
  expected: readonly number[],
): Promise<readonly MemberView[]> {
  let members: readonly MemberView[] = [];
  for (let k = 0; k < 1_200; k++) {
    members = (await statusOf(cluster, id)).members;
    const isThere =
      members.every(({ role }) => role === "voter") && members.map((one) => one.id).join() === expected.join();
    if (isThere) break;
    await pause(50);
  }
  return members;
}

/** Runs four clients while `work` goes on, and judges what they saw. */
async function underLoad(
  t: ExecutionContext,
  cluster: ProcessCluster,
  nodes: () => readonly number[],
  work: () => Promise<void>,
): Promise<void> {
  const history: Operation[] = [];
  let over = false;
  const clients = [1, 2, 3, 4].map((id) => client(cluster, id, history, () => over, nodes));
  const acknowledged = (): number => history.filter(({ op, outcome }) => op === "put" && outcome === "ok").length;
  try {
    await work();
    // However slow the machine: the load goes on until it says something.
    for (let k = 0; k < 600 && acknowledged() <= 100; k++) await pause(100);
  } finally {
    over = true;
    await Promise.all(clients);
  }
  t.log(`${history.length} operations, ${acknowledged()} acknowledged writes`);
  t.true(acknowledged() > 100);
  const verdict = check(history, { configurationsMax: 2_000_000 });
  t.is(verdict.verdict, "ok", verdict.verdict === "illegal" ? verdict.sentence : "");
}

for (const [engine, flags] of engines) {
  test.serial(`${engine}: a member is killed, the others go on, it comes back and knows everything`, async (t) => {
    const cluster = await ProcessCluster.start(3, flags);
    try {
      t.is(await put(cluster, 1, "my-key", "foo"), 204);
      await cluster.end(2, "SIGKILL");
      t.is(await put(cluster, 1, "my-key", "bar"), 204);
      t.is(await get(cluster, 3, "my-key"), "bar");
      cluster.startNode(2);
      await cluster.ready(2);
      t.is(await get(cluster, 2, "my-key"), "bar");
    } finally {
      await cluster.stop();
    }
  });

  test.serial(`${engine}: a whole cluster that is killed comes back with every value`, async (t) => {
    const cluster = await ProcessCluster.start(3, flags);
    try {
      for (let k = 0; k < 50; k++) t.is(await put(cluster, 1 + (k % 3), `key-${k}`, `value-${k}`), 204);
      await Promise.all([1, 2, 3].map((id) => cluster.end(id, "SIGKILL")));
      for (const id of [1, 2, 3]) cluster.startNode(id);
      await Promise.all([1, 2, 3].map((id) => cluster.ready(id)));
      for (let k = 0; k < 50; k++) t.is(await get(cluster, 1 + ((k + 1) % 3), `key-${k}`), `value-${k}`);
    } finally {
      await cluster.stop();
    }
  });

  test.serial(`${engine}: six kills under load lose no acknowledged write, and no read is stale`, async (t) => {
    // Snapshots and compaction go on all the time.
    const cluster = await ProcessCluster.start(3, [...flags, ...quick, "--snapshot-entries", "100"]);
    try {
      await underLoad(
        t,
        cluster,
        () => [1, 2, 3],
        async () => {
          for (let round = 0; round < 6; round++) {
            const victim = 1 + ((round * 7 + Math.floor(round / 3)) % 3);
            await pause(150);
            await cluster.end(victim, "SIGKILL");
            await pause(400);
            cluster.startNode(victim);
            await cluster.ready(victim);
          }
        },
      );
    } finally {
      await cluster.stop();
    }
  });

  test.serial(`${engine}: a fourth member joins and the third goes, while a load runs`, async (t) => {
    const cluster = await ProcessCluster.start(3, [...flags, ...quick, "--snapshot-entries", "100"], 1);
    let members = [1, 2, 3];
    try {
      t.is(await put(cluster, 1, "my-key", "hello"), 204);
      await underLoad(
        t,
        cluster,
        () => members,
        async () => {
          await pause(500);
          t.is(await sendUntilDone(cluster, 1, "POST", "/4", cluster.peerUrl(4)), 204);
          t.is(await sendUntilDone(cluster, 2, "POST", "/4", cluster.peerUrl(4)), 204, "the same again");
          cluster.startNode(4);
          await cluster.ready(4);
          await voters(cluster, 1, [1, 2, 3, 4]);
          members = [1, 2, 4];
          t.is(await sendUntilDone(cluster, 1, "DELETE", "/3"), 204);
          t.is(await cluster.ended(3), 0, "the removed node shuts itself down");
          await pause(500);
        },
      );
      t.deepEqual(
        (await voters(cluster, 4, [1, 2, 4])).map(({ id }) => id),
        [1, 2, 4],
      );
      t.is(await get(cluster, 4, "my-key"), "hello");
      t.is(await sendUntilDone(cluster, 1, "DELETE", "/3"), 204, "once more");
      t.is(await sendUntilDone(cluster, 1, "DELETE", "/9"), 404, "never known");
    } finally {
      await cluster.stop();
    }
  });

  test.serial(`${engine}: the leader itself is removed, while a load runs`, async (t) => {
    const cluster = await ProcessCluster.start(3, [...flags, ...quick]);
    let members = [1, 2, 3];
    try {
      const { leader } = await statusOf(cluster, 1);
      const others = members.filter((id) => id !== leader);
      await underLoad(
        t,
        cluster,
        () => members,
        async () => {
          await pause(300);
          members = others;
          t.is(await sendUntilDone(cluster, others[0]!, "DELETE", `/${leader}`), 204);
          t.is(await cluster.ended(leader), 0);
          await cluster.ready(others[0]!);
          await pause(500);
        },
      );
      t.deepEqual(
        (await voters(cluster, others[0]!, others)).map(({ id }) => id),
        others,
      );
      t.is(await put(cluster, others[0]!, "k", "v"), 204);
    } finally {
      await cluster.stop();
    }
  });

  test.serial(`${engine}: a member that was away for long gets a snapshot, and disk use stays bounded`, async (t) => {
    const cluster = await ProcessCluster.start(3, [...flags, ...quick, "--snapshot-entries", "50"]);
    try {
      const { leader } = await statusOf(cluster, 1);
      const away = leader === 3 ? 2 : 3;
      await cluster.end(away, "SIGKILL");
      for (let k = 0; k < 400; k++) t.is(await put(cluster, 1, `key-${k % 10}`, `value-${k}`), 204);
      cluster.startNode(away);
      await cluster.ready(away);
      t.is(await get(cluster, away, "key-9"), "value-399");
      for (let k = 0; k < 1_200; k++) {
        const hashes = await Promise.all([1, 2, 3].map((id) => statusOf(cluster, id)));
        if (new Set(hashes.map(({ stateHash, appliedIndex }) => `${appliedIndex} ${stateHash}`)).size === 1) break;
        t.true(k < 1_199, JSON.stringify(hashes));
        await pause(50);
      }
      const [log, snapshots] =
        engine === "memory"
          ? ["metaStore-1", "metaStore-1-snap"]
          : [join("data", "1", "wal"), join("data", "1", "snap")];
      t.true(readdirSync(join(cluster.directory, snapshots)).length <= 1);
      t.true(readdirSync(join(cluster.directory, log)).length <= 4);
    } finally {
      await cluster.stop();
    }
  });
}
