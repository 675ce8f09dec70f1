/** Who leads, and who may not: each test is one story, and every invariant is looked at after each of its events. */
import test from "ava";
import type { NodeId } from "../../core/units.ts";
import { Scenario } from "../../sim/scenario.ts";

test("the half-connected node (Cloudflare, 2020): two that do not hear each other do not depose the leader whom one hears", (t) => {
  const world = new Scenario(3);
  const leader = world.leader();
  const [a, b] = world.others(leader) as [number, number];
  const { term } = world.raft(leader);
  world.cut(leader, b);
  world.pass(30);
  t.is(world.raft(leader).term, term);
  world.putNow("k", "a majority is there");
  t.is(world.raft(a).leader, leader);
  world.judge();
});

test("one broken link of three: the cluster keeps one term, and writes go on", (t) => {
  const world = new Scenario(3);
  const leader = world.leader();
  const [a, b] = world.others(leader) as [number, number];
  const { term } = world.raft(leader);
  world.cut(a, b);
  for (let k = 0; k < 10; k++) {
    world.putNow("k", `${k}`);
    world.pass(2);
  }
  t.is(world.raft(leader).term, term);
  world.judge();
});

test("a node that comes back from behind a partition does not raise the term (pre-vote)", (t) => {
  const world = new Scenario(5);
  const leader = world.leader();
  const [away] = world.others(leader) as [number];
  const { term } = world.raft(leader);
  world.isolate(away);
  world.pass(20);
  t.is(world.raft(away).term, term);
  world.heal();
  world.pass(5);
  t.is(world.raft(leader).term, term);
  t.true(world.isLeader(leader));
  world.judge();
});

test("the pre-vote deadlock of a lagging term: a majority that is behind a node's term elects a leader again", (t) => {
  const world = new Scenario(3);
  const first = world.leader();
  const [a, b] = world.others(first) as [number, number];
  world.putNow("k", "before");
  // `a` or `first` is elected in a newer term that `b` never hears of, and is cut off then.
  world.isolate(b);
  world.kill(first);
  world.start(first);
  const second = world.leader();
  t.true(world.raft(second).term > world.raft(b).term);
  const other = second === a ? first : a;
  world.heal();
  world.isolate(second);
  const third = world.leader(second);
  t.true([b, other].includes(third));
  world.judge();
});

test("a leader that is cut off steps down within two election timeouts, and says of an open write that nobody knows", (t) => {
  const world = new Scenario(3);
  const leader = world.leader();
  world.isolate(leader);
  const asked = world.put(leader, "k", "open");
  world.until("it steps down", () => !world.isLeader(leader), 2.5);
  const outcome = world.answer(asked);
  t.false(outcome.ok);
  t.is(outcome.ok ? null : outcome.definite, false);
  world.judge();
});

test("a gray leader, that sends and does not hear, is replaced", (t) => {
  const world = new Scenario(5);
  const leader = world.leader();
  for (const other of world.others(leader)) world.mute(other, leader);
  const next = world.leader(leader);
  t.not(next, leader);
  t.true(world.answer(world.put(next, "k", "v")).ok);
  world.judge();
});

test("a leader whose disk stalls commits through the others: it need not be one of the majority", (t) => {
  const world = new Scenario(3);
  const leader = world.leader();
  world.stallDisk(leader, 3);
  const asked = world.put(leader, "k", "v");
  world.until("the others hold it durably and it is committed", () => {
    const { commit, log } = world.raft(leader);
    return commit === log.lastIndex && log.durableIndex < commit;
  });
  t.true(world.answer(asked).ok);
  world.judge();
});

test("a granted vote outlives a power cut: nobody else gets one in that term", (t) => {
  const world = new Scenario(3);
  const leader = world.leader();
  const [a] = world.others(leader) as [number];
  world.kill(leader);
  world.until("a vote is granted", () => world.raft(a).vote !== 0 && world.raft(a).term > 1);
  const { term, vote } = world.raft(a);
  // Its vote may not be durable yet; a vote that it has told is.
  world.until("it has said so", () => world.simulator.hosts.some(({ id }) => id === vote && world.isLeader(id)));
  world.cutPower(a);
  world.start(a);
  world.until("it is back", () => world.simulator.raftOf(a) !== null);
  t.true(world.raft(a).term > term || world.raft(a).vote === vote);
  world.judge();
});

test("all lose power in the middle of an election, and no term gets two leaders", (t) => {
  const world = new Scenario(5);
  for (let k = 0; k < 8; k++) {
    const leader = world.leader();
    world.kill(leader);
    world.until("somebody stands", () =>
      world.others(leader).some((id) => world.simulator.raftOf(id)?.role === "candidate"),
    );
    for (const id of world.others(leader)) world.cutPower(id);
    for (const { id } of world.simulator.hosts) world.start(id);
  }
  t.truthy(world.leader());
  world.judge();
});

test("a member that flaps disturbs nobody", (t) => {
  const world = new Scenario(5);
  const leader = world.leader();
  const [away] = world.others(leader) as [number];
  const { term } = world.raft(leader);
  for (let k = 0; k < 12; k++) {
    world.isolate(away);
    world.pass(1.3);
    world.heal();
    world.pass(0.2);
  }
  t.is(world.raft(leader).term, term);
  world.judge();
});

