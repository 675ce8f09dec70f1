/** No read is stale: each test is one story of a read that might have been. */
import test from "ava";
import { Scenario } from "../../sim/scenario.ts";

test("stale read after a pause: a leader that was replaced while it slept does not answer from what it knew", (t) => {
  const world = new Scenario(3);
  const old = world.leader();
  world.putNow("k", "before");
  world.pause(old);
  const next = world.leader(old);
  t.true(world.answer(world.put(next, "k", "after")).ok);
  const read = world.get(old, "k");
  world.resume(old);
  const outcome = world.answer(read);
  t.not(outcome.ok ? outcome.value.row?.value : null, "before");
  world.judge();
});

test("a lease that ended in a pause is not believed after it", (t) => {
  const world = new Scenario(3);
  const old = world.leader();
  world.putNow("k", "before");
  world.pass(1);
  world.pause(old);
  const next = world.leader(old);
  t.true(world.answer(world.put(next, "k", "after")).ok);
  world.isolate(old);
  const read = world.get(old, "k", true);
  world.resume(old);
  const outcome = world.answer(read);
  t.false(outcome.ok);
  world.judge();
});

test("a lease read of a leader that was just cut off is answered only while nobody else can lead", (t) => {
  const world = new Scenario(3);
  const old = world.leader();
  world.putNow("k", "before");
  world.pass(1);
  world.isolate(old);
  const soon = world.answer(world.get(old, "k", true));
  t.true(soon.ok);
  const next = world.leader(old);
  t.true(world.answer(world.put(next, "k", "after")).ok);
  t.false(world.answer(world.get(old, "k", true)).ok);
  world.judge();
});

test("a leader answers no read before an entry of its own term is committed", (t) => {
  const world = new Scenario(3);
  const old = world.leader();
  world.putNow("k", "v");
  const { term } = world.raft(old);
  // The next leader cannot commit: its appends are lost.
  world.drop((_from, _to, message) => message.kind === "append" && message.term > term);
  world.kill(old);
  world.until("somebody leads", () => world.others(old).some((id) => world.simulator.raftOf(id)?.role === "leader"));
  const next = world.others(old).find((id) => world.isLeader(id))!;
  const read = world.get(next, "k");
  world.pass(0.5);
  t.is(read.outcome, null);
  world.drop(null);
  const outcome = world.answer(read);
  t.is(outcome.ok ? outcome.value.row?.value : null, "v");
  world.judge();
});

test("a follower's read waits until it has applied what the leader had committed", (t) => {
  const world = new Scenario(3);
  const leader = world.leader();
  const [slow] = world.others(leader) as [number];
  world.putNow("k", "old");
  world.pass(1);
  // The follower hears the read index, and gets no entries.
  world.drop((_from, to, message) => to === slow && message.kind === "append" && message.entries.length > 0);
  t.true(world.answer(world.put(leader, "k", "new")).ok);
  const read = world.get(slow, "k");
  world.pass(0.5);
  t.is(read.outcome, null);
  world.drop(null);
  const outcome = world.answer(read);
  t.is(outcome.ok ? outcome.value.row?.value : null, "new");
  world.judge();
});

test("who was told to stand breaks the lease: the leader that hands over answers no lease read", (t) => {
  const world = new Scenario(3);
  const old = world.leader();
  const [next] = world.others(old) as [number];
  world.putNow("k", "before");
  world.pass(1);
  const change = world.change(old, { kind: "transfer-leader", id: next });
  world.until("the next one leads", () => world.isLeader(next));
  world.isolate(old);
  t.true(world.answer(world.put(next, "k", "after")).ok);
  t.false(world.answer(world.get(old, "k", true)).ok);
  world.answer(change);
  world.judge();
});

test("a follower that restarts keeps the promise of the lease: it helps nobody to lead before that has ended", (t) => {
  const world = new Scenario(3);
  const leader = world.leader();
  const [a, b] = world.others(leader) as [number, number];
  world.putNow("k", "before");
  // `b` has not heard the leader for long, and `a` has just acknowledged when it restarts.
  world.cut(leader, b);
  world.pass(3);
  for (let k = 0; k < 20; k++) {
    world.kill(a);
    world.start(a);
    world.pass(0.35);
  }
  t.true(world.simulator.raftOf(leader) !== null);
  world.judge();
});

test("reads through every node at once, in the first moments of a leadership, tell one story", (t) => {
  const world = new Scenario(5);
  for (let k = 0; k < 6; k++) {
    const leader = world.leader();
    world.putNow("k", `${k}`);
    world.kill(leader);
    for (const id of world.others(leader)) world.get(id, "k", k % 2 === 0);
    world.until("a leader", () => world.others(leader).some((id) => world.isLeader(id)));
    for (const id of world.others(leader)) world.get(id, "k", true);
    world.pass(0.2);
    world.start(leader);
    world.pass(1);
  }
  t.notThrows(() => world.judge());
});
