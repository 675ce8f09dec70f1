/** Members come and go at awkward moments. */
import test from "ava";
import type { NodeId } from "../../core/units.ts";
import { Scenario } from "../../sim/scenario.ts";

function votersOf(world: Scenario): readonly NodeId[] {
  return world.raft(world.leader()).committedConfiguration.configuration.voters.toSorted((a, b) => a - b);
}

test("the single-server bug of 2015: a leader changes nothing before an entry of its own term is committed", (t) => {
  const world = new Scenario(4, { spares: 1 });
  const first = world.leader();
  const { term } = world.raft(first);
  const before = world.raft(first).committedConfiguration.index;
  // Its change reaches nobody.
  world.drop((from, _to, message) => from === first && message.kind === "append" && message.entries.length > 0);
  world.change(first, { kind: "add", id: 5, url: "http://node-5", autoPromote: true });
  world.pass(0.1);
  world.isolate(first);
  // The next leader cannot commit its first entry, and is asked for another change.
  world.drop((_from, _to, message) => message.kind === "append" && message.term > term);
  world.until("somebody else leads", () =>
    world.others(first).some((id) => world.simulator.raftOf(id)?.role === "leader"),
  );
  const second = world.others(first).find((id) => world.simulator.raftOf(id)?.role === "leader")!;
  const [gone] = world.others(first, second) as [number];
  world.change(second, { kind: "remove", id: gone });
  world.pass(0.3);
  t.is(world.simulator.raftOf(second)?.log.configurations.latest.index ?? before, before);
  world.judge();
});

test("one change at a time: another is refused while the first is under way, and taken after it", (t) => {
  const world = new Scenario(3, { spares: 2 });
  const leader = world.leader();
  const [first, second] = [4, 5].map((id) => {
    return world.change(leader, { kind: "add", id, url: `http://node-${id}`, autoPromote: true });
  });
  t.like(world.answer(first!), { ok: true, value: null });
  t.like(world.answer(second!), { ok: false, code: "other-change", definite: true });
  world.changeNow({ kind: "add", id: 5, url: "http://node-5", autoPromote: true });
  world.join(4);
  world.join(5);
  world.until("both vote", () => votersOf(world).length === 5, 60);
  world.judge();
});

test("the leader removes itself: somebody else leads, and it ends", (t) => {
  const world = new Scenario(3);
  const leader = world.leader();
  world.putNow("k", "v");
  world.answer(world.change(leader, { kind: "remove", id: leader }));
  world.until("it is gone", () => world.simulator.hosts[leader - 1]!.node === null);
  t.false(votersOf(world).includes(leader));
  t.is(world.valueAt(world.leader(), "k"), "v");
  world.judge();
});

test("a removed node that was cut off disturbs nobody when it is back", (t) => {
  const world = new Scenario(4);
  const leader = world.leader();
  const [gone] = world.others(leader) as [number];
  world.isolate(gone);
  world.changeNow({ kind: "remove", id: gone });
  const { term } = world.raft(leader);
  world.pass(10);
  world.heal();
  world.until("it learns that it is out, and ends", () => world.simulator.hosts[gone - 1]!.node === null, 60);
  t.is(world.raft(leader).term, term);
  world.judge();
});

test("removed and added again under its name, empty, a node is somebody else", (t) => {
  const world = new Scenario(3);
  const leader = world.leader();
  const [again] = world.others(leader) as [number];
  world.putNow("k", "v");
  const before = world.status(again).incarnation;
  world.changeNow({ kind: "remove", id: again });
  world.until("it has ended", () => world.simulator.hosts[again - 1]!.node === null);
  world.addNow(again);
  t.true(world.status(again).incarnation > before);
  t.is(world.valueAt(again, "k"), "v");
  world.judge();
});

test("the directory of an earlier incarnation is not bound again", (t) => {
  const world = new Scenario(3);
  const leader = world.leader();
  const [again] = world.others(leader) as [number];
  world.kill(again);
  world.changeNow({ kind: "remove", id: again });
  world.changeNow({ kind: "add", id: again, url: `http://node-${again}`, autoPromote: true });
  // The old directory starts in the place of the new one.
  world.start(again);
  world.pass(10);
  t.false(votersOf(world).includes(again));
  world.judge();
});

test("the leader dies in the middle of a joint configuration, and the next one leaves it", (t) => {
  const world = new Scenario(3, { spares: 2 });
  const leader = world.leader();
  world.changeNow({ kind: "add", id: 4, url: "http://node-4", autoPromote: true });
  world.join(4);
  world.until("the configuration is joint", () => world.raft(leader).configuration.outgoing.length > 0);
  world.kill(leader);
  world.leader(leader);
  world.until("it is left", () => {
    const now = world.simulator.raftOf(world.leader())?.committedConfiguration.configuration;
    return now !== undefined && now.outgoing.length === 0;
  });
  world.judge();
  t.pass();
});