test("a bridge: two halves that share one node have one leader", (t) => {
  const world = new Scenario(5);
  world.leader();
  for (const a of [1, 2]) for (const b of [4, 5]) world.cut(a, b);
  world.pass(20);
  const leaders = [1, 2, 3, 4, 5].filter((id) => world.isLeader(id));
  t.is(leaders.length, 1);
  world.putNow("k", "v");
  world.judge();
});

test("a transfer to a node that cannot hear is given up, and the leader goes on", (t) => {
  const world = new Scenario(3);
  const leader = world.leader();
  const [target] = world.others(leader) as [number];
  world.isolate(target);
  const result = world.answer(world.change(leader, { kind: "transfer-leader", id: target }));
  t.false(result.ok);
  world.putNow("k", "still");
  world.judge();
});

test("a transfer that fails again and again leaves writes as much time as it takes", (t) => {
  const world = new Scenario(3);
  const leader = world.leader();
  const [target] = world.others(leader) as [number];
  // The target is heard, and hears everything but the timeout-now.
  world.drop((_from, _to, { kind }) => kind === "timeout-now");
  const change = world.change(leader, { kind: "transfer-leader", id: target });
  world.pass(0.5);
  t.is(world.raft(leader).transferee, target);
  world.until("it is given up", () => world.raft(leader).transferee === 0, 2);
  for (let k = 0; k < 8; k++) {
    world.pass(0.1);
    t.is(world.raft(leader).transferee, 0);
  }
  t.is(change.outcome, null);
  world.until("it is tried again", () => world.raft(leader).transferee === target, 2);
  world.judge();
});

test("a leader hears of a higher term at its next heartbeat, not only when its patience ends", (t) => {
  const world = new Scenario(3, { electionMicros: 3_000_000 });
  const leader = world.leader();
  const [a, b] = world.others(leader) as [number, number];
  world.pass(1);
  // `b` is told to campaign, `a` votes for it, and `b` is gone before it leads; the leader hears nothing of this.
  world.drop((_from, to) => to === leader);
  world.change(leader, { kind: "transfer-leader", id: b });
  world.until("`a` is in a later term", () => world.raft(a).term > world.raft(leader).term);
  world.kill(b);
  t.true(world.isLeader(leader));
  world.drop(null);
  world.until("it is told", () => !world.isLeader(leader), 0.5);
  world.judge();
});

test("a vote that was asked for before a leader was heard again is not given after it: its lease stands", (t) => {
  let tried = 0;
  for (let seed = 1; seed <= 30; seed++) {
    const world = new Scenario(3, { seed, heartbeatMicros: 900_000 });
    const leader = world.leader();
    const [a, b] = world.others(leader) as [number, number];
    world.cut(leader, b);
    world.pass(2);
    // `a` hears nothing of the leader for a while, and would vote for `b`; the leader's patience with `a` has not ended.
    world.drop((from, to) => from === leader && to === a);
    world.until("`b` stands, or all is over", () => world.raft(b).role === "candidate" || !world.isLeader(leader));
    if (!world.isLeader(leader)) continue;
    world.clog(b, a, 0.05);
    world.drop(null);
    const read = world.get(leader, "k");
    world.pass(0.02);
    if (read.outcome?.ok !== true) continue;
    tried += 1;
    world.pass(0.1);
    t.true(world.isLeader(leader));
    world.judge();
  }
  t.true(tried > 0);
});

test("a pre-vote that was granted to an earlier attempt, and comes late, deposes no leader", (t) => {
  const world = new Scenario(3);
  const leader = world.leader();
  const [voter, campaigner] = world.others(leader) as [NodeId, NodeId];
  const role = (id: NodeId): string => world.raft(id).role;
  const missesTheLeader = (id: NodeId): void => {
    world.mute(leader, id);
    world.until("it campaigns", () => role(id) === "pre-candidate");
  };
  const followsAgain = (id: NodeId): void => {
    world.heal();
    world.until("it follows again", () => world.raft(id).leader === leader);
  };
  // The campaigner asks, and the voter answers once it misses the leader too; question and answer are late.
  world.hold((from, to, message) => from === campaigner && to === voter && message.kind === "pre-vote");
  missesTheLeader(campaigner);
  followsAgain(campaigner);
  world.hold((from, to) => from === voter && to === campaigner);
  missesTheLeader(voter);
  world.release((from) => from === campaigner);
  world.until("the pre-vote is granted", () =>
    world.isHeld((_from, _to, message) => message.kind === "pre-vote-reply" && message.granted),
  );
  followsAgain(voter);
  const { term } = world.raft(leader);
  // Ten calm seconds later the campaigner misses the leader once more, and the voter hears the leader.
  world.pass(10);
  world.hold(null);
  missesTheLeader(campaigner);
  world.release((_from, _to, message) => message.kind === "pre-vote-reply");
  world.pass(0.01);
  world.heal();
  world.pass(1);
  t.deepEqual([world.raft(leader).role, world.raft(leader).term], ["leader", term]);
  world.judge();
});
