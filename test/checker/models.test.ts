/** Models of one's own, and transactions: the general engine against every order. */
import test from "ava";
import { type Call, check, checkModel, type Model, type Operation, type Transaction } from "../../checker/index.ts";
import { dataText } from "../../checker/data-text.ts";
import { rowsModel } from "../../checker/model.ts";
import { whyNotWitness } from "../../checker/verify.ts";
import { Chance } from "./generators.ts";

type Ask = { readonly push: string } | "pop";
/** What a pop gave, null where there was nothing; "" for a push. */
type Gave = string | null;

const queue: Model<readonly string[], Ask, Gave> = {
  initial: [],
  step: (state, ask, gave) => {
    if (ask !== "pop") return [...state, ask.push];
    const first = state[0] ?? null;
    if (gave !== undefined && gave !== first) return undefined;
    return state.slice(1);
  },
  keyOf: (state) => JSON.stringify(state),
  isObserver: (ask, gave) => ask === "pop" && gave === null,
  effectOf: (ask) => (ask === "pop" ? "pop" : `push ${ask.push}`),
};

/** Every order, one by one. */
function isExplained<State, Input, Output>(
  model: Model<State, Input, Output>,
  rest: readonly Call<Input, Output>[],
  state: State,
): boolean {
  if (rest.every(({ return: end }) => end === Infinity)) return true;
  return rest.some((call) => {
    if (rest.some((other) => other.return < call.call)) return false;
    const after = model.step(state, call.input, call.output);
    return (
      after !== undefined &&
      isExplained(
        model,
        rest.filter((other) => other !== call),
        after,
      )
    );
  });
}

function queueHistory(chance: Chance): Call<Ask, Gave>[] {
  const state: string[] = [];
  return Array.from({ length: 1 + chance.below(7) }, (_, k): Call<Ask, Gave> => {
    const call = 4 * k - chance.below(12);
    const end = chance.oneIn(6) ? Infinity : Math.max(call, 4 * k + chance.below(12));
    const happens = end !== Infinity || chance.oneIn(2);
    if (chance.oneIn(2)) {
      const push = chance.pick(["a", "b", `v${k}`]);
      if (happens) state.push(push);
      return { input: { push }, output: end === Infinity ? undefined : "", call, return: end };
    }
    const gave = (happens ? state.shift() : undefined) ?? null;
    const told = chance.oneIn(8) ? chance.pick(["a", "b", null]) : gave;
    return { input: "pop", output: end === Infinity ? undefined : told, call, return: end };
  });
}

test("a queue: every verdict is that of trying all orders", (t) => {
  const seen = { ok: 0, illegal: 0, unknown: 0 };
  for (let seed = 0; seed < 5_000; seed++) {
    const calls = queueHistory(new Chance(`queue ${seed}`));
    const { verdict } = checkModel(queue, calls);
    seen[verdict] += 1;
    if ((verdict === "ok") !== isExplained(queue, calls, queue.initial))
      t.fail(`seed ${seed}: ${JSON.stringify(calls)}`);
  }
  t.true(seen.ok > 1_000 && seen.illegal > 200 && seen.unknown === 0, JSON.stringify(seen));
});

test("a queue that tells its initial state and its steps, and no more: the same verdicts", (t) => {
  const { initial, step } = queue;
  const seen = { ok: 0, illegal: 0, unknown: 0 };
  for (let seed = 0; seed < 5_000; seed++) {
    const calls = queueHistory(new Chance(`queue ${seed}`));
    const { verdict } = checkModel({ initial, step }, calls);
    seen[verdict] += 1;
    if (verdict !== checkModel(queue, calls).verdict) t.fail(`seed ${seed}: ${JSON.stringify(calls)}`);
  }
  t.true(seen.ok > 1_000 && seen.illegal > 200 && seen.unknown === 0, JSON.stringify(seen));
});

test("a model whose states are no plain data, and that has no keyOf, is refused", (t) => {
  class Counter {
    readonly count = 0;
  }
  const model: Model<Counter, "read", number> = { initial: new Counter(), step: (state) => state };
  const calls: Call<"read", number>[] = [{ input: "read", output: 0, call: 1, return: 2 }];
  t.throws(() => checkModel(model, calls), { instanceOf: TypeError, message: /give the model a keyOf/ });
  t.is(checkModel({ ...model, keyOf: () => "" }, calls).verdict, "ok");
});

