/** An operator's request that takes two steps has one request time for both. */
import test from "ava";
import type { Node } from "../../core/node/node.ts";
import type { ChangeResult, ReadOutcome } from "../../core/node/options.ts";
import type { Change } from "../../core/protocol/configuration.ts";
import { createApi } from "../../server/api/api.ts";
import { SimulatedCluster } from "../support/simulated-cluster.ts";

/** Asks a node whose every step takes 4 of 5 seconds; the deadline of each change. */
async function deadlines(method: string, path: string, body?: string): Promise<[string, number][]> {
  const seen: [string, number][] = [];
  let now = 100;
  const node = {
    status: () => ({ appliedIndex: 7, members: [] }),
    requestDeadline: () => now + 5,
    read: (_key: string, _lease: boolean, done: (outcome: ReadOutcome) => void) => {
      now += 4;
      done({ ok: true, value: { row: null, revision: 7 } });
    },
    change: ({ kind }: Change, done: (result: ChangeResult) => void, deadline: number) => {
      seen.push([kind, deadline]);
      now += 4;
      done(kind === "add" ? { ok: false, code: "member-exists", definite: true } : { ok: true, value: null });
    },
  } as unknown as Node;
  const init = body === undefined ? { method } : { method, body };
  await createApi(node, { valueBytesMax: 100, version: "test" }).request(path, init);
  return seen;
}

test("DELETE /{id}: the change has what the read has left of the request time", async (t) => {
  t.deepEqual(await deadlines("DELETE", "/2"), [["remove", 105]]);
});

test("POST /v1/members/{id}: the move has what the addition has left of the request time", async (t) => {
  const answers = await deadlines("POST", "/v1/members/2", "http://127.0.0.1:2");
  t.deepEqual(answers, [
    ["add", 105],
    ["move", 105],
  ]);
});

test("a change ends by its deadline, and one that comes after it is not begun: definite", (t) => {
  const world = new SimulatedCluster(3);
  const leader = world.leader();
  const other = leader === 1 ? 2 : 1;
  world.isolate(leader, 1_000);
  const node = world.node(leader);
  const results: ChangeResult[] = [];
  const until = node.requestDeadline() - 4_000_000;
  node.change({ kind: "remove", id: other }, (result) => results.push(result), until);
  world.pass(1.2);
  t.deepEqual(
    results.splice(0).map(({ ok }) => ok),
    [false],
  );
  node.change({ kind: "remove", id: other }, (result) => results.push(result), until);
  t.deepEqual(results, [{ ok: false, code: "timeout", definite: true }]);
});
