/** What a node that is on its way into a cluster makes of a member that dials it. */
import test from "ava";
import { checkHandshake } from "../../core/node/handshake.ts";
import type { NodeView } from "../../core/node/view.ts";
import { type Handshake, protocolVersion } from "../../core/protocol/frame.ts";

const list = ["http://a:1", "http://b:2", "http://c:3"];

/** The view of node 3, which knows `cluster` ("" where it joins), and the peer addresses that it learns. */
function entering(cluster: string, isFounding = false): { view: NodeView; learned: [number, string][] } {
  const learned: [number, string][] = [];
  const view = {
    options: { cluster: list },
    identity: { storeId: "c".repeat(32), boot: 1, node: 3, incarnation: 0 },
    nonce: 7,
    entry: { cluster, bootstrap: isFounding ? {} : null },
    replica: null,
    peers: { ownUrl: "http://c:3", learnAddress: (id: number, url: string) => void learned.push([id, url]) },
  };
  return { view: view as unknown as NodeView, learned };
}

/** A member of the cluster "x", with an id that is not its place in the list. */
function dialler(url: string, takesPart = true): Handshake {
  const [versionMin, versionMax] = [protocolVersion, protocolVersion];
  const directory = { node: 9, incarnation: 0, boot: 4, nonce: 8, storeId: "a".repeat(32) };
  return { versionMin, versionMax, cluster: "x", ...directory, takesPart, to: 3, url };
}

test("one that joins knows a member by its address in the operator's list, whatever its place there", (t) => {
  for (const url of list.slice(0, 2)) {
    const { view, learned } = entering("");
    t.is(checkHandshake(view, dialler(url)).kind, "guest");
    t.deepEqual(learned, [[9, url]]);
  }
});

test("one that joins believes nobody who is not in its list", (t) => {
  const { view, learned } = entering("");
  t.is(checkHandshake(view, dialler("http://stranger:1")).kind, "guest");
  t.deepEqual(learned, []);
});

test("one that has lost its log knows its cluster, and believes a member of it that has moved", (t) => {
  const { view, learned } = entering("x");
  checkHandshake(view, dialler("http://moved:1"));
  t.deepEqual(learned, [[9, "http://moved:1"]]);
});

test("one of another cluster is refused, and teaches it nothing", (t) => {
  const { view, learned } = entering("y");
  t.is(checkHandshake(view, dialler(list[0]!)).kind, "refused");
  t.deepEqual(learned, []);
});

test("one that takes no part teaches it nothing, and a founder is taught by nobody", (t) => {
  const [joining, founding] = [entering(""), entering("", true)];
  t.is(checkHandshake(joining.view, dialler(list[0]!, false)).kind, "guest");
  t.is(checkHandshake(founding.view, dialler(list[0]!)).kind, "guest");
  t.deepEqual([...joining.learned, ...founding.learned], []);
});