const someData: readonly unknown[] = [
  null,
  undefined,
  "null",
  "undefined",
  0,
  -0,
  "0",
  0n,
  "0n",
  NaN,
  true,
  "true",
  [],
  [[]],
  [null],
  [undefined],
  ["1,2"],
  [1, 2],
  ["1", "2"],
  {},
  { a: 1 },
  { a: "1" },
  { a: undefined },
  { a: { b: 1 } },
  { "a:1,b": 2 },
  { a: 1, b: 2 },
  { b: 2, a: 1, c: [] },
  new Map(),
  new Map([["a", 1]]),
  new Map<unknown, unknown>([[["a"], 1]]),
  new Map([[1, "a"]]),
  new Set(),
  new Set(["a"]),
  new Set([["a", 1]]),
];

test("different data have different texts, equal ones the same; of what is no data there is none", (t) => {
  const texts = someData.map(dataText);
  t.false(texts.includes(null));
  t.is(new Set(texts).size, someData.length);
  t.deepEqual(structuredClone(someData).map(dataText), texts);
  t.is(
    dataText({
      b: 1,
      a: new Map([
        ["x", 1],
        ["y", 2],
      ]),
    }),
    dataText({
      a: new Map([
        ["y", 2],
        ["x", 1],
      ]),
      b: 1,
    }),
  );
  t.is(dataText(new Set([2, 1])), dataText(new Set([1, 2])));
  for (const other of [
    () => 1,
    Symbol("x"),
    new (class {
      readonly a = 1;
    })(),
    new Uint8Array(1),
    [new Error("x")],
    new Map([[{}, () => 1]]),
  ])
    t.is(dataText(other), null);
});

function transactionHistory(chance: Chance): (Operation | Transaction)[] {
  const rows = new Map<string, string>();
  return Array.from({ length: 1 + chance.below(6) }, (_, k): Operation | Transaction => {
    const call = 4 * k - chance.below(12);
    const isUnknown = chance.oneIn(7);
    const timed = { client: k, call, return: isUnknown ? null : Math.max(call, 4 * k + chance.below(12)) };
    const outcome = isUnknown ? "unknown" : "ok";
    const key = chance.pick(["a", "b"]);
    if (chance.oneIn(3)) return { ...timed, outcome, op: "get", key, value: rows.get(key) ?? null };
    const happens = !isUnknown || chance.oneIn(2);
    const value = (["a", "b"] as const).map((one): Transaction["value"][number] => {
      if (chance.oneIn(2)) return ["get", one, chance.oneIn(9) ? "lie" : (rows.get(one) ?? null)];
      const written = chance.pick([`v${k}`, "same", null]);
      if (happens && written === null) rows.delete(one);
      else if (happens) rows.set(one, written!);
      return ["put", one, written];
    });
    return { ...timed, outcome, op: "txn", value };
  });
}

test("transactions: every verdict is that of trying all orders, and orders replay", (t) => {
  const seen = { ok: 0, illegal: 0, unknown: 0 };
  for (let seed = 0; seed < 4_000; seed++) {
    const history = transactionHistory(new Chance(`transactions ${seed}`));
    if (!history.some(({ op }) => op === "txn")) continue;
    const verdict = check(history);
    seen[verdict.verdict] += 1;
    const calls = history
      .filter(({ op, outcome }) => op !== "get" || outcome === "ok")
      .map((one) => {
        const output = one.outcome === "unknown" ? undefined : one;
        return { input: one, output, call: one.call, return: one.return ?? Infinity };
      });
    if ((verdict.verdict === "ok") !== isExplained(rowsModel, calls, rowsModel.initial))
      t.fail(`seed ${seed}: ${JSON.stringify(history)}`);
    if (verdict.verdict === "ok") t.is(whyNotWitness(rowsModel, history, [...verdict.order.values()].flat()), null);
  }
  t.true(seen.ok > 500 && seen.illegal > 200 && seen.unknown === 0, JSON.stringify(seen));
});
