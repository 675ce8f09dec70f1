/** The HTTP API over a simulated cluster: no socket, and partitions at will. */
import test from "ava";
import type { Node } from "../../core/node/node.ts";
import { createApi } from "../../server/api/api.ts";
import { apiOptions, clusterApi as cluster } from "../support/simulated-api.ts";

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
  ["POST", "/4", 400, "bad-url"],
  ["DELETE", "/3", 404, "unknown-member"],
  ["DELETE", "/1", 409, "last-voter"],
  ["PATCH", "/k", 405, "method-not-allowed"],
  ["PATCH", "/", 405, "method-not-allowed"],
  ["PATCH", "/3", 405, "method-not-allowed"],
  ["PATCH", "/%zz", 405, "method-not-allowed"],
  ["PATCH", "/v1/members/none", 405, "method-not-allowed"],
  ["GET", "/v1/members/none/promote", 405, "method-not-allowed"],
  ["GET", "/v1/members/none", 400, "no-member-id"],
  ["PUT", "/readyz", 405, "method-not-allowed"],
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

test("every answer says how far the store is", async (t) => {
  const { cluster: simulated, call } = cluster(1);
  simulated.leader();
  const etag = (await call(1, "PUT", "/k", "v")).headers.get("etag")!;
  const applied = Number(etag.slice(1, -1));
  for (const [method, path, headers] of [
    ["GET", "/k", {}],
    ["GET", "/absent", {}],
    ["GET", "/k", { "If-None-Match": etag }],
    ["GET", "/k", { "If-Match": '"1"' }],
    ["GET", "/k?consistency=stale", {}],
    ["PUT", "/v1", {}],
    ["PUT", "/k", { "If-Match": '"1"' }],
    ["PUT", "/k", { "Idempotency-Key": "99.1" }],
    ["PUT", "/k", { "Idempotency-Key": "none" }],
    ["PATCH", "/k", {}],
    ["GET", "/", {}],
    ["GET", "/livez", {}],
    ["GET", "/readyz", {}],
    ["GET", "/v1/status", {}],
    ["GET", "/v1/members", {}],
    ["GET", "/v1/members/1", {}],
    ["GET", "/v1/members/9", {}],
    ["POST", "/v1/sessions", {}],
    ["POST", "/v1/leader", {}],
    ["POST", "/nobody", {}],
    ["DELETE", "/1", {}],
    ["DELETE", "/9", {}],
    ["DELETE", "/k", {}],
  ] as const) {
    const answer = await call(1, method, path, method === "PUT" ? "w" : undefined, headers);
    const revision = Number(answer.headers.get("metastore-revision"));
    t.true(revision >= applied, `${method} ${path}: ${answer.status} ${revision}`);
  }
});

test("a store that has nothing yet says no revision", async (t) => {
  const { call } = cluster(3);
  for (const path of ["/livez", "/readyz", "/v1/status"]) {
    t.is((await call(1, "GET", path)).headers.get("metastore-revision"), null);
  }
});

test("an error in a handler is told as an outcome that is not known", async (t) => {
  const broken = { status: () => ({ appliedIndex: 5 }) } as unknown as Node;
  const seen: string[] = [];
  const api = createApi(broken, { ...apiOptions, onInternalError: ({ message }) => seen.push(message) });
  const answer = await api.request("/k", { method: "PUT", body: "v" });
  t.is(answer.status, 500);
  t.is(answer.headers.get("metastore-revision"), "5");
  t.deepEqual(((await answer.json()) as { definite: boolean }).definite, false);
  t.is(seen.length, 1);
});

test("a value beyond the limit is 413; a header that is not understood is never ignored", async (t) => {
  const { cluster: simulated, call } = cluster(1);
  simulated.leader();
  t.is((await call(1, "PUT", "/k", "v".repeat(101))).status, 413);
  t.is((await call(1, "PUT", "/k", "v".repeat(100))).status, 204);
  t.is((await call(1, "PUT", "/k", "v", { "If-Match": "1" })).status, 400);
  t.is((await call(1, "PUT", "/k", "v", { "Idempotency-Key": "abc" })).status, 400);
});

