/** What a request's name and headers say of its meaning: keys that look like members, and conditions on either. */
import test from "ava";
import type { MemberStatus } from "../../core/node/status.ts";
import { type Call, clusterApi as cluster } from "../support/simulated-api.ts";

/** The members as they are configured, without their progress. */
async function whoBelongs(call: Call, asked: number): Promise<string> {
  const answer = (await (await call(asked, "GET", "/v1/members")).json()) as { members: MemberStatus[] };
  return JSON.stringify(answer.members.map(({ id, incarnation, url, role }) => [id, incarnation, url, role]));
}

test("DELETE of an integer that is a key and may be a member removes neither", async (t) => {
  const { cluster: simulated, call } = cluster(3);
  const asked = simulated.leader() === 1 ? 1 : 2;
  const members = (): Promise<string> => whoBelongs(call, asked);
  t.is((await call(asked, "PUT", "/3", "value")).status, 204);
  const before = await members();
  const refusal = await call(asked, "DELETE", "/3");
  t.is(refusal.status, 409);
  const problem = (await refusal.json()) as { code: string; detail: string; definite: boolean };
  t.deepEqual([problem.code, problem.definite], ["ambiguous", true]);
  t.regex(problem.detail, /\/v1\/kv\/3 .*\/v1\/members\/3 /);
  t.is(await members(), before);
  t.is(await (await call(asked, "GET", "/3")).text(), "value");
  // Where the key exists and no such member ever did, too.
  t.is((await call(asked, "PUT", "/77", "value")).status, 204);
  t.is((await call(asked, "DELETE", "/77")).status, 409);
  // Each by its own name; then the bare integer means the member again.
  t.is((await call(asked, "DELETE", "/v1/kv/3")).status, 204);
  t.is((await call(asked, "GET", "/3")).status, 404);
  t.is(await members(), before);
  t.is((await call(asked, "DELETE", "/3")).status, 204);
  t.not(await members(), before);
  const unknown = await call(asked, "DELETE", "/9");
  t.is(unknown.status, 404);
  t.regex(((await unknown.json()) as { detail: string }).detail, /\/v1\/members\/9.*\/v1\/kv\/9/);
});

test("DELETE of a member goes through beside a key of its name under /v1/members", async (t) => {
  const { cluster: simulated, call } = cluster(3);
  const leader = simulated.leader();
  const other = leader === 3 ? 2 : 3;
  t.is((await call(leader, "PUT", `/${other}`, "value")).status, 204);
  t.is((await call(leader, "DELETE", `/v1/members/${other}`)).status, 204);
  t.is(await (await call(leader, "GET", `/${other}`)).text(), "value");
});

test("DELETE of an integer removes nothing where it cannot be asked whether a key has that name", async (t) => {
  const { cluster: simulated, call } = cluster(3);
  const leader = simulated.leader();
  const others = [1, 2, 3].filter((id) => id !== leader);
  for (const id of others) simulated.isolate(id, 1_000);
  simulated.pass(5);
  const answer = await call(leader, "DELETE", `/${others[0]!}`);
  t.is(answer.status, 503);
  t.true(((await answer.json()) as { definite: boolean }).definite);
});

test("a precondition on a request that changes no key is refused, and nothing has changed", async (t) => {
  const { cluster: simulated, call } = cluster(3);
  const asked = simulated.leader();
  const before = await whoBelongs(call, asked);
  for (const headers of [{ "If-Match": '"5"' }, { "If-None-Match": "*" }]) {
    for (const [method, path, body] of [
      ["DELETE", "/3", undefined],
      ["DELETE", "/v1/members/3", undefined],
      ["POST", "/4", "http://127.0.0.1:4"],
      ["POST", "/v1/members/4", "http://127.0.0.1:4"],
      ["POST", "/v1/members/3/promote", undefined],
      ["POST", "/v1/leader", '{"id": 3}'],
      ["POST", "/v1/sessions", undefined],
    ] as const) {
      const answer = await call(asked, method, path, body, headers);
      const { code } = (await answer.json()) as { code: string };
      t.deepEqual([answer.status, code], [400, "precondition-unsupported"], `${method} ${path}`);
    }
  }
  t.is(await whoBelongs(call, asked), before);
});

test("a read compares ETags as RFC 9110 says: If-None-Match weakly, If-Match strongly", async (t) => {
  const { cluster: simulated, call } = cluster(1);
  simulated.leader();
  const etag = (await call(1, "PUT", "/k", "v")).headers.get("etag")!;
  for (const [header, value, path, status] of [
    ["If-None-Match", etag, "/k", 304],
    ["If-None-Match", `W/${etag}`, "/k", 304],
    ["If-None-Match", `"a,b", W/"x" ,, ${etag}`, "/k", 304],
    ["If-None-Match", "*", "/k", 304],
    ["If-None-Match", "*", "/absent", 404],
    ["If-None-Match", `"a,${etag.slice(1, -1)}"`, "/k", 200],
    ["If-None-Match", etag.slice(1, -1), "/k", 200],
    ["If-Match", etag, "/k", 200],
    ["If-Match", `"0", ${etag}`, "/k", 200],
    ["If-Match", "*", "/k", 200],
    ["If-Match", `W/${etag}`, "/k", 412],
    ["If-Match", '"0"', "/k", 412],
    ["If-Match", "*", "/absent", 412],
  ] as const) {
    t.is((await call(1, "GET", path, undefined, { [header]: value })).status, status, `${header}: ${value} ${path}`);
  }
});

test("If-Match of a write takes a list in which one tag can match; what can match nothing is 412", async (t) => {
  const { cluster: simulated, call } = cluster(1);
  simulated.leader();
  const etag = (await call(1, "PUT", "/k", "v")).headers.get("etag")!;
  for (const [ifMatch, status] of [
    [`W/${etag}`, 412],
    ['"none"', 412],
    ['"2", "3"', 400],
    ["2", 400],
    ["", 400],
    [`"none", ${etag}`, 204],
  ] as const) {
    t.is((await call(1, "PUT", "/k", "w", { "If-Match": ifMatch })).status, status, ifMatch);
  }
});
