import { fc, testProp } from "@fast-check/ava";
import test from "ava";
import { hardHistory } from "../../bench/histories.ts";
import { HistoryError, parseJsonLines, printJsonLines } from "../../checker/formats/index.ts";
import { check, type Operation } from "../../checker/index.ts";
import { keyModel } from "../../checker/model.ts";
import { whyNotWitness } from "../../checker/verify.ts";
import { isLinearizable } from "./brute-force.ts";

const options = { configurationsMax: 100_000 };

function put(client: number, value: string, call: number, end: number | null): Operation {
  return { client, op: "put", key: "k", value, call, return: end, outcome: end === null ? "unknown" : "ok" };
}
function get(client: number, value: string | null, call: number, end: number): Operation {
  return { client, op: "get", key: "k", value, call, return: end, outcome: "ok" };
}

test("a read that begins after a write was acknowledged sees it", (t) => {
  t.is(check([put(1, "a", 0, 1), get(2, "a", 2, 3)], options).verdict, "ok");
});

test("a stale read is illegal, and the sentence says by how much", (t) => {
  const verdict = check([put(1, "a", 0, 1), put(1, "b", 2, 10), get(2, "a", 15, 16)], options);
  t.is(verdict.verdict, "illegal");
  if (verdict.verdict !== "illegal") return;
  t.is(
    verdict.sentence,
    "client 2 read a of key k at 16, but b had been written by client 1 and acknowledged at 10: stale by at least 5",
  );
});

test("a write of unknown outcome may happen late, or never", (t) => {
  t.is(check([put(1, "a", 0, null), get(2, null, 5, 6), get(2, "a", 50, 60)], options).verdict, "ok");
  t.is(check([put(1, "a", 0, null), get(2, "a", 5, 6), get(2, null, 50, 60)], options).verdict, "illegal");
});

test("a value that nobody wrote is illegal, also where its write certainly did not happen", (t) => {
  const refused: Operation = { client: 1, op: "put", key: "k", value: "a", call: 0, return: 1, outcome: "none" };
  t.is(check([refused, get(2, "a", 2, 3)], options).verdict, "illegal");
});

test("a budget that ends is unknown, never a pass, and says where", (t) => {
  // Two values, written again and again: nothing tells which write a read has seen.
  const puts = Array.from({ length: 12 }, (_, k) => put(k, k % 2 === 0 ? "a" : "b", 0, 100));
  const reads = [get(20, "a", 200, 201), get(21, "b", 202, 203)];
  const verdict = check([...puts, ...reads], { configurationsMax: 50 });
  t.like(verdict, {
    verdict: "unknown",
    key: "k",
    limit: "configurationsMax",
    reason: "50 configurations were not enough",
  });
  t.is(check([...puts, ...reads], options).verdict, "illegal");
});

test("a budget of bytes ends a search, too", (t) => {
  const puts = Array.from({ length: 16 }, (_, k) => put(k, k % 2 === 0 ? "a" : "b", 0, 100));
  const verdict = check([...puts, get(20, "a", 200, 201), get(21, "b", 202, 203)], { bytesMax: 20_000 });
  t.like(verdict, { verdict: "unknown", limit: "bytesMax", reason: "20000 bytes of configurations were not enough" });
});

test("a search that is told to stop is unknown", (t) => {
  let asked = 0;
  const verdict = check(hardHistory(40), { shouldStop: () => (asked += 1) === 3 });
  t.like(verdict, { verdict: "unknown", limit: "shouldStop", reason: "it was stopped" });
});

test("whether to stop is asked at least once in 1,024 configurations, and no more once the answer was yes", (t) => {
  let asked = 0;
  const budget = { configurationsMax: 20 * 1_024, bytesMax: Infinity };
  check(hardHistory(40), { ...budget, shouldStop: () => (asked += 1) < 0 });
  t.true(asked >= 20, `asked ${asked} times`);
  asked = 0;
  check(hardHistory(40), { ...budget, shouldStop: () => (asked += 1) === 5 });
  t.is(asked, 5);
});