test("ready means that a linearizable read can be served now", async (t) => {
  const { cluster: simulated, call } = cluster(3);
  t.is((await call(1, "GET", "/livez")).status, 200);
  const opening = await call(1, "GET", "/readyz");
  t.is(opening.status, 503);
  t.is(opening.headers.get("retry-after"), "1");
  const leader = simulated.leader();
  simulated.until("the leader is ready", () => simulated.node(leader).readiness().ready);
  t.is((await call(leader, "GET", "/readyz")).status, 200);
  const status = (await (await call(leader, "GET", "/v1/status")).json()) as { role: string; members: unknown[] };
  t.is(status.role, "leader");
  t.is(status.members.length, 3);
});

test("compare-and-set: If-Match writes only over the revision it names, If-None-Match: * only where nothing is", async (t) => {
  const { cluster: simulated, call } = cluster(3);
  simulated.leader();
  const first = await call(1, "PUT", "/k", "a", { "If-None-Match": "*" });
  t.is(first.status, 204);
  t.is((await call(2, "PUT", "/k", "b", { "If-None-Match": "*" })).status, 412);
  const etag = first.headers.get("etag")!;
  const second = await call(3, "PUT", "/k", "c", { "If-Match": etag });
  t.is(second.status, 204);
  const late = await call(1, "PUT", "/k", "d", { "If-Match": etag, Prefer: "return=representation" });
  t.is(late.status, 412);
  t.is(late.headers.get("etag"), second.headers.get("etag"));
  t.is(await late.text(), "c");
  t.is((await call(1, "DELETE", "/k", undefined, { "If-Match": etag })).status, 412);
  t.is(await (await call(2, "GET", "/k")).text(), "c");
});

test("a session makes a retry exactly-once, and an id that is not live is never run", async (t) => {
  const { cluster: simulated, call } = cluster(3);
  simulated.leader();
  const opened = await call(1, "POST", "/v1/sessions");
  t.is(opened.status, 201);
  const { session } = (await opened.json()) as { session: number };
  const key = { "Idempotency-Key": `${session}.1` };
  const first = await call(1, "PUT", "/k", "a", key);
  t.is((await call(2, "PUT", "/k", "b")).status, 204);
  const again = await call(3, "PUT", "/k", "a", key);
  t.is(again.status, 204);
  t.is(again.headers.get("etag"), first.headers.get("etag"));
  t.is(await (await call(1, "GET", "/k")).text(), "b");
  t.is((await call(1, "PUT", "/k", "other", key)).status, 422);
  const gone = await call(1, "PUT", "/k", "c", { "Idempotency-Key": "999999.1" });
  t.is(gone.status, 410);
  t.false(((await gone.json()) as { definite: boolean }).definite);
});

test("the leadership moves on request, and a removed member is out", async (t) => {
  const { cluster: simulated, call } = cluster(3);
  const leader = simulated.leader();
  const other = leader === 1 ? 2 : 1;
  t.is((await call(other, "POST", "/v1/leader", `{"id": ${other}}`)).status, 204);
  simulated.pass(1);
  t.is(simulated.leader(), other);
  t.is((await call(other, "POST", "/4", "http://node-4")).status, 400);
  t.is((await call(other, "DELETE", `/${leader}`)).status, 204);
  t.is((await call(other, "DELETE", `/${leader}`)).status, 204);
  const { members } = (await (await call(other, "GET", "/v1/members")).json()) as { members: unknown[] };
  t.is(members.length, 2);
});

test("a voter that is silent does not lead, and a learner that is silent is not promoted: 409, and it is definite", async (t) => {
  const { cluster: simulated, call } = cluster(3, { spares: 1 });
  const leader = simulated.leader();
  const [silent, other] = simulated.others(leader) as [number, number];
  simulated.changeNow({ kind: "add", id: 4, url: "http://node-4", autoPromote: false });
  simulated.join(4);
  simulated.until("it takes part", () => simulated.simulator.raftOf(4) !== null);
  simulated.pass(1);
  for (const id of [silent, 4]) simulated.kill(id);
  simulated.pass(1.5);
  for (const via of [leader, other]) {
    for (const [path, body] of [
      ["/v1/leader", `{"id": ${silent}}`],
      ["/v1/members/4/promote", undefined],
    ] as const) {
      const answer = await call(via, "POST", path, body);
      const { code, definite } = (await answer.json()) as { code: string; definite: boolean };
      t.deepEqual([answer.status, code, definite], [409, "not-caught-up", true], path);
    }
  }
  t.is(simulated.leader(), leader);
});

