/** Where a node looks for its peers: whose word comes first, and what nobody's word can do. */
import { fc, testProp } from "@fast-check/ava";
import test from "ava";
import { Peers } from "../../core/node/peers.ts";
import type { NodeId } from "../../core/units.ts";

type Urls = ReadonlyMap<NodeId, readonly string[]>;

class Watched {
  urls: Urls = new Map();
  restarts = 0;
  readonly notes: string[] = [];
  readonly peers: Peers;

  constructor(announcedUrl: string | null = null) {
    const network = {
      send: () => true,
      connected: () => false,
      setPeers: (urls: Urls) => (this.urls = urls),
      restart: () => (this.restarts += 1),
      redial: () => undefined,
    };
    const trace = { fact: () => undefined, note: (_level: string, text: string) => void this.notes.push(text) };
    this.peers = new Peers(network, trace, 1, announcedUrl, { learnedUrlsMax: 16 });
  }
}

function urlsOf(...entries: readonly (readonly [NodeId, ...string[]])[]): Urls {
  return new Map(entries.map(([id, ...urls]) => [id, urls]));
}

test("the configuration comes first, then the command line, then what a peer says of itself", (t) => {
  const node = new Watched();
  node.peers.setHints(urlsOf([1, "http://hint:1"], [2, "http://hint:2"]));
  t.deepEqual(node.urls, urlsOf([2, "http://hint:2"]));
  node.peers.setConfigured(urlsOf([1, "http://old:1"], [2, "http://old:2"]), false);
  node.peers.learnAddress(2, "http://own:2");
  t.deepEqual(node.urls, urlsOf([2, "http://old:2", "http://hint:2", "http://own:2"]));
});

test("what a member says of another is tried last, and goes with that one's next word, or with its membership", (t) => {
  const node = new Watched();
  node.peers.setConfigured(urlsOf([1, "http://a:1"], [2, "http://a:2"]), false);
  node.peers.relayAddress(2, "http://relayed:2");
  node.peers.relayAddress(2, "http://a:2");
  t.deepEqual(node.urls, urlsOf([2, "http://a:2", "http://relayed:2"]));
  node.peers.learnAddress(2, "http://own:2");
  t.deepEqual(node.urls, urlsOf([2, "http://a:2", "http://own:2"]));
  node.peers.relayAddress(2, "http://relayed:2");
  t.deepEqual(node.urls, urlsOf([2, "http://a:2", "http://own:2", "http://relayed:2"]));
  node.peers.setConfigured(urlsOf([1, "http://a:1"]), false);
  node.peers.setConfigured(urlsOf([1, "http://a:1"], [2, "http://a:2"]), false);
  t.deepEqual(node.urls, urlsOf([2, "http://a:2"]));
});

test("where a peer says otherwise than the configuration, one line says so, once", (t) => {
  const node = new Watched();
  node.peers.setConfigured(urlsOf([1, "http://old:1"], [2, "http://old:2"]), false);
  for (let k = 0; k < 10; k++) node.peers.learnAddress(2, `http://own:${k}`);
  node.peers.learnAddress(2, "http://old:2");
  t.deepEqual(node.notes, [
    "node 2 says that it is reached at http://own:0; the configuration says http://old:2, and wins",
  ]);
});

test("a member that was moved, or added again elsewhere, is not looked for where it said before", (t) => {
  const node = new Watched();
  node.peers.setConfigured(urlsOf([1, "http://a:1"], [2, "http://a:2"]), false);
  node.peers.learnAddress(2, "http://b:2");
  node.peers.setConfigured(urlsOf([1, "http://a:1"]), false);
  t.deepEqual(node.urls, urlsOf());
  node.peers.setConfigured(urlsOf([1, "http://a:1"], [2, "http://c:2"]), false);
  t.deepEqual(node.urls, urlsOf([2, "http://c:2"]));
});

test("where a peer is reached by its own word is kept when the configuration names it for the first time", (t) => {
  const node = new Watched();
  node.peers.setConfigured(urlsOf([1, "http://a:1"]), false);
  node.peers.learnAddress(2, "http://b:2");
  node.peers.setConfigured(urlsOf([1, "http://a:1"], [2, "http://mistyped:2"]), false);
  t.deepEqual(node.urls, urlsOf([2, "http://mistyped:2", "http://b:2"]));
});