test("a member that the cluster cannot spare is not removed", (t) => {
  const world = new Scenario(3);
  const leader = world.leader();
  const [a, b] = world.others(leader) as [number, number];
  world.kill(a);
  world.pass(3);
  const result = world.answer(world.change(leader, { kind: "remove", id: b }));
  t.deepEqual(result, { ok: false, code: "no-majority-left", definite: true });
  t.deepEqual(votersOf(world), [1, 2, 3]);
  world.judge();
});

test("a cluster of three becomes another three, one by one, while writes go on", (t) => {
  const world = new Scenario(3, { spares: 3 });
  world.leader();
  for (const [k, id] of [4, 5, 6].entries()) {
    world.putNow("k", `${k}`);
    world.addNow(id);
    world.changeNow({ kind: "remove", id: k + 1 });
    world.pass(1);
  }
  t.deepEqual(votersOf(world), [4, 5, 6]);
  t.is(world.valueAt(world.leader(), "k"), "2");
  world.judge();
});

test("a leader that removes itself dies before the other has heard: only it can finish that, and it does", (t) => {
  const world = new Scenario(2);
  const leader = world.leader();
  const [other] = world.others(leader) as [number];
  const isOut = (): boolean =>
    !world.raft(leader).configuration.voters.includes(leader) && world.raft(leader).configuration.outgoing.length === 0;
  world.drop((from, _to, { kind }) => from === leader && kind === "append" && isOut());
  world.change(leader, { kind: "remove", id: leader });
  world.until("it is out by its own log", isOut);
  world.until("that is durable", () => world.raft(leader).log.durableIndex === world.raft(leader).log.lastIndex);
  world.kill(leader);
  world.drop(null);
  world.start(leader);
  world.until("the other one leads", () => world.isLeader(other), 60);
  world.until("it knows that it is alone", () => world.raft(other).commit === world.raft(other).log.lastIndex);
  t.deepEqual(votersOf(world), [other]);
  world.judge();
});

test("a member that was removed while its log rotted is told so, and ends", (t) => {
  const world = new Scenario(4, { walSegmentBytesMax: 600 });
  const leader = world.leader();
  const [gone] = world.others(leader) as [number];
  for (let k = 0; k < 10; k++) world.putNow("k", `${k}`.repeat(40));
  world.kill(gone);
  world.damageLog(gone);
  world.changeNow({ kind: "remove", id: gone });
  world.start(gone);
  world.until("it has ended", () => world.simulator.hosts[gone - 1]!.node === null);
  t.true(world.simulator.hosts[gone - 1]!.retired);
  world.judge();
});

test("a cluster that has shrunk to one: its last voter does not lead at once after a restart, for a removed leader's lease", (t) => {
  const world = new Scenario(2);
  const leader = world.leader();
  const [other] = world.others(leader) as [number];
  const change = world.change(leader, { kind: "remove", id: leader });
  world.until("its removal is in the other's log", () => {
    const { configuration } = world.raft(other);
    return configuration.voters.length === 1 && configuration.outgoing.length === 0;
  });
  // The old leader does not hear that its removal is committed.
  world.mute(other, leader);
  world.kill(other);
  world.start(other);
  world.until("the other one leads", () => world.isLeader(other));
  t.not(change.outcome?.ok, false);
  world.judge();
});

test("the only founder was removed and comes back empty: it follows those who know better, and does not elect itself", (t) => {
  const world = new Scenario(1, { spares: 2, streams: true });
  world.putNow("k", "v");
  world.addNow(2);
  world.addNow(3);
  world.changeNow({ kind: "remove", id: 1 });
  world.until("it is gone", () => world.simulator.hosts[0]!.node === null);
  // Node 1 gets its log late: until then it could take itself for the only voter.
  world.drop((_from, to, message) => to === 1 && message.kind === "append");
  world.changeNow({ kind: "add", id: 1, url: "http://node-1", autoPromote: true });
  world.join(1);
  world.until("it is accepted", () => world.simulator.raftOf(1) !== null);
  world.pass(10);
  t.is(world.raft(1).role, "follower");
  world.heal();
  t.is(world.valueAt(1, "k"), "v");
  world.judge();
});