test("a later POST that names autoPromote changes it for a learner; one that does not leaves it", async (t) => {
  const { cluster: simulated, call } = cluster(1, { spares: 1 });
  simulated.leader();
  const post = async (path: string, body: string): Promise<number> => (await call(1, "POST", path, body)).status;
  const autoPromote = (): boolean | undefined => {
    return simulated.simulator.raftOf(1)!.configuration.members.find(({ id }) => id === 2)?.autoPromote;
  };
  t.is(await post("/2", '{"url": "http://node-2:1", "autoPromote": false}'), 204);
  t.is(await post("/2", "http://node-2:1"), 204);
  t.is(await post("/v1/members/2", "http://node-3:1"), 204);
  t.false(autoPromote());
  t.is(await post("/v1/members/2", '{"url": "http://node-2:1", "autoPromote": true}'), 204);
  t.true(autoPromote());
  t.is(simulated.simulator.raftOf(1)!.configuration.members[1]!.url, "http://node-2:1");
});

test("no request can brick the cluster: a bad wish is refused with its reason, and nothing has changed", async (t) => {
  const { cluster: simulated, call } = cluster(3);
  const asked = simulated.leader() === 1 ? 1 : 2;
  const view = async (): Promise<string> => (await call(asked, "GET", "/v1/members")).text();
  t.is((await call(asked, "DELETE", "/3")).status, 204);
  t.is((await call(asked, "POST", "/3", "http://127.0.0.1:4")).status, 204);
  simulated.pass(2);
  const before = await view();
  for (const [method, path, body, status, code] of [
    ["POST", "/3", "not a url", 400, "bad-url"],
    ["POST", "/3", "http://127.0.0.1:4/path", 400, "bad-url"],
    ["POST", "/3", "http://127.0.0.1:5", 409, "member-exists"],
    ["POST", "/5", "http://127.0.0.1:4", 409, "url-in-use"],
    ["DELETE", "/9", undefined, 404, "unknown-member"],
    ["POST", "/v1/members/9/promote", undefined, 404, "unknown-member"],
    ["POST", "/v1/members/3/promote", undefined, 409, "not-bound"],
    ["POST", "/v1/leader", '{"id": 3}', 409, "no-voter"],
  ] as const) {
    const answer = await call(asked, method, path, body);
    const problem = (await answer.json()) as { code: string; definite: boolean };
    t.deepEqual([answer.status, problem.code, problem.definite], [status, code, true], `${method} ${path}`);
  }
  t.is(await view(), before);
  // The same request again is not refused, and a member that has never spoken can be removed.
  t.is((await call(asked, "POST", "/3", "http://127.0.0.1:4")).status, 204);
  t.is((await call(asked, "DELETE", "/3")).status, 204);
  t.is((await call(asked, "DELETE", "/3")).status, 204);
  const alone = cluster(1);
  alone.cluster.leader();
  const last = await alone.call(1, "DELETE", "/1");
  t.deepEqual([last.status, ((await last.json()) as { code: string }).code], [409, "last-voter"]);
});

test("what a member's JSON does not know is refused, not ignored", async (t) => {
  const { cluster: simulated, call } = cluster(1);
  simulated.leader();
  for (const path of ["/4", "/v1/members/4"]) {
    const answer = await call(1, "POST", path, '{"url": "http://127.0.0.1:9", "autopromote": false}');
    const { code, detail } = (await answer.json()) as { code: string; detail: string };
    t.deepEqual([answer.status, code], [400, "bad-json"]);
    t.regex(detail, /"autopromote"/);
  }
  t.is((await call(1, "GET", "/v1/members/4")).status, 404);
});

test("a host name that is not ASCII is the same in a body as in a flag", async (t) => {
  const { cluster: simulated, call } = cluster(1);
  simulated.leader();
  t.is((await call(1, "POST", "/4", "http://bücher.example:9")).status, 204);
  const member = (await (await call(1, "GET", "/v1/members/4")).json()) as { url: string };
  t.is(member.url, "http://xn--bcher-kva.example:9");
});

test("a PUT of a part of a value is refused, and changes nothing", async (t) => {
  const { cluster: simulated, call } = cluster(1);
  simulated.leader();
  await call(1, "PUT", "/k", "whole");
  const answer = await call(1, "PUT", "/k", "part", { "Content-Range": "bytes 0-3/5" });
  t.is(answer.status, 400);
  t.is(await (await call(1, "GET", "/k")).text(), "whole");
});
