/** Who may speak to a node, and of what: strangers, misguided founders, members of other places and earlier copies. */
import { fc, testProp } from "@fast-check/ava";
import test from "ava";
import { type Handshake, protocolVersion } from "../../core/protocol/frame.ts";
import type { Envelope } from "../../core/protocol/message.ts";
import { memberOf } from "../../core/raft/membership.ts";
import { Scenario } from "../../sim/scenario.ts";

function handshakeTo(to: number, changes: Partial<Handshake>): Handshake {
  const [versionMin, versionMax] = [protocolVersion, protocolVersion];
  const known = { cluster: "", node: 2, incarnation: 0, boot: 1, nonce: 1, storeId: "", takesPart: true, to };
  return { versionMin, versionMax, ...known, url: "http://elsewhere", ...changes };
}

/** What `id` answers at once. */
function answersOf(world: Scenario, id: number, envelope: Partial<Envelope>): readonly Envelope[] {
  const answers: Envelope[] = [];
  const message = { kind: "timeout-now", term: 1_000 } as const;
  const whole = { cluster: "", from: 9, fromIncarnation: 0, fromBoot: 1, to: id, toIncarnation: 0, message };
  world.node(id).receive({ ...whole, ...envelope }, (answer) => answers.push(answer));
  return answers;
}

/** What `via` answers to a new directory that joins as `id`: the reason of its refusal, or null. */
function joinsAs(world: Scenario, via: number, id: number, storeId = "a".repeat(32), fromBoot = 1): string | null {
  const message = { kind: "join-request", storeId, incarnation: 0, lost: "" } as const;
  const [answer] = answersOf(world, via, { from: id, fromBoot, message });
  return answer?.message.kind === "removed" ? answer.message.reason : null;
}

const id = fc.string({ unit: fc.constantFrom("1", "2", "7", "f"), minLength: 32, maxLength: 32 });

testProp(
  "nobody who does not name the cluster is a member, and nobody is told its name",
  [
    fc.array(
      fc.record({
        cluster: fc.oneof(id, fc.constant("")),
        node: fc.integer({ min: 1, max: 9 }),
        incarnation: fc.nat(9),
        boot: fc.nat(9),
        nonce: fc.nat(9),
        storeId: id,
        takesPart: fc.boolean(),
      }),
      { maxLength: 20 },
    ),
  ],
  (t, said) => {
    const world = new Scenario(3);
    const leader = world.leader();
    const { cluster, term } = world.status(leader);
    for (const one of said) {
      const verdict = world.node(leader).checkHandshake(handshakeTo(leader, one));
      t.true(verdict.kind === "guest" || verdict.kind === "refused");
      t.false(JSON.stringify(verdict).includes(cluster));
    }
    world.pass(2);
    t.is(world.status(leader).term, term);
  },
  { numRuns: 20 },
);

test("a stranger is told the founders' store ids neither as a founder of theirs nor as one of its own", (t) => {
  const world = new Scenario(3);
  const leader = world.leader();
  const { cluster, storeId } = world.status(leader);
  const urls = [1, 2, 3].map((k) => `http://node-${k}`);
  const asked = (from: number, list: readonly string[]): string => {
    const message = { kind: "bootstrap-hello", storeId: "a".repeat(32), urls: list, round: 1 } as const;
    return JSON.stringify(answersOf(world, leader, { from, message }).map((one) => ({ ...one, cluster: "" })));
  };
  for (const said of [asked((leader % 3) + 1, urls), asked(9, urls), asked(2, ["http://other"])]) {
    t.false(said.includes(cluster));
  }
  t.regex(asked((leader % 3) + 1, urls), /another-directory/);
  t.false(asked(2, ["http://other"]).includes(storeId));
});

