/** The HTTP API in every phase of a node's life, over a simulated cluster that a monitor polls all the time. */
import test from "ava";
import { createApi } from "../../server/api/api.ts";
import { SimulatedCluster } from "../support/simulated-cluster.ts";

const options = { valueBytesMax: 100, version: "test" };
const paths = ["/k?consistency=stale", "/k?consistency=lease", "/k", "/readyz", "/v1/status", "/v1/members"];

type Answer = { readonly path: string; readonly status: number; readonly code: string; readonly body: string };

/** Asks each running node for each path, and lets a little time pass; the answers come into `answers`. */
async function poll(world: SimulatedCluster, answers: Answer[], open: Set<string>, seconds: number): Promise<void> {
  for (const { id, node } of world.simulator.hosts) {
    if (node === null) continue;
    for (const path of paths) {
      const name = `${path} at ${id}, ${world.simulator.scheduler.now}`;
      open.add(name);
      void Promise.resolve(createApi(node, options).request(path)).then(async (response) => {
        const body = await response.text();
        const isProblem = response.headers.get("content-type") === "application/problem+json";
        const code = isProblem ? (JSON.parse(body) as { code: string }).code : "";
        answers.push({ path, status: response.status, code, body });
        open.delete(name);
      });
    }
  }
  world.pass(seconds);
  await new Promise((resolve) => setImmediate(resolve));
}

for (const engines of ["memory", "rocksdb"] as const) {
  test(`${engines}: three nodes that a monitor polls are restarted one after the other, and none is lost`, async (t) => {
    const world = new SimulatedCluster(3, { engines, streams: true });
    world.putNow("k", "v");
    world.pass(1);
    const answers: Answer[] = [];
    const open = new Set<string>();
    for (const id of [1, 2, 3]) {
      const stop = world.stop(id);
      for (let k = 0; k < 100 && !stop.isOver; k++) await poll(world, answers, open, 0.005);
      t.true(stop.isOver);
      world.kill(id);
      await poll(world, answers, open, 0.05);
      world.start(id);
      for (let k = 0; k < 500 && !world.node(id).readiness().ready; k++) await poll(world, answers, open, 0.002);
      t.true(world.node(id).readiness().ready);
      // A node that says that it is ready answers.
      const read = world.get(id, "k");
      t.true(world.answer(world.put(id, "k", "v"), 1).ok);
      t.true(world.answer(read, 1).ok);
    }
    for (let k = 0; k < 30 && open.size > 0; k++) {
      world.pass(0.5);
      await new Promise((resolve) => setImmediate(resolve));
    }
    t.deepEqual([...open], [], "every request has ended");
    for (const { path, status, code, body } of answers) {
      t.true([200, 503].includes(status), `${path}: ${status} ${code} ${body}`);
      if (path.startsWith("/k") && status === 200) t.is(body, "v");
    }
    const ofReadyz = new Set(answers.filter(({ path }) => path === "/readyz").map(({ code }) => code));
    for (const code of ["", "stopping", "opening"]) t.true(ofReadyz.has(code), [...ofReadyz].join());
    world.judge();
  });
}

test("a throw out of a request ends the node as a bug, though the web framework catches it", async (t) => {
  const world = new SimulatedCluster(1);
  world.putNow("k", "v");
  const { store } = world.simulator.hosts[0]!;
  Object.defineProperty(store, "applied", {
    get: () => {
      throw new Error("planted");
    },
  });
  const answer = await createApi(world.node(1), options).request("/k?consistency=stale");
  t.is(answer.status, 500);
  t.is(world.node(1).readiness().ready, false);
});

test("a node that knows no members yet does not say that there are none", async (t) => {
  const world = new SimulatedCluster(3);
  for (const { id, node } of world.simulator.hosts) {
    if (node === null) continue;
    for (const path of ["/v1/members", "/v1/members/1", "/v1/members/9"]) {
      const answer = await createApi(node, options).request(path);
      const { code } = (await answer.json()) as { code: string };
      t.deepEqual([answer.status, code], [503, "not-ready"], `${path} at ${id}`);
    }
  }
  world.leader();
  t.is((await createApi(world.node(1), options).request("/v1/members/1")).status, 200);
  t.is((await createApi(world.node(1), options).request("/v1/members/9")).status, 404);
});
