/** Machines that join: what they are told, when they are bound, and when they vote. */
import test from "ava";
import { memberOf } from "../../core/raft/membership.ts";
import type { NodeId } from "../../core/units.ts";
import { Scenario } from "../../sim/scenario.ts";

function votersOf(world: Scenario): readonly NodeId[] {
  return world.raft(world.leader()).committedConfiguration.configuration.voters.toSorted((a, b) => a - b);
}

test("a learner that nobody reaches never becomes a voter, and a cluster of one stays available", (t) => {
  const world = new Scenario(1, { spares: 1 });
  world.leader();
  world.changeNow({ kind: "add", id: 2, url: "http://node-2", autoPromote: true });
  world.join(2);
  world.drop((from, to) => from === 1 && to === 2);
  const promoted = world.change(1, { kind: "promote", id: 2 });
  world.pass(10);
  t.deepEqual(votersOf(world), [1]);
  world.putNow("k", "v");
  t.not(promoted.outcome?.ok, true);
  world.judge();
});

test("a node joins through its founders a cluster that is led by one they did not found it with", (t) => {
  const world = new Scenario(1, { spares: 2, streams: true });
  world.addNow(2);
  world.changeNow({ kind: "transfer-leader", id: 2 });
  world.putNow("k", "v");
  world.changeNow({ kind: "add", id: 3, url: "http://node-3", autoPromote: true });
  world.join(3);
  world.until("it votes", () => world.raft(2).committedConfiguration.configuration.voters.includes(3));
  t.is(world.valueAt(3, "k"), "v");
  world.judge();
});

test("one that was added answers a member that lags, and the member answers it: each has said where it is reached", (t) => {
  const world = new Scenario(3, { spares: 1, streams: true });
  world.putNow("k", "v");
  world.changeNow({ kind: "transfer-leader", id: 1 });
  // Node 3 gets no entries: it does not hear of the changes.
  world.drop((_from, to, message) => to === 3 && message.kind === "append" && message.entries.length > 0);
  world.addNow(4);
  world.changeNow({ kind: "transfer-leader", id: 4 });
  world.until("node 4 leads", () => world.isLeader(4));
  world.kill(1);
  // One voter of the four is down: node 4 needs both others.
  world.drop((from, _to, message) => from !== 4 && message.kind.includes("vote") && !message.kind.includes("reply"));
  const asked = world.put(4, "k", "after");
  world.until("node 3 has it", () => world.simulator.raftOf(3)?.log.lastIndex === world.raft(4).log.lastIndex);
  t.true(world.answer(asked).ok);
  world.judge();
});

test("one that is removed before it has come to the entry that added it neither stands nor asks, and is told all the same", (t) => {
  const world = new Scenario(3);
  const leader = world.leader();
  const [again] = world.others(leader) as [number];
  const add = { kind: "add", id: again, url: `http://node-${again}`, autoPromote: true } as const;
  world.changeNow({ kind: "remove", id: again });
  world.until("it has ended", () => world.simulator.hosts[again - 1]!.node === null);
  // Its empty directory is accepted; its log holds only the founders' configuration.
  world.drop((_from, to, message) => to === again && message.kind === "append" && message.entries.length > 0);
  world.changeNow(add);
  world.join(again);
  world.until("it is accepted", () => world.simulator.raftOf(again) !== null);
  world.isolate(again);
  world.changeNow({ kind: "remove", id: again });
  world.changeNow(add);
  world.pass(5);
  t.true(world.raft(again).configuration.voters.includes(again));
  world.heal();
  world.until("it has ended again", () => world.simulator.hosts[again - 1]!.node === null);
  world.join(again);
  world.until("the third one votes", () => votersOf(world).includes(again));
  world.judge();
});