test("an order of a stranger, a lost log's request without the cluster's name, and late answers are not heard", (t) => {
  const world = new Scenario(3);
  const leader = world.leader();
  const other = (leader % 3) + 1;
  // From now on the leader may change the configuration.
  world.putNow("k", "v");
  const { cluster, term } = world.status(leader);
  const { configuration } = world.raft(leader);
  const lost = world.status(other).storeId;
  const request = { kind: "join-request", storeId: "a".repeat(32), incarnation: 0, lost } as const;
  t.deepEqual(answersOf(world, leader, { from: other }), []);
  t.deepEqual(answersOf(world, leader, { from: other, message: request }), []);
  t.deepEqual(answersOf(world, leader, { from: other, message: request, cluster: "c".repeat(32) }), []);
  const welcome = { storeId: world.status(leader).storeId, term: 99, incarnation: 5, genesis: [lost], founders: ["x"] };
  answersOf(world, leader, { from: other, cluster, message: { kind: "join-accepted", ...welcome } });
  answersOf(world, leader, {
    from: other,
    cluster: "c".repeat(32),
    message: { kind: "removed", storeId: "", incarnation: 0, reason: "removed" },
  });
  world.pass(3);
  t.is(world.status(leader).term, term);
  t.deepEqual(world.raft(leader).configuration, configuration);
  world.judge();
});

test("only the directory that the configuration has bound as a member can end a node that has dialled it", (t) => {
  const world = new Scenario(3);
  const leader = world.leader();
  const other = (leader % 3) + 1;
  const { cluster, storeId } = world.status(other);
  const member = { ...handshakeTo(leader, { cluster, node: other, storeId }) };
  t.true(world.node(leader).isBound(member));
  const strangers: readonly Partial<Handshake>[] = [
    { cluster: "" },
    { cluster: "c".repeat(32) },
    { takesPart: false },
    { storeId: "" },
    { storeId: world.status(leader).storeId },
    { incarnation: 1 },
    { node: 9 },
    { node: 9, storeId: "" },
  ];
  for (const one of strangers) t.false(world.node(leader).isBound({ ...member, ...one }), JSON.stringify(one));
});

test("a start of a copy of a directory is known by its boot, or by its nonce, and the newest start is not", (t) => {
  const world = new Scenario(3);
  const leader = world.leader();
  const other = (leader % 3) + 1;
  const { cluster, storeId } = world.status(other);
  const handshake = (boot: number, nonce: number): Handshake => {
    return handshakeTo(leader, { cluster, node: other, storeId, boot, nonce });
  };
  const third = [1, 2, 3].find((one) => one !== leader && one !== other)!;
  /** A start answers where the leader dials `other`, and then dials the leader. */
  const start = (boot: number, nonce: number): string => {
    world.node(leader).checkListener(handshake(boot, nonce), true);
    return world.node(leader).checkHandshake(handshake(boot, nonce)).kind;
  };
  // A copy is told so only where another node leads, which can give its log back.
  t.is(start(5, 1), "member");
  t.is(start(5, 1), "member");
  t.is(start(5, 2), "outdated-copy");
  t.is(start(4, 3), "outdated-copy");
  t.is(start(6, 2), "member");
  t.is(start(5, 1), "outdated-copy");
  // The verdict is on that directory alone.
  const another = { cluster, node: third, storeId: world.status(third).storeId, boot: 1 };
  t.is(world.node(leader).checkHandshake(handshakeTo(leader, another)).kind, "member");
  const copied = { cluster, node: other, storeId: "b".repeat(32), boot: 1 };
  t.is(world.node(leader).checkHandshake(handshakeTo(leader, copied)).kind, "refused");
});

test("one who answers in a member's place as an incarnation that nobody knows keeps nobody out, unless it speaks as well", (t) => {
  const world = new Scenario(3);
  const leader = world.leader();
  const [other] = world.others(leader) as [number];
  const { cluster, storeId } = world.status(other);
  const node = world.node(leader);
  const member = handshakeTo(leader, { cluster, node: other, storeId, boot: 7 });
  const unknown = { cluster, node: other, incarnation: 99_999, storeId: "5".repeat(32), boot: 1_000 };
  const stranger = handshakeTo(leader, unknown);
  const another = handshakeTo(leader, { ...unknown, incarnation: 99_998, storeId: "6".repeat(32) });
  node.checkListener(stranger, true);
  t.deepEqual(
    [stranger, member].map((one) => node.isDoubtful(one)),
    [true, false],
  );
  t.is(node.checkHandshake(member).kind, "member");
  // `another` may be the true member, ahead of this node's log.
  t.is(node.checkHandshake(another).kind, "member");
  const speaks = { cluster, from: other, fromIncarnation: 99_999, fromBoot: 1_000 };
  answersOf(world, leader, { ...speaks, message: { kind: "vote-reply", term: 0, granted: false } });
  t.false(node.isDoubtful(stranger), "as a leader ahead of this node's log speaks");
  t.is(node.checkHandshake(another).kind, "refused");
  t.is(node.checkHandshake(member).kind, "member", "nobody is in the way of a bound directory but a start of it");
  node.checkListener(member, true);
  t.is(node.checkHandshake(stranger).kind, "refused");
});

