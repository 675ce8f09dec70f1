/** The HTTP API over a simulated cluster: no socket, and partitions at will. */
import test from "ava";
import { createApi } from "../../server/api/api.ts";
import { SimulatedCluster } from "../support/simulated-cluster.ts";

const options = { valueBytesMax: 100, version: "test" };

type Call = (
  id: number,
  method: string,
  path: string,
  body?: string,
  headers?: Record<string, string>,
) => Promise<Response>;

function cluster(nodes: number): { cluster: SimulatedCluster; call: Call } {
  const simulated = new SimulatedCluster(nodes);
  const call: Call = (id, method, path, body, headers = {}) => {
    const api = createApi(simulated.node(id), options);
    const init = body === undefined ? { method, headers } : { method, body, headers };
    return simulated.settle(Promise.resolve(api.request(path, init)));
  };
  return { cluster: simulated, call };
}

test("a value put at any member is read at every member", async (t) => {
  const { cluster: simulated, call } = cluster(3);
  simulated.leader();
  const put = await call(2, "PUT", "/my-key", "hello");
  t.is(put.status, 204);
  t.regex(put.headers.get("etag") ?? "", /^"\d+"$/);
  for (const id of [1, 2, 3]) {
    const got = await call(id, "GET", "/my-key");
    t.is(got.status, 200);
    t.is(await got.text(), "hello");
    t.is(got.headers.get("etag"), put.headers.get("etag"));
    t.true(Number(got.headers.get("metastore-revision")) >= Number(put.headers.get("metastore-revision")));
  }
});

test("HEAD is GET without the body; an empty value is there; DELETE takes it away", async (t) => {
  const { cluster: simulated, call } = cluster(1);
  simulated.leader();
  t.is((await call(1, "PUT", "/k", "")).status, 204);
  const head = await call(1, "HEAD", "/k");
  t.is(head.status, 200);
  t.is(await head.text(), "");
  t.is((await call(1, "GET", "/k")).status, 200);
  t.is((await call(1, "DELETE", "/k")).status, 204);
  t.is((await call(1, "DELETE", "/k")).status, 204);
  const gone = await call(1, "GET", "/k");
  t.is(gone.status, 404);
  t.is(((await gone.json()) as { code: string }).code, "key-not-found");
});

test("If-None-Match with the current ETag is answered 304", async (t) => {
  const { cluster: simulated, call } = cluster(1);
  simulated.leader();
  const etag = (await call(1, "PUT", "/k", "v")).headers.get("etag")!;
  t.is((await call(1, "GET", "/k", undefined, { "If-None-Match": etag })).status, 304);
});

test("a member cut off from the majority answers 503, definite, and never a stale value", async (t) => {
  const { cluster: simulated, call } = cluster(3);
  const leader = simulated.leader();
  t.is((await call(leader, "PUT", "/k", "old")).status, 204);
  simulated.isolate(leader, 1_000);
  const other = leader === 1 ? 2 : 1;
  simulated.pass(5);
  t.is((await call(other, "PUT", "/k", "new")).status, 204);
  const read = await call(leader, "GET", "/k");
  t.is(read.status, 503);
  t.is(read.headers.get("retry-after"), "1");
  t.true(((await read.json()) as { definite: boolean }).definite);
  const stale = await call(leader, "GET", "/k?consistency=stale");
  t.is(await stale.text(), "old");
});

test("a write that a leader took just before it was cut off has an unknown outcome: 504, not definite", async (t) => {
  const { cluster: simulated, call } = cluster(3);
  const leader = simulated.leader();
  simulated.isolate(leader, 1_000);
  const write = await call(leader, "PUT", "/k", "v");
  t.is(write.status, 504);
  t.false(((await write.json()) as { definite: boolean }).definite);
});

test("without a majority a write ends in 503 within the request time", async (t) => {
  const { cluster: simulated, call } = cluster(3);
  const leader = simulated.leader();
  const others = [1, 2, 3].filter((id) => id !== leader);
  for (const id of others) simulated.isolate(id, 1_000);
  simulated.pass(5);
  const write = await call(others[0]!, "PUT", "/k", "v");
  t.is(write.status, 503);
  t.true(((await write.json()) as { definite: boolean }).definite);
});

for (const [method, path, status, code] of [
  ["PUT", "/", 400, "empty-key"],
  ["GET", "/", 404, "not-found"],
  ["PUT", "/v1", 400, "reserved-key"],
  ["GET", "/livez/x", 400, "reserved-key"],
  ["PUT", "/%zz", 400, "bad-key"],
  ["POST", "/some-key", 400, "no-member-id"],
  ["POST", "/0", 400, "no-member-id"],
  ["POST", "/4", 501, "not-yet"],
  ["DELETE", "/3", 501, "not-yet"],
  ["PATCH", "/k", 405, "method-not-allowed"],
  ["POST", "/v1/kv/k", 405, "method-not-allowed"],
  ["GET", "/k?consistency=maybe", 400, "bad-consistency"],
  ["PUT", `/${"k".repeat(4097)}`, 400, "key-too-long"],
] as const) {
  test(`${method} ${path.slice(0, 30)} is refused: ${status} ${code}`, async (t) => {
    const { cluster: simulated, call } = cluster(1);
    simulated.leader();
    const answer = await call(1, method, path, method === "PUT" ? "v" : undefined);
    t.is(answer.status, status);
    t.is(answer.headers.get("content-type"), "application/problem+json");
    t.is(((await answer.json()) as { code: string }).code, code);
  });
}

test("a value beyond the limit is 413; a precondition that is not built is never ignored", async (t) => {
  const { cluster: simulated, call } = cluster(1);
  simulated.leader();
  t.is((await call(1, "PUT", "/k", "v".repeat(101))).status, 413);
  t.is((await call(1, "PUT", "/k", "v".repeat(100))).status, 204);
  t.is((await call(1, "PUT", "/k", "v", { "If-Match": '"1"' })).status, 501);
});

test("ready means that a leader is known", async (t) => {
  const { cluster: simulated, call } = cluster(3);
  t.is((await call(1, "GET", "/livez")).status, 200);
  const leader = simulated.leader();
  t.is((await call(leader, "GET", "/readyz")).status, 200);
  const status = (await (await call(leader, "GET", "/v1/status")).json()) as { role: string; members: unknown[] };
  t.is(status.role, "leader");
  t.is(status.members.length, 3);
});
