/** Whose answers a node believes before it takes part. */
import test from "ava";
import { ClusterEntry } from "../../core/node/cluster-entry.ts";
import type { Envelope, Message } from "../../core/protocol/message.ts";
import type { Identity } from "../../core/storage/identity.ts";

const [listed, elsewhere] = ["http://member:1", "http://stranger:1"];
const storeId = "a".repeat(32);
const joiner: Identity = {
  storeId,
  node: 4,
  engine: "memory",
  boot: 1,
  founders: [],
  genesis: null,
  incarnation: 0,
  lost: null,
  former: [],
  rebound: false,
  sinceTerm: 0,
  removed: false,
  log: null,
};
const founderIds = ["1".repeat(32), "2".repeat(32), "3".repeat(32)];
const lost = "b".repeat(32);
const rebinding: Identity = {
  ...joiner,
  founders: [listed],
  genesis: { cluster: "c".repeat(32), storeIds: founderIds },
  lost,
  former: [lost],
};

function entryOf(identity: Identity, lines: string[] = []): ClusterEntry {
  const trace = { fact: () => undefined, note: (_level: string, text: string) => void lines.push(text) };
  return new ClusterEntry(identity, { directory: "metaStore-4", cluster: [listed] }, trace);
}

function answer(message: Message): Envelope {
  return { cluster: "", from: 1, fromIncarnation: 0, fromBoot: 1, to: 4, toIncarnation: 0, message };
}

const accepted = answer({
  kind: "join-accepted",
  storeId,
  term: 1,
  incarnation: 9,
  genesis: [storeId],
  founders: [listed],
});
const refused = answer({ kind: "removed", storeId, incarnation: 0, reason: "another-directory" });

test("a joining node believes a member at a URL that its operator has named", (t) => {
  for (const verdict of [accepted, refused]) t.true(entryOf(joiner).believes(verdict, listed));
});

test("a joining node believes no verdict from anywhere else, and says once whose word it waits for", (t) => {
  const lines: string[] = [];
  const entry = entryOf(joiner, lines);
  for (const verdict of [accepted, accepted, refused]) t.false(entry.believes(verdict, elsewhere));
  t.is(lines.length, 1);
  t.regex(lines[0]!, /node 1 at http:\/\/stranger:1 says that this node was added; --cluster does not name that URL/);
});

/** The answer that the directory `storeId` of this node was accepted, from a member that knows `genesis`. */
function reboundBy(genesis: readonly string[]): Envelope {
  return answer({ kind: "join-accepted", storeId, term: 1, incarnation: 9, genesis, founders: [listed] });
}

test("a node whose log is lost believes that it was rebound, wherever a member says so", (t) => {
  t.true(entryOf(rebinding).believes(reboundBy(founderIds), elsewhere));
});

test("a node whose log is lost does not believe that it was rebound where the founders' directories are not known", (t) => {
  const lines: string[] = [];
  const entry = entryOf(rebinding, lines);
  for (const genesis of [[], [storeId], [lost], founderIds.slice(1), founderIds.toReversed()]) {
    t.false(entry.believes(reboundBy(genesis), listed));
  }
  t.deepEqual(lines, ["node 1 says that this node was rebound, and does not know who founded its cluster"]);
});

test("a node whose log is lost is ended by the word of a founder's directory alone", (t) => {
  const entry = entryOf(rebinding);
  t.true(entry.isBound({ node: 2, storeId: founderIds[1]! }));
  for (const [node, said] of [
    [2, ""],
    [2, founderIds[0]!],
    [2, storeId],
    [4, ""],
    [4, lost],
  ] as const) {
    t.false(entry.isBound({ node, storeId: said }));
  }
});

test("a node that knows no other directory is ended by the word of one that it asks", (t) => {
  const alone = { ...rebinding, genesis: { cluster: "c".repeat(32), storeIds: [lost] } };
  for (const identity of [joiner, alone]) t.true(entryOf(identity).isBound({ node: 1, storeId: "d".repeat(32) }));
});

test("a directory that is about to take part as one incarnation does not say that it may be bound as another", (t) => {
  const late = { storeId, term: 1, genesis: [storeId], founders: [listed] } as const;
  // Incarnation 9 is removed, and 12 added, while the directory writes down 9: it will be told that 9 was removed.
  const adopting = entryOf(joiner);
  t.true(adopting.confirms(storeId, 9));
  t.is(adopting.onJoinAccepted({ kind: "join-accepted", incarnation: 9, ...late }).kind, "adopt");
  t.false(adopting.confirms(storeId, 12));
  t.true(adopting.confirms(storeId, 9));
  // The answer that accepts 9 comes late: the directory was asked for 12 before it.
  const asked = entryOf(joiner);
  t.true(asked.confirms(storeId, 12));
  t.is(asked.onJoinAccepted({ kind: "join-accepted", incarnation: 9, ...late }).kind, "wait");
  t.is(asked.onJoinAccepted({ kind: "join-accepted", incarnation: 12, ...late }).kind, "adopt");
  t.false(entryOf(joiner).confirms(lost, 9), "it is another directory's name");
  t.false(entryOf(rebinding).confirms(storeId, 9), "it has been a member's");
});