test("an older copy of the leader's directory, or one where nobody leads, is refused, and not told to set its log aside", (t) => {
  const world = new Scenario(3);
  const leader = world.leader();
  const [other, third] = world.others(leader) as [number, number];
  const cluster = world.status(leader).cluster;
  const startOf = (node: number, boot: number): Handshake => {
    return handshakeTo(third, { cluster, node, storeId: world.status(node).storeId, boot });
  };
  const verdictOn = (node: number): string => {
    world.node(third).checkListener(startOf(node, 9), true);
    world.node(third).checkListener(startOf(node, 8), true);
    return world.node(third).checkHandshake(startOf(node, 8)).kind;
  };
  t.is(verdictOn(leader), "refused");
  t.is(verdictOn(other), "outdated-copy");
  world.isolate(third);
  world.until("it knows no leader", () => world.raft(third).leader === 0);
  t.is(verdictOn(other), "refused");
});

test("a member that is moved stays who it is, and its old URL is free", (t) => {
  const world = new Scenario(3, { spares: 1 });
  const leader = world.leader();
  const moved = (leader % 3) + 1;
  const before = world.status(moved);
  world.changeNow({ kind: "move", id: moved, url: "http://elsewhere" });
  t.like(
    world.status(leader).members.find((member) => member.id === moved),
    { url: "http://elsewhere", incarnation: before.incarnation, role: "voter" },
  );
  const refusal = (change: Parameters<Scenario["changeNow"]>[0]): unknown => {
    const result = world.answer(world.change(leader, change));
    return result.ok ? "done" : result.code;
  };
  t.is(refusal({ kind: "move", id: 4, url: "http://node-4" }), "unknown-member");
  t.is(refusal({ kind: "move", id: leader, url: "http://elsewhere" }), "url-in-use");
  t.is(refusal({ kind: "add", id: moved, url: "http://third", autoPromote: true }), "member-exists");
  world.changeNow({ kind: "add", id: 4, url: `http://node-${moved}`, autoPromote: true });
  world.join(4);
  world.judge();
});

test("a founder that dials is no founder that was asked: what it says of itself founds nothing", (t) => {
  const world = new Scenario(3);
  world.isolate(1);
  world.until("node 1 waits for the others", () => world.status(1).waitingFor.length === 2);
  const urls = [1, 2, 3].map((k) => `http://node-${k}`);
  for (const from of [2, 3]) {
    const message = { kind: "bootstrap-hello", storeId: `${from}`.repeat(32), urls, round: 1 } as const;
    t.is(answersOf(world, 1, { from, message }).length, 1);
  }
  world.pass(1);
  t.is(world.status(1).role, "founding");
  t.is(world.status(1).waitingFor.length, 2);
  world.heal();
  world.leader();
  world.judge();
});

test("one that joins under the leader's id is refused by followers, once they know that they do not lag", (t) => {
  const world = new Scenario(3);
  const leader = world.leader();
  world.putNow("k", "v");
  for (const follower of world.others(leader)) {
    t.is(joinsAs(world, follower, leader), null);
    world.pass(0.2);
    t.is(joinsAs(world, follower, leader), "id-of-leader");
    // Another directory, or another boot of this one, may have been added meanwhile.
    t.is(joinsAs(world, follower, leader, "b".repeat(32)), null);
    world.pass(0.2);
    t.is(joinsAs(world, follower, leader, "b".repeat(32), 2), null);
  }
  world.judge();
});

