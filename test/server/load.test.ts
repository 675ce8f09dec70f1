/** Real processes under load while members come, go, stop and are polled: nothing is lost, and definite means definite. */
import test from "ava";
import { get, patient, ProcessCluster, put, sendUntilDone } from "../support/processes.ts";
import { RawClient } from "../support/raw-http.ts";

/** Longer than any request time here: a request that is not answered by then hangs. */
const hangMs = 120_000;
/** No answer, but the end of a process: nobody listens, or nobody has taken the connection. */
const gone = ["ECONNREFUSED", "ECONNRESET", "UND_ERR_SOCKET"];

type Answer = { readonly status: number; readonly code: string };

/** The answer, or status 0 and the error's code where there is none. */
async function ask(url: string, init: RequestInit = {}): Promise<Answer> {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(hangMs) });
    const body = await response.text();
    const isProblem = response.headers.get("content-type") === "application/problem+json";
    return { status: response.status, code: isProblem ? (JSON.parse(body) as { code: string }).code : "" };
  } catch (error) {
    const { cause, name } = error as Error & { cause?: { code?: string } };
    return { status: 0, code: cause?.code ?? name };
  }
}

async function leaderOf(cluster: ProcessCluster): Promise<number> {
  for (let tries = 0; tries < 1_200; tries++) {
    const found = await Promise.all(
      cluster.ports.slice(0, 3).map((_, k) =>
        fetch(`${cluster.url(k + 1)}/v1/status`).then(
          async (response) => ((await response.json()) as { leader: number }).leader,
          () => 0,
        ),
      ),
    );
    if (found[0] !== 0 && found.every((id) => id === found[0])) return found[0]!;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("the members do not agree on a leader");
}

/** Writes through `id`, one after the other, until `isOver`; `answers` gets all. */
async function writer(
  cluster: ProcessCluster,
  id: number,
  name: string,
  answers: Answer[],
  isOver: (last: Answer) => boolean,
): Promise<void> {
  for (let k = 0; k < 100_000; k++) {
    const answer = await ask(`${cluster.url(id)}/${name}`, { method: "PUT", body: `${k}` });
    answers.push(answer);
    if (isOver(answer)) return;
  }
}

/** Waits until node `id` itself holds `key`. */
async function staleReadFinds(cluster: ProcessCluster, id: number, key: string): Promise<void> {
  for (let tries = 0; tries < 1_200; tries++) {
    if ((await ask(`${cluster.url(id)}/${key}?consistency=stale`)).status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`node ${id} never got ${key}`);
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

function otherThan(answers: readonly Answer[], ...fine: readonly (number | string)[]): Answer[] {
  return answers.filter(({ status, code }) => !fine.includes(status) && !fine.includes(code));
}

test.serial(
  "RocksDB: three nodes that a monitor polls are restarted one after the other, and the cluster serves",
  async (t) => {
    const cluster = await ProcessCluster.start(3, ["--rocksdb"]);
    try {
      t.is(await put(cluster, 1, "k", "v"), 204);
      // A majority has the write; from the moment in which each node has it, no stale read may miss it.
      for (const id of [1, 2, 3]) await staleReadFinds(cluster, id, "k");
      const state = { isOver: false };
      const answers: Answer[] = [];
      const monitor = async (id: number, path: string): Promise<void> => {
        while (!state.isOver) {
          answers.push(await ask(`${cluster.url(id)}${path}`));
          await new Promise((resolve) => setImmediate(resolve));
        }
      };
      const monitors = [1, 2, 3].flatMap((id) => ["/k?consistency=stale", "/readyz"].map((path) => monitor(id, path)));
      for (const id of [1, 2, 3]) {
        await cluster.end(id, "SIGTERM");
        cluster.startNode(id);
        await cluster.ready(id);
      }
      state.isOver = true;
      await Promise.all(monitors);
      // Between two processes nobody listens; all others have an answer.
      t.deepEqual(otherThan(answers, 200, 503, ...gone), []);
      for (const id of [1, 2, 3]) {
        t.is(await put(cluster, id, "k", "w"), 204);
        t.is(await get(cluster, id, "k"), "w");
        t.is((await ask(`${cluster.url(id)}/k?consistency=stale`)).status, 200);
      }
    } finally {
      await cluster.stop();
    }
  },
);

test.serial("a burst of 48 MiB through a follower is written whole, and so is a value of 16 MiB", async (t) => {
  const cluster = await ProcessCluster.start(3, ["--value-bytes-max", String(16 * 1024 * 1024), ...patient]);
  try {
    const leader = await leaderOf(cluster);
    const via = leader === 1 ? 2 : 1;
    const body = Buffer.alloc(1.5 * 1024 * 1024, 120);
    const burst = Array.from({ length: 32 }, (_, k) => ask(`${cluster.url(via)}/k${k}`, { method: "PUT", body }));
    t.deepEqual(otherThan(await Promise.all(burst), 204), []);
    const large = Buffer.alloc(16 * 1024 * 1024, 121);
    t.is((await ask(`${cluster.url(via)}/large`, { method: "PUT", body: large })).status, 204);
    const read = await fetch(`${cluster.url(leader)}/large`);
    t.is((await read.arrayBuffer()).byteLength, large.length);
  } finally {
    await cluster.stop();
  }
});

test.serial("the leader is removed under load: no write fails through the members that stay", async (t) => {
  const cluster = await ProcessCluster.start(3, patient);
  try {
    const leader = await leaderOf(cluster);
    const others = [1, 2, 3].filter((id) => id !== leader);
    let isRemoved = false;
    const answers: Answer[] = [];
    const ofRemoved: Answer[] = [];
    const writers = others.flatMap((id) =>
      [1, 2, 3, 4].map((k) => writer(cluster, id, `k${id}.${k}`, answers, () => isRemoved)),
    );
    const leaving = writer(cluster, leader, "kl", ofRemoved, ({ status }) => status !== 204);
    await until(() => answers.length > 50);
    t.is(await sendUntilDone(cluster, leader, "DELETE", `/${leader}`), 204);
    t.is(await cluster.ended(leader), 0);
    isRemoved = true;
    await Promise.all([...writers, leaving]);
    t.deepEqual(otherThan(answers, 204), []);
    t.deepEqual(otherThan(ofRemoved, 204, "stopping", ...gone), []);
  } finally {
    await cluster.stop();
  }
});

/** A connection of its own: its first write is answered, and the node has its second one in the socket. */
async function sendOne(port: number, key: string): Promise<RawClient> {
  const client = new RawClient(port);
  const write = `PUT /${key} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nv`;
  client.send(write);
  await client.take(1);
  await new Promise<void>((resolve, reject) => {
    client.socket.write(write, (error) => (error ? reject(error) : resolve()));
  });
  return client;
}

for (const role of ["leader", "follower"] as const) {
  test.serial(
    `SIGTERM to the ${role} under load: every request that it had is answered, and none as unknown, at no member`,
    async (t) => {
      const cluster = await ProcessCluster.start(3, patient);
      try {
        const leader = await leaderOf(cluster);
        const id = role === "leader" ? leader : leader === 1 ? 2 : 1;
        let isGone = false;
        const stopping: Answer[] = [];
        const others: Answer[] = [];
        const writers = [
          ...Array.from({ length: 8 }, (_, k) =>
            writer(cluster, id, `k${k}`, stopping, ({ status }) => status !== 204),
          ),
          ...[1, 2, 3]
            .filter((other) => other !== id)
            .map((other) => writer(cluster, other, `o${other}`, others, () => isGone)),
        ];
        await until(() => stopping.length > 50 && others.length > 10);
        const sent = await Promise.all(Array.from({ length: 16 }, (_, k) => sendOne(cluster.ports[id - 1]!, `s${k}`)));
        t.is(await cluster.end(id, "SIGTERM"), 0);
        isGone = true;
        await Promise.all(writers);
        for (const client of sent) {
          const answers = await client.answers();
          t.is(answers.length, 2);
          const { status, headers, body } = answers[1]!;
          if (status === 204) continue;
          t.is(headers.get("connection"), "close");
          t.is((JSON.parse(body) as { code: string }).code, "stopping");
        }
        // The last of these may come when nobody listens any more.
        t.deepEqual(otherThan(stopping, 204, "stopping", ...gone), []);
        t.deepEqual(otherThan(others, 204), []);
      } finally {
        await cluster.stop();
      }
    },
  );
}