test("of three voters one waits for a snapshot: neither other is removed, and it does not take over; then both may", (t) => {
  const world = new Scenario(3, { snapshotEntries: 8, trailingEntries: 0 });
  const leader = world.leader();
  const [laggard, other] = world.others(leader) as [number, number];
  world.isolate(laggard);
  for (let k = 0; k < 30; k++) world.putNow("k", `${k}`);
  world.until("the log is compacted", () => world.raft(leader).log.baseIndex > world.raft(laggard).log.lastIndex);
  world.heal();
  world.drop((_from, _to, { kind }) => kind === "snapshot-chunk");
  world.until("the laggard answers", () => world.raft(laggard).leader === leader);
  for (const id of [other, leader]) {
    const change = world.change(leader, { kind: "remove", id });
    world.until("it is answered", () => change.outcome !== null);
    t.deepEqual(change.outcome, { ok: false, code: "no-majority-left", definite: true });
    t.true(world.isLeader(leader));
    world.putNow("k", "at once");
  }
  world.drop(null);
  world.until("it has caught up", () => world.raft(laggard).commit === world.raft(leader).commit);
  const change = world.change(leader, { kind: "remove", id: leader });
  world.until("it is answered", () => change.outcome !== null);
  t.deepEqual(change.outcome, { ok: true, value: null });
  world.judge();
});

test("a learner that is removed while it waits for its snapshot hears no leader any more: it asks, is told, and ends", (t) => {
  const world = new Scenario(1, { spares: 1, snapshotEntries: 8, trailingEntries: 0 });
  for (let k = 0; k < 30; k++) world.putNow("k", `${k}`);
  world.until("the log is compacted", () => world.raft(1).log.baseIndex > 8);
  world.drop((_from, _to, { kind }) => kind === "snapshot-chunk");
  world.changeNow({ kind: "add", id: 2, url: "http://node-2", autoPromote: false });
  world.join(2);
  world.until("it hears its leader", () => world.simulator.raftOf(2)?.leader === 1);
  t.is(world.raft(2).log.lastIndex, 0);
  world.changeNow({ kind: "remove", id: 2 });
  world.until("it has ended", () => world.simulator.hosts[1]!.node === null);
  world.judge();
});

test("a leader that has just restarted does not refuse a joiner by the binding of the directory that it had before", (t) => {
  const world = new Scenario(3);
  const leader = world.leader();
  const [again, other] = world.others(leader) as [number, number];
  world.changeNow({ kind: "remove", id: again });
  world.until("it has ended", () => world.simulator.hosts[again - 1]!.node === null);
  world.changeNow({ kind: "add", id: again, url: `http://node-${again}`, autoPromote: true });
  for (const id of [leader, other]) world.kill(id);
  // The leader commits nothing: no node knows yet what is committed.
  world.drop((_from, _to, { kind }) => kind === "append-reply");
  for (const id of [leader, other]) world.start(id);
  world.join(again);
  for (let k = 0; k < 3; k++) {
    world.until("one leads", () => [leader, other].some((id) => world.isLeader(id)));
    world.pass(1);
  }
  t.not(world.simulator.hosts[again - 1]!.node, null);
  world.drop(null);
  world.until("it votes", () => votersOf(world).includes(again));
  world.judge();
});

test("a founder's directory whose removal it has not heard of is not bound again where its id was added again", (t) => {
  const world = new Scenario(3);
  const leader = world.leader();
  const [gone] = world.others(leader) as [NodeId];
  // Its log holds its removal, and it is cut off before it hears that the removal is committed.
  const removed = world.change(leader, { kind: "remove", id: gone });
  world.until("its log holds its removal", () => memberOf(world.raft(gone).configuration, gone) === undefined);
  world.isolate(gone);
  world.answer(removed);
  world.changeNow({ kind: "add", id: gone, url: `http://node-${gone}`, autoPromote: true });
  // It comes back, and asks whether it is still a member.
  world.heal();
  world.drop((from, _to, message) => from === gone && message.kind !== "join-request");
  world.until("it is told, and ends", () => world.simulator.hosts[gone - 1]!.node === null, 60);
  world.drop(null);
  world.join(gone);
  world.until("the new machine votes", () => votersOf(world).includes(gone));
  world.judge();
  t.pass();
});