test("a follower that lags does not refuse its leader's id, and does once it has caught up", (t) => {
  const world = new Scenario(3);
  const leader = world.leader();
  const [laggard] = world.others(leader) as [number];
  world.putNow("k", "v");
  world.drop((_from, to, message) => to === laggard && message.kind === "append" && message.entries.length > 0);
  world.putNow("k", "later");
  for (let k = 0; k < 8; k++) {
    t.is(joinsAs(world, laggard, leader), null);
    t.is(world.raft(laggard).leader, leader);
    world.pass(0.1);
  }
  world.drop(null);
  world.until("it is refused", () => joinsAs(world, laggard, leader) === "id-of-leader");
  world.judge();
  t.pass();
});

test("a follower of a leader that was removed meanwhile, and added again, does not refuse the new directory", (t) => {
  const world = new Scenario(4);
  const leader = world.leader();
  const [cut, other] = world.others(leader) as [number, number];
  world.putNow("k", "v");
  world.isolate(cut);
  world.changeNow({ kind: "remove", id: leader });
  world.until("it has ended", () => world.simulator.hosts[leader - 1]!.node === null);
  // The member that is cut off still takes the removed node for its leader.
  t.is(world.raft(cut).leader, leader);
  for (let k = 0; k < 20; k++) {
    t.is(joinsAs(world, cut, leader), null);
    world.pass(0.1);
  }
  world.heal();
  world.changeNow({ kind: "add", id: leader, url: `http://node-${leader}`, autoPromote: true });
  world.join(leader);
  world.until("it votes", () => world.raft(other).committedConfiguration.configuration.voters.includes(leader));
  world.judge();
});

test("a stranger that says that it is an added member is not bound, and is told nothing, before that member starts and after", (t) => {
  const world = new Scenario(3, { spares: 1, streams: true });
  world.changeNow({ kind: "add", id: 4, url: "http://node-4", autoPromote: true });
  const { cluster } = world.status(world.leader());
  const message = { kind: "join-request", storeId: "e".repeat(32), incarnation: 0, lost: "" } as const;
  const ask = (): void => {
    for (const via of [1, 2, 3]) {
      for (const answer of answersOf(world, via, { from: 4, message }))
        t.false(JSON.stringify(answer).includes(cluster));
    }
    world.pass(0.3);
  };
  for (let k = 0; k < 10; k++) ask();
  t.is(memberOf(world.raft(world.leader()).configuration, 4)?.storeId, "");
  world.join(4);
  for (let k = 0; k < 10; k++) ask();
  const member = memberOf(world.raft(world.leader()).committedConfiguration.configuration, 4);
  t.is(member?.storeId, world.status(4).storeId);
  world.until("it votes", () => world.raft(world.leader()).configuration.voters.includes(4));
  world.judge();
});

test("an answer binds an added member's directory only where it comes from that member's URL", (t) => {
  const world = new Scenario(3, { spares: 1 });
  const leader = world.leader();
  world.changeNow({ kind: "add", id: 4, url: "http://node-4", autoPromote: true });
  const boundAfter = (dialled: string): string | undefined => {
    const { incarnation } = memberOf(world.raft(leader).configuration, 4)!;
    const message = { kind: "directory-confirmed", storeId: "e".repeat(32), incarnation } as const;
    const said = { cluster: "", from: 4, fromIncarnation: 0, fromBoot: 1, to: leader, toIncarnation: 0, message };
    world.node(leader).receive(said, () => undefined, dialled);
    world.pass(1);
    return memberOf(world.raft(leader).configuration, 4)?.storeId;
  };
  t.is(boundAfter("http://elsewhere"), "");
  t.is(boundAfter("http://node-4"), "e".repeat(32));
});

test("one whose directory does not answer where it was added is told of once, with what to do", (t) => {
  const world = new Scenario(1, { spares: 1, streams: true });
  world.leader();
  world.changeNow({ kind: "add", id: 2, url: "http://mistyped", autoPromote: true });
  world.join(2);
  world.pass(20);
  const notes = (): readonly string[] => world.simulator.hosts[0]!.notes.filter((note) => /asks to join/.test(note));
  t.is(notes().length, 1);
  t.regex(notes()[0]!, /node 2, .*http:\/\/mistyped: POST its peer URL to \/v1\/members\/2/);
  world.changeNow({ kind: "move", id: 2, url: "http://node-2" });
  world.until("it votes", () => world.raft(world.leader()).configuration.voters.includes(2));
  world.judge();
});
