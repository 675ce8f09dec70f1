/** The check of each answer as it comes. */
import test from "ava";
import { type Operation, OnlineChecker } from "../../checker/online.ts";
import { isLinearizable } from "./brute-force.ts";
import { Chance, historyOf, shapeOf } from "./generators.ts";

/** What the online checker says of the first wrong answer; null: there is none. */
function run(history: readonly Operation[]): string | null {
  const online = new OnlineChecker();
  const marks = new Map<Operation, number>();
  const events = history.flatMap((operation) => [
    { time: operation.call, isCall: true, operation },
    { time: operation.return ?? Infinity, isCall: false, operation },
  ]);
  events.sort((a, b) => a.time - b.time || Number(b.isCall) - Number(a.isCall));
  for (const { isCall, operation } of events) {
    if (isCall) marks.set(operation, online.called(operation.key));
    else {
      const wrong = online.answered(operation, marks.get(operation)!);
      if (wrong !== null) return wrong;
    }
  }
  return null;
}

const common = { client: 1, key: "k", outcome: "ok" } as const;
const writes: readonly Operation[] = [
  { ...common, op: "put", value: "a", call: 0, return: 1, revision: 1 },
  { ...common, op: "put", value: "b", call: 2, return: 3, revision: 2 },
];

test("a read at a revision below one that was answered before is wrong at once", (t) => {
  const stale: Operation = { ...common, op: "get", value: "a", call: 4, return: 5, revision: 1 };
  t.regex(run([...writes, stale]) ?? "", /is answered at revision 1, but 2 had been answered before it was called/);
});

test("a value that was overtaken at the very revision of the read is wrong at once", (t) => {
  const stale: Operation = { ...common, op: "get", value: "a", call: 4, return: 5, revision: 2 };
  t.is(run([...writes, stale]), "client 1 read a of key k at revision 2, but that was written at 1 and overtaken at 2");
  t.is(run([...writes, { ...stale, value: "b" }]), null);
});

test("what it calls wrong is wrong, and it misses few that have revisions", (t) => {
  let [illegal, found] = [0, 0];
  for (let seed = 0; seed < 20_000; seed++) {
    const chance = new Chance(`online ${seed}`);
    const history = historyOf(chance, { ...shapeOf(chance), unique: true, revisions: true });
    const isWrong = run(history) !== null;
    const isLegal = isLinearizable(history);
    if (isWrong && isLegal) t.fail(`seed ${seed}: ${JSON.stringify(history)}`);
    illegal += isLegal ? 0 : 1;
    found += isWrong ? 1 : 0;
  }
  t.log(`${found} of ${illegal} illegal histories at once`);
  t.true(found > illegal / 4, `${found} of ${illegal}`);
});