test("where a peer is reached by its own word is kept when the configuration says otherwise than before", (t) => {
  const node = new Watched();
  node.peers.setConfigured(urlsOf([1, "http://a:1"], [2, "http://a:2"]), false);
  node.peers.learnAddress(2, "http://c:2");
  node.peers.setConfigured(urlsOf([1, "http://a:1"], [2, "http://b:2"]), false);
  t.deepEqual(node.urls, urlsOf([2, "http://b:2", "http://c:2"]));
});

test("one that the configuration has not named yet is reached where it says, though the command line says so too", (t) => {
  const node = new Watched();
  node.peers.setHints(urlsOf([1, "http://a:1"], [2, "http://a:2"], [3, "http://a:3"]));
  node.peers.setConfigured(urlsOf([1, "http://a:1"], [2, "http://a:2"]), false);
  node.peers.learnAddress(3, "http://a:3");
  t.deepEqual(node.urls, urlsOf([2, "http://a:2"], [3, "http://a:3"]));
});

test("others of the command line are peers only until the configuration has changed", (t) => {
  const node = new Watched();
  node.peers.setHints(urlsOf([1, "http://a:1"], [2, "http://a:2"], [3, "http://a:3"]));
  node.peers.setConfigured(urlsOf([1, "http://a:1"], [2, "http://a:2"]), true);
  t.deepEqual([...node.urls.keys()], [2, 3]);
  node.peers.setConfigured(urlsOf([1, "http://a:1"], [2, "http://a:2"]), false);
  t.deepEqual([...node.urls.keys()], [2]);
});

test("streams that began before a node knew where it is reached begin again", (t) => {
  const node = new Watched();
  node.peers.setHints(urlsOf([2, "http://a:2"]));
  t.is(node.restarts, 0);
  node.peers.setConfigured(urlsOf([1, "http://a:1"], [2, "http://a:2"]), false);
  t.is(node.peers.ownUrl, "http://a:1");
  t.is(node.restarts, 1);
});

test("once a node takes part, it looks for nobody who said where it is before that, and whom no configuration names", (t) => {
  const node = new Watched();
  node.peers.learnAddress(1_000, "http://stranger");
  node.peers.learnAddress(2, "http://own:2");
  node.peers.setConfigured(urlsOf([1, "http://a:1"], [2, "http://a:2"]), true);
  node.peers.forgetUnaccepted();
  t.deepEqual(node.urls, urlsOf([2, "http://a:2", "http://own:2"]));
  node.peers.learnAddress(4, "http://accepted");
  t.deepEqual(node.urls.get(4), ["http://accepted"]);
});

test("the URL that the operator gives a node at its start is its own, whatever the configuration says", (t) => {
  const node = new Watched("http://new:1");
  node.peers.setConfigured(urlsOf([1, "http://old:1"], [2, "http://a:2"]), false);
  t.is(node.peers.ownUrl, "http://new:1");
});

testProp(
  "whatever anybody says, the operator's word stays first, and nobody makes a node look in more than a few places",
  [fc.array(fc.tuple(fc.integer({ min: 1, max: 2_000 }), fc.webUrl()), { maxLength: 200 })],
  (t, said) => {
    const node = new Watched();
    node.peers.setHints(urlsOf([1, "http://hint:1"], [2, "http://hint:2"], [3, "http://hint:3"]));
    node.peers.setConfigured(urlsOf([1, "http://a:1"], [2, "http://a:2"], [3, "http://a:3"]), false);
    for (const [id, url] of said) {
      node.peers.learnAddress(id, url);
      node.peers.relayAddress(2 + (id % 2), url);
    }
    for (const id of [2, 3]) {
      const candidates = node.urls.get(id)!;
      t.deepEqual(candidates.slice(0, 2), [`http://a:${id}`, `http://hint:${id}`]);
      t.true(candidates.length <= 4);
    }
    t.true(node.urls.size <= 2 + 16);
    t.is(node.peers.ownUrl, "http://hint:1");
    t.is(node.restarts, 0);
  },
);
