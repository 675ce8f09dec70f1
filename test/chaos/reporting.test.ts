/** What a run says and leaves: figures, files, the line to paste. */
import test from "ava";
import { parseJsonLines } from "../../checker/formats/index.ts";
import { lineOf, parseOptions, UsageError } from "../../chaos/options.ts";
import { failoversOf } from "../../chaos/report/figures.ts";
import { staleLines } from "../../chaos/report/findings.ts";
import { headingOf } from "../../chaos/report/page.ts";
import { longestGapOf } from "../../chaos/workload/history.ts";

test("what the checker could not decide is not called found", (t) => {
  const finding = { atMs: 1, kind: "hung", text: "x" };
  t.is(headingOf([], "ok"), "Nothing found");
  t.is(headingOf([], "unknown"), "Not decided");
  t.is(headingOf([finding], "unknown"), "Found");
  t.is(headingOf([finding], "ok"), "Found");
});

test("stale reads are written in the history's own format", (t) => {
  const text = staleLines([
    { member: 1, key: "k", value: "a", revision: 10, call: 3, return: 4 },
    { member: 2, key: "k", value: null, revision: undefined, call: 4, return: 5 },
  ]);
  const parsed = parseJsonLines(text);
  t.is(parsed.length, 2);
  t.like(parsed[0], { op: "get", key: "k", value: "a", revision: 10, outcome: "ok" });
  t.true(text.includes('"member":1'));
});

test("an outage at the start, and one that never ends, is a gap", (t) => {
  t.deepEqual(longestGapOf([5, 6, 7], 20), { from: 7, micros: 13 });
  t.deepEqual(longestGapOf([15, 16], 20), { from: 0, micros: 15 });
  t.deepEqual(longestGapOf([], 20), { from: 0, micros: 20 });
  t.deepEqual(longestGapOf([1, 9, 10], 10), { from: 1, micros: 8 });
});

test("a leader's loss after which nothing is acknowledged is counted, by the way it was lost", (t) => {
  const leadersLost = [
    { at: 10, how: "killed" },
    { at: 500, how: "killed" },
    { at: 20, how: "killed with all others" },
  ];
  const recorder = { firstAcknowledgedAfter: (at: number) => (at < 100 ? 100 - at : null) };
  const failovers = failoversOf({ recorder, nemesis: { leadersLost } } as unknown as Parameters<typeof failoversOf>[0]);
  t.deepEqual(failovers, [
    { how: "killed", waited: [90], never: 1 },
    { how: "killed with all others", waited: [80], never: 0 },
  ]);
});

test("the line to paste asks for the same run", (t) => {
  for (const args of [
    ["--seed", "7"],
    ["--seed", "7", "--nodes", "5", "--rocksdb", "--rate", "9", "--minutes", "0.5", "--families", "kill,wipe"],
    ["--seed", "7", "--etcd", "--families", "kill,pause", "--out", "a b/it's"],
    ["--seed", "7", "--etcd"],
    ["--seed", "7", "--server", "/tmp/x y/main.js", "--serve-ms", "60000"],
  ]) {
    const options = parseOptions(args)!;
    const line = lineOf(options);
    const words = [...line.matchAll(/'((?:[^']|'\\'')*)'|(\S+)/g)].map(
      ([, quoted, bare]) => quoted?.replaceAll(`'\\''`, "'") ?? bare!,
    );
    t.deepEqual(words.slice(0, 4), ["npm", "run", "chaos", "--"]);
    t.deepEqual(parseOptions(words.slice(4)), options, line);
  }
});

test("etcd is not run with families that it does not have, nor with none", (t) => {
  t.true(parseOptions(["--etcd"])!.families.length > 0);
  t.true(parseOptions(["--etcd"])!.families.every(({ isGeneral }) => isGeneral));
  const error = t.throws(() => parseOptions(["--etcd", "--families", "wipe"]), { instanceOf: UsageError });
  t.regex(error.message, /--families with --etcd takes some of kill, .*; not "wipe"/);
});
