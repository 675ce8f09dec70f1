/** Whose answers a node believes that does not take part yet. */
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
const rebinding: Identity = {
  ...joiner,
  founders: [listed],
  genesis: { cluster: "c".repeat(32), storeIds: [storeId] },
  lost: "b".repeat(32),
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

test("a node whose log is lost knows its cluster, and believes its members wherever they are", (t) => {
  t.true(entryOf(rebinding).believes(accepted, elsewhere));
});