test("a directory that was a member's is bound to no later incarnation, though nobody knows yet that it was removed", (t) => {
  const world = new Scenario(3, { spares: 1 });
  world.changeNow({ kind: "add", id: 4, url: "http://node-4", autoPromote: false });
  world.join(4);
  world.until("it is a learner", () => world.node(4).replica !== null && world.raft(4).log.lastIndex > 0);
  world.isolate(4);
  world.changeNow({ kind: "remove", id: 4 });
  world.changeNow({ kind: "add", id: 4, url: "http://node-4", autoPromote: true });
  const founders = [1, 2, 3];
  for (const id of founders) world.kill(id);
  world.heal();
  // The leader commits nothing: no node knows yet what is committed.
  world.drop((_from, _to, { kind }) => kind === "append-reply");
  world.hold((_from, _to, { kind }) => kind === "directory-confirmed");
  for (const id of founders) world.start(id);
  // It comes back, and asks whether it is still a member.
  world.kill(4);
  world.start(4);
  world.pass(5);
  world.drop(null);
  world.leader();
  world.hold(null);
  world.release();
  world.until("it is told, and ends", () => world.simulator.hosts[3]!.node === null, 60);
  const bound = founders.map((id) => memberOf(world.raft(id).configuration, 4)?.storeId);
  t.deepEqual(bound, ["", "", ""]);
  world.join(4);
  world.until("the new machine votes", () => votersOf(world).includes(4));
  world.judge();
});

test("a leader that was replaced and does not know it turns away no machine that was added since", (t) => {
  const world = new Scenario(5, { spares: 1, heartbeatMicros: 400_000 });
  const first = world.leader();
  world.changeNow({ kind: "add", id: 6, url: "http://node-6", autoPromote: false });
  world.join(6);
  const isBound = (id: NodeId): boolean =>
    (memberOf(world.raft(id).committedConfiguration.configuration, 6)?.storeId ?? "") !== "";
  world.until("all know that it is bound", () => [1, 2, 3, 4, 5].every(isBound));
  for (const id of world.others(first, 6)) world.cut(first, id);
  // `first` hears no other member, and still counts on its lease.
  world.drop((from, to) => [from, to].includes(first) && [from, to].includes(6));
  const next = world.leader(first);
  world.answer(world.put(next, "k", "v"));
  const isReplaced = world.isLeader(first);
  const removed = world.change(next, { kind: "remove", id: 6 });
  world.until("6 is gone", () => world.simulator.hosts[5]!.node === null && removed.outcome !== null);
  world.answer(world.change(next, { kind: "add", id: 6, url: "http://node-6", autoPromote: false }));
  t.true(isReplaced && world.isLeader(first), "the old one still thinks that it leads");
  world.drop(null);
  world.join(6);
  world.until("the new machine is bound", () => isBound(next));
  world.pass(3);
  t.not(world.simulator.hosts[5]!.node, null);
  world.judge();
});

test("a learner is not promoted by itself before it holds the entry that added it", (t) => {
  const world = new Scenario(1, { spares: 1, entriesPerAppendMax: 8, messagesInFlightMax: 1 });
  world.leader();
  for (let k = 0; k < 20; k++) world.putNow(`k${k}`, "v");
  world.changeNow({ kind: "add", id: 2, url: "http://node-2", autoPromote: true });
  world.join(2);
  world.until("it is promoted", () => world.raft(1).configuration.outgoing.length > 0);
  const { match, incarnation } = world.raft(1).progressOf(2)!;
  t.true(match >= incarnation);
  world.judge();
});

test("a learner that lacks more bytes than one round brings is not promoted by itself, and writes go on meanwhile", (t) => {
  const world = new Scenario(1, { spares: 1, latencyMicros: 50_000 });
  world.leader();
  for (let k = 0; k < 40; k++) world.putNow(`k${k}`, "x".repeat(200_000));
  world.changeNow({ kind: "add", id: 2, url: "http://node-2", autoPromote: true });
  world.join(2);
  for (let k = 0; k < 20; k++) world.putNow(`more ${k}`, "x".repeat(200_000));
  world.until("it is promoted", () => world.raft(1).configuration.outgoing.length > 0);
  const { log } = world.raft(1);
  const { match } = world.raft(1).progressOf(2)!;
  const lacking = Array.from({ length: log.lastIndex - match }, (_, k) => log.entryAt(match + 1 + k).bytes.length);
  t.true(lacking.reduce((sum, bytes) => sum + bytes, 0) <= 1_000_000);
  t.true(world.answer(world.put(1, "after", "v"), 1).ok);
  world.judge();
});

test("a node joins through members that do not lead, where the leader never hears it ask", (t) => {
  const world = new Scenario(3, { spares: 1, streams: true });
  const leader = world.leader();
  world.changeNow({ kind: "add", id: 4, url: "http://node-4", autoPromote: true });
  world.drop((from, to, { kind }) => from === 4 && to === leader && kind === "join-request");
  world.join(4);
  world.until("it votes", () => votersOf(world).includes(4));
  world.judge();
  t.pass();
});