test("a broken line is an error with its number and what was expected", (t) => {
  const line = JSON.stringify(put(1, "a", 0, 1));
  for (const [broken, expected] of [
    ["{", /line 2: it must be a JSON object/],
    ["[]", /an operation must be a JSON object/],
    [line.replace('"put"', '"push"'), /"op" must be get, put, delete, cas, append or txn/],
    [line.replace('"return":1', '"return":null'), /null where the outcome is unknown/],
    [line.replace('"call":0', '"call":9'), /"return" must not be before "call"/],
  ] as const) {
    t.throws(() => parseJsonLines(`${line}\n${broken}\n`), { instanceOf: HistoryError, message: expected });
  }
});

test("an unknown write that nobody saw may be what made a compare-and-set fail", (t) => {
  const mismatch: Operation = {
    client: 2,
    op: "cas",
    key: "k",
    value: [null, "b"],
    call: 0,
    return: 1,
    outcome: "mismatch",
  };
  t.is(check([put(1, "a", 0, null), mismatch], options).verdict, "ok");
  t.is(check([mismatch], options).verdict, "illegal");
});

const value = fc.constantFrom("a", "b", "c");
const operation: fc.Arbitrary<Operation> = fc
  .tuple(fc.constantFrom("get", "put", "delete", "cas"), value, fc.option(value), fc.nat(20), fc.nat(8), fc.nat(9))
  .map(([op, written, seen, call, length, dice]): Operation => {
    const unknown = dice === 0 && op !== "get";
    const timed = {
      client: 1,
      key: "k",
      call,
      return: unknown ? null : call + length,
      outcome: unknown ? "unknown" : "ok",
    } as const;
    if (op === "get") return { ...timed, op, value: seen };
    if (op === "put") return { ...timed, op, value: written };
    if (op === "delete") return { ...timed, op, value: null };
    return { ...timed, op: "cas", value: [seen, written], outcome: dice === 1 ? "mismatch" : timed.outcome };
  });

testProp(
  "the search agrees with trying every order",
  [fc.array(operation, { maxLength: 7 })],
  (t, history) => {
    t.is(check(history, options).verdict, isLinearizable(history) ? "ok" : "illegal");
  },
  { numRuns: 3_000 },
);

testProp(
  "a witness replays, and printed histories parse to themselves",
  [fc.array(operation, { maxLength: 7 })],
  (t, history) => {
    t.deepEqual(parseJsonLines(printJsonLines(history)), history);
    const verdict = check(history, options);
    if (verdict.verdict !== "ok") return;
    t.is(whyNotWitness(keyModel, history, (verdict.order.get("k") ?? []) as Operation[]), null);
  },
  { numRuns: 1_000 },
);

/** A legal run: operations at points in time, each inside an interval of its own; some answers never come. */
const legalRun = fc
  .array(fc.tuple(fc.constantFrom("get", "put", "delete", "cas"), fc.nat(9), fc.nat(9), fc.nat(9)), { maxLength: 7 })
  .map((steps) => {
    let state: string | null = null;
    return steps.map(([op, before, after, dice], k): Operation => {
      const point = 10 * (k + 1);
      const unknown = dice === 0 && op !== "get";
      const end = unknown ? null : point + after;
      const timed = { client: k, key: "k", call: point - before, return: end, revision: k + 1 };
      const outcome = unknown ? "unknown" : "ok";
      const own = `v${k}`;
      const expected = state;
      if (op === "get") return { ...timed, outcome, op, value: state };
      state = op === "delete" ? null : own;
      if (op === "put") return { ...timed, outcome, op, value: own };
      if (op === "delete") return { ...timed, outcome, op, value: null };
      return { ...timed, outcome, op: "cas", value: [expected, own] };
    });
  });

testProp(
  "revisions that follow the order of effects change no verdict",
  [legalRun],
  (t, history) => {
    t.is(check(history, options).verdict, "ok");
    const bare = history.map(({ revision: _revision, ...rest }) => rest as Operation);
    t.is(check(bare, options).verdict, "ok");
  },
  { numRuns: 2_000 },
);

test("answers whose revisions contradict the order of time are illegal", (t) => {
  const first = { ...put(1, "a", 0, 1), revision: 9 };
  const second = { ...put(2, "b", 5, 6), revision: 3 };
  t.is(check([first, second], options).verdict, "illegal");
  t.is(check([put(1, "a", 0, 1), put(2, "b", 5, 6)], options).verdict, "ok");
});
