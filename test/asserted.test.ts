/**
 * Every function of consensus, of the write-ahead log, of the applier and of snapshot transfer that changes state asserts
 * an invariant, before or after the change. A peer's bytes and a disk's are checked with an answer, never asserted.
 */
import test from "ava";
import { type Source, sources } from "./support/sources.ts";
import { callablesOf } from "./support/syntax.ts";

const held = /^core\/(raft\/.*|storage\/(wal.*|reconcile-log)|node\/(applier|snapshot-transfer|snapshot-install))\.ts$/;

/** Functions without an assertion of their own, and why. */
const exceptions: Readonly<Record<string, string>> = {
  "core/raft/election-timer.ts ElectionTimer.newTerm":
    "its only caller, ServerState.setHardState, asserts that terms rise",
  "core/raft/leader.ts Leader.requestReadIndex": "hands on to ReadIndexRounds.add, which asserts",
  "core/raft/lease.ts Lease.giveUp": "sets a flag",
  "core/storage/wal-recovery.ts Replay.takeReach": "reads a figure and clears it",
  "core/storage/wal-recovery.ts Replay.hardState":
    "refuses a term that falls: a disk's bytes are checked with an answer",
};

/** The functions of a source that change state and assert nothing. */
function unasserted(source: Source): string[] {
  return callablesOf(source)
    .filter(({ changesState, assertions }) => changesState && assertions === 0)
    .map(({ name }) => `${source.path} ${name}`);
}

const all = sources("core").filter(({ path }) => held.test(path));

test("a function that changes state asserts an invariant", (t) => {
  t.true(all.flatMap(callablesOf).filter(({ changesState }) => changesState).length > 80);
  t.deepEqual(all.flatMap(unasserted).toSorted(), Object.keys(exceptions).toSorted());
});

/** The same, of a method with that body, in a file that must assert. */
function planted(body: string): string[] {
  return unasserted({ path: "core/raft/bad.ts", text: `class Bad { #x = 0; change(peer: Peer): void { ${body} } }` });
}

for (const [what, body] of [
  ["a field is assigned", "this.#x = 1;"],
  ["a field counts", "this.#x += 1;"],
  ["a field steps", "this.#x++;"],
  ["an element of a field is assigned", "this.#x[0] = 1;"],
  ["a field of what was given is assigned", "peer.next = 1;"],
  ["several fields are assigned at once", "[peer.next, peer.match] = [1, 0];"],
  ["a field's array grows", "this.#x.push(1);"],
  ["a field's array grows in a closure", "run(() => this.#x.push(1));"],
  ["a map behind a field loses a key", "this.#x.by.delete(1);"],
] as const) {
  test(`a planted function without an assertion is noticed: ${what}`, (t) => {
    t.deepEqual(planted(body), ["core/raft/bad.ts Bad.change"]);
    t.deepEqual(planted(`assert(peer.next > 0, "indexes begin with 1"); ${body}`), []);
  });
}

test("what a function makes for itself is no state", (t) => {
  const text = "function sum(all: Set<number>) { const list = []; list.push(1); let n = 0; n += all.size; return n; }";
  t.deepEqual(unasserted({ path: "core/raft/good.ts", text }), []);
});
