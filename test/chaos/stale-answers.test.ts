/** What a stale read may be answered with, on made-up histories: a write of unknown outcome explains little. */
import test from "ava";
import type { Operation } from "../../checker/index.ts";
import { staleProblems } from "../../chaos/judgement/stale-answers.ts";
import type { StaleAnswer } from "../../chaos/workload/history.ts";

const base = { client: 1, key: "k", return: 0, outcome: "ok" } as const;
function put(value: string, revision: number, call: number): Operation {
  return { ...base, op: "put", value, revision, call, return: call + 1 };
}
function stale(value: string | null, revision: number, call: number): StaleAnswer {
  return { member: 1, key: "k", value, revision, call, return: call + 1 };
}
const lost = { ...base, op: "delete", value: null, return: null, outcome: "unknown" } as const;

test("an unknown delete excuses the absences of one stretch, and only those that it may have made", (t) => {
  const operations: Operation[] = [put("a", 10, 0), { ...lost, call: 5 }, put("b", 20, 10), put("c", 30, 20)];
  const problems = (...answers: StaleAnswer[]): number =>
    staleProblems({ operations, stale: answers }, new Set()).length;
  t.is(problems(stale(null, 15, 12)), 0);
  t.is(problems(stale(null, 15, 12), stale(null, 18, 13)), 0);
  t.is(problems(stale(null, 25, 22)), 0);
  // The delete took effect once only.
  t.is(problems(stale(null, 15, 12), stale(null, 25, 22)), 1);
  // The absence was read before the delete was called.
  t.is(problems(stale(null, 15, 2)), 1);
  t.is(problems(stale(null, 10, 12)), 1);
  // A linearizable read found the value later.
  const read: Operation = { ...base, op: "get", value: "b", revision: 26, call: 40, return: 41 };
  t.is(
    staleProblems({ operations: [...operations.slice(0, 3), read], stale: [stale(null, 25, 22)] }, new Set()).length,
    1,
  );
  // A linearizable read has used it.
  const absent: Operation = { ...base, op: "get", value: null, revision: 15, call: 7, return: 8 };
  t.is(staleProblems({ operations: [...operations, absent], stale: [stale(null, 25, 22)] }, new Set()).length, 1);
  t.is(staleProblems({ operations: [...operations, absent], stale: [stale(null, 16, 22)] }, new Set()).length, 0);
});

test("each stretch of absence has a delete of its own where there are enough", (t) => {
  const operations: Operation[] = [
    put("a", 10, 0),
    { ...lost, call: 5 },
    put("b", 20, 10),
    { ...lost, call: 15, client: 2 },
    put("c", 40, 30),
    { ...base, op: "get", value: null, revision: 50, call: 50, return: 51 },
  ];
  t.deepEqual(staleProblems({ operations, stale: [stale(null, 15, 12)] }, new Set()), []);
  t.is(staleProblems({ operations, stale: [stale(null, 15, 12), stale(null, 25, 26)] }, new Set()).length, 1);
});

test("a put of unknown outcome excuses its value until a known write replaces it", (t) => {
  const unknown: Operation = { ...base, op: "put", value: "x", call: 5, return: null, outcome: "unknown" };
  const operations: Operation[] = [put("a", 10, 0), unknown, put("b", 20, 10)];
  const problems = (...answers: StaleAnswer[]): number =>
    staleProblems({ operations, stale: answers }, new Set()).length;
  t.is(problems(stale("x", 15, 12)), 0);
  t.is(problems(stale("x", 25, 12)), 0);
  t.is(problems(stale("x", 15, 12), stale("x", 25, 22)), 1);
  t.is(problems(stale("x", 10, 12)), 1);
  t.is(problems(stale("y", 15, 12)), 1);
});