test("a member that was down while all others were replaced finds those who came after", (t) => {
  const world = new Scenario(3, { spares: 2, streams: true });
  world.putNow("k", "v");
  world.changeNow({ kind: "transfer-leader", id: 1 });
  world.cutPower(3);
  world.addNow(4);
  world.addNow(5);
  world.changeNow({ kind: "remove", id: 2 });
  world.changeNow({ kind: "transfer-leader", id: 4 });
  world.changeNow({ kind: "remove", id: 1 });
  world.start(3);
  world.until("it follows", () => world.simulator.raftOf(3)?.leader === world.leader());
  t.is(world.valueAt(3, "k"), "v");
  world.judge();
});

test("while the voters change, the status tells who votes with the new voters, and who with the old", (t) => {
  const world = new Scenario(3, { spares: 1 });
  const leader = world.leader();
  const roleOf4 = (): string | undefined => world.status(leader).members.find(({ id }) => id === 4)?.role;
  world.changeNow({ kind: "add", id: 4, url: "http://node-4", autoPromote: true });
  t.is(roleOf4(), "learner");
  world.join(4);
  world.until("it is to vote", () => roleOf4() !== "learner");
  t.is(roleOf4(), "joining");
  world.until("it votes", () => roleOf4() !== "joining");
  t.is(roleOf4(), "voter");
  world.change(leader, { kind: "remove", id: 4 });
  world.until("it is to leave", () => roleOf4() !== "voter");
  t.is(roleOf4(), "leaving");
  world.judge();
});

test("a removal that is taken back ends nobody: whom it would have made indispensable waits, and is rebound", (t) => {
  const world = new Scenario(3);
  const first = world.leader();
  const [gone, kept] = world.others(first) as [NodeId, NodeId];
  // The removal reaches nobody.
  world.drop((from, _to, message) => from === first && message.kind === "append" && message.entries.length > 0);
  world.change(first, { kind: "remove", id: gone });
  world.until("it holds the removal", () => world.raft(first).configuration.outgoing.length > 0);
  world.isolate(first);
  world.answer(world.put(world.leader(first), "k", "v"));
  world.kill(kept);
  world.damageLog(kept);
  world.heal();
  world.cut(first, gone);
  world.cut(kept, gone);
  world.start(kept);
  world.pass(20);
  t.is(world.status(kept).role, "recovering");
  world.judge();
  t.true(votersOf(world).includes(kept));
});

test("what never was a member is not removed: the answer is the same while something else is under way", (t) => {
  const world = new Scenario(3, { spares: 1 });
  const leader = world.leader();
  const unknown = { ok: false, code: "unknown-member" };
  t.like(world.answer(world.change(leader, { kind: "remove", id: 99 })), unknown);
  const added = world.change(leader, { kind: "add", id: 4, url: "http://node-4", autoPromote: true });
  const removed = world.change(leader, { kind: "remove", id: 99 });
  t.true(world.answer(added).ok);
  t.like(world.answer(removed), unknown);
  world.judge();
});

test("two members that move at once, each told where the others were, find each other through the third", (t) => {
  const world = new Scenario(3, { streams: true });
  world.putNow("k", "v");
  const { addresses } = world.simulator.network;
  const listed = addresses.list(3);
  addresses.list = () => listed;
  for (const id of [1, 2, 3]) world.kill(id);
  for (const id of [1, 2]) addresses.move(id);
  for (const id of [1, 3]) world.start(id);
  world.leader();
  world.changeNow({ kind: "transfer-leader", id: 1 });
  world.until("node 1 leads", () => world.isLeader(1));
  world.start(2);
  world.until("node 2 follows", () => world.simulator.raftOf(2)?.leader === 1);
  world.until("its new URL is in the configuration", () => {
    return world.status(3).members.every(({ id, url }) => url === addresses.urlOf(id));
  });
  world.judge();
  t.pass();
});

test("a learner that was added to stay one is promoted by itself once that is asked for, and the other way round", (t) => {
  const world = new Scenario(1, { spares: 2 });
  world.leader();
  const add = (id: number, autoPromote: boolean | null): void =>
    world.changeNow({ kind: "add", id, url: `http://node-${id}`, autoPromote });
  const votes = (id: number): boolean => world.raft(1).committedConfiguration.configuration.voters.includes(id);
  add(2, false);
  world.join(2);
  world.pass(5);
  t.false(votes(2));
  // A request without `autoPromote` changes nothing.
  add(2, null);
  world.pass(5);
  t.false(votes(2));
  add(2, true);
  world.until("it votes", () => votes(2));
  add(2, false);
  t.true(votes(2));
  add(3, null);
  add(3, false);
  world.join(3);
  world.pass(5);
  t.false(votes(3));
  world.judge();
});
