/** Requests in every phase of a node's life, and what is full on their way: each ends in time, with a true answer. */
import test from "ava";
import { fc } from "@fast-check/ava";
import type { ReadOutcome, WriteOutcome } from "../../core/node/options.ts";
import type { NodeId } from "../../core/units.ts";
import type { Asked } from "../../sim/scenario.ts";
import { hostEvents } from "../../sim/world/host.ts";
import { SimulatedCluster } from "../support/simulated-cluster.ts";

/** Asks for a stale read of `key`; a machine that is down refuses it. */
function stale(world: SimulatedCluster, via: NodeId, key: string): Asked<ReadOutcome> {
  const asked: Asked<ReadOutcome> = { outcome: null };
  const done = (outcome: ReadOutcome): void => {
    asked.outcome = outcome;
  };
  const request = {
    run: () => world.node(via).readStale(key, done),
    refused: () => done({ ok: false, code: "refused", definite: true }),
  };
  const { scheduler, hosts } = world.simulator;
  scheduler.at(scheduler.now, 2_000_000, hosts[via - 1]!, hostEvents.request, request);
  return asked;
}

const isUnknown = ({ outcome }: Asked<WriteOutcome>): boolean => outcome?.ok === false && !outcome.definite;

for (const engines of ["memory", "rocksdb"] as const) {
  test(`${engines}: a stale read while a node opens is refused, and the node works after it`, (t) => {
    const world = new SimulatedCluster(3, { engines });
    world.putNow("k", "v");
    // Every member has applied it.
    world.pass(1);
    const leader = world.leader();
    const [id] = world.others(leader) as [number];
    world.stopNow(id);
    world.start(id);
    let refused = 0;
    let answered = 0;
    for (let k = 0; k < 400; k++) {
      const outcome = world.answer(stale(world, id, "k"), 6);
      if (!outcome.ok) {
        t.like(outcome, { code: "not-ready", definite: true });
        refused += 1;
      } else {
        answered += 1;
        // The node had the key before it stopped: it never says that there is none.
        t.is(outcome.value.row?.value, "v");
      }
      world.pass(0.002);
    }
    t.true(refused > 0);
    t.true(answered > 0);
    t.true(world.answer(world.put(id, "k", "w")).ok);
    world.judge();
  });
}

test("a node that has applied nothing since its start says nothing about a key, though its log holds it", (t) => {
  const world = new SimulatedCluster(3);
  world.putNow("k", "v");
  world.pass(1);
  for (const id of [1, 2, 3]) world.cutPower(id);
  world.start(1);
  world.pass(5);
  const outcome = world.answer(stale(world, 1, "k"));
  t.like(outcome, { ok: false, code: "not-ready", definite: true });
  world.start(2);
  world.until("a leader is ready", () => world.node(1).readiness().ready);
  const later = world.answer(stale(world, 1, "k"));
  t.is(later.ok ? later.value.row?.value : null, "v");
  world.judge();
});

test("a read whose store does not answer ends at its deadline", (t) => {
  const world = new SimulatedCluster(1, { engines: "rocksdb" });
  world.putNow("k", "v");
  const host = world.simulator.hosts[0]!;
  const read = host.store.read.bind(host.store);
  host.store.read = () => undefined;
  const asked = [world.get(1, "k"), stale(world, 1, "k"), world.get(1, "k", true)];
  for (const one of asked) t.like(world.answer(one, 6), { ok: false, code: "timeout", definite: true });
  host.store.read = read;
  t.is(world.status(1).waitingRequests, 0);
  t.true(world.answer(world.get(1, "k")).ok);
  world.judge();
});

test("a burst beyond the stream's queue waits in the node, and all of it is written", (t) => {
  const world = new SimulatedCluster(3, { streams: true, queueBytesMax: 2_000, unsentBytesMax: 4_000 });
  const leader = world.leader();
  const [via] = world.others(leader) as [number];
  const { streams } = world.simulator.network;
  const asked = Array.from({ length: 64 }, (_, k) => world.put(via, `k${k}`, "v".repeat(1_000_000 / 8)));
  for (const one of asked) t.true(world.answer(one).ok);
  t.true(streams!.counters.full > 0, "the queue was full");
  world.judge();
});

test("what never left is definite: a burst at a member whose leader takes nothing any more", (t) => {
  const world = new SimulatedCluster(3, { streams: true, queueBytesMax: 2_000, unsentBytesMax: 4_000 });
  const leader = world.leader();
  const [via] = world.others(leader) as [number];
  world.clog(via, leader, 100);
  const asked = Array.from({ length: 64 }, (_, k) => world.put(via, `k${k}`, "v".repeat(100_000)));
  for (const one of asked) world.answer(one);
  const unknown = asked.filter(isUnknown).length;
  // What the stream has taken may arrive; the rest has not left.
  t.true(unknown <= 30, `${unknown} unknown`);
  t.true(asked.filter(({ outcome }) => outcome?.ok === false && outcome.definite).length >= 30);
  world.judge();
});

test("too much uncommitted at the leader: its own clients and those of others wait, and none is refused", (t) => {
  const world = new SimulatedCluster(3, { streams: true, uncommittedBytesMax: 3_000 });
  const leader = world.leader();
  const asked = [1, 2, 3].flatMap((via) =>
    Array.from({ length: 20 }, (_, k) => world.put(via, `k${k}`, "v".repeat(1_000))),
  );
  for (const one of asked) t.true(world.answer(one).ok);
  t.is(world.leader(), leader);
  world.judge();
});

test("the leader is removed: no write fails through any member, and whoever asked is answered", (t) => {
  const world = new SimulatedCluster(3, { streams: true });
  const leader = world.leader();
  const [a, b] = world.others(leader) as [number, number];
  world.pass(1);
  const change = world.change(leader, { kind: "remove", id: leader });
  const asked: Asked<WriteOutcome>[] = [];
  for (let k = 0; k < 200; k++) {
    for (const via of [a, b]) asked.push(world.put(via, `k${via}`, `${k}`));
    // Until the leader has ended it takes writes too.
    if (world.simulator.hosts[leader - 1]!.node?.replica != null) asked.push(world.put(leader, "kl", `${k}`));
    world.pass(0.005);
  }
  t.deepEqual(world.answer(change), { ok: true, value: null });
  const outcomes = asked.map((one) => world.answer(one));
  t.deepEqual(
    outcomes.filter((outcome) => !outcome.ok && !outcome.definite),
    [],
  );
  const failed = outcomes.filter((outcome) => !outcome.ok && outcome.code !== "stopping");
  t.deepEqual(failed, []);
  t.true(asked.filter((_, k) => k % 2 === 0).length > 0);
  world.judge();
});

test("a write that a removed member forwards behind its own removal is refused, and never happens", (t) => {
  const world = new SimulatedCluster(3);
  const leader = world.leader();
  const [leaving] = world.others(leader) as [number];
  world.putNow("k", "v");
  world.pass(1);
  const change = world.change(leader, { kind: "remove", id: leaving });
  const isIn = (): boolean => world.raft(leader).configuration.members.some(({ id }) => id === leaving);
  world.until("the removal is in the leader's log", () => !isIn());
  // The removal is not committed before the forward has come.
  world.drop((_from, to, message) => to === leader && message.kind === "append-reply");
  const late = world.put(leaving, "k", "late");
  world.pass(0.05);
  world.drop(null);
  t.like(world.answer(late), { ok: false, definite: true });
  t.deepEqual(world.answer(change), { ok: true, value: null });
  const read = world.answer(world.get(leader, "k"));
  t.is(read.ok ? read.value.row?.value : null, "v");
  world.judge();
});

test("a removal that would leave no majority is refused, but not for a moment's silence", (t) => {
  const world = new SimulatedCluster(3);
  const leader = world.leader();
  const [a, b] = world.others(leader) as [number, number];
  world.pass(1);
  world.isolate(b);
  world.pass(1.5);
  t.like(world.answer(world.change(leader, { kind: "remove", id: a })), { code: "no-majority-left", definite: true });
  const asked = world.change(leader, { kind: "remove", id: a });
  world.pass(0.2);
  t.is(asked.outcome, null);
  world.heal();
  t.deepEqual(world.answer(asked), { ok: true, value: null });
  world.judge();
});

test("a leader that was just elected counts on nobody whom it has not heard of", (t) => {
  const world = new SimulatedCluster(3);
  const leader = world.leader();
  const [a, b] = world.others(leader) as [number, number];
  world.pass(1);
  world.isolate(b);
  world.changeNow({ kind: "transfer-leader", id: a });
  const asked = world.change(a, { kind: "remove", id: leader });
  t.deepEqual(world.answer(asked), { ok: false, code: "no-majority-left", definite: true });
  t.deepEqual(world.raft(a).configuration.voters, [1, 2, 3]);
  world.judge();
});

test("who asks that a silent voter leads is told so after an election timeout, not for a moment's silence", (t) => {
  const world = new SimulatedCluster(3);
  const leader = world.leader();
  const [a, b] = world.others(leader) as [number, number];
  world.pass(1);
  world.isolate(a);
  world.pass(1.5);
  for (const via of [leader, b]) {
    const asked = world.change(via, { kind: "transfer-leader", id: a });
    world.pass(0.8);
    t.is(asked.outcome, null);
    world.pass(0.5);
    t.deepEqual(asked.outcome, { ok: false, code: "not-caught-up", definite: true });
  }
  const asked = world.change(leader, { kind: "transfer-leader", id: a });
  world.pass(0.2);
  world.heal();
  t.deepEqual(world.answer(asked), { ok: true, value: null });
  t.is(world.leader(), a);
  world.judge();
});

test("a voter that was told to take over may yet do so: that it is silent now refuses nothing", (t) => {
  const world = new SimulatedCluster(3);
  const leader = world.leader();
  const [a] = world.others(leader) as [number];
  world.putNow("k", "v");
  world.pass(1);
  world.clog(leader, a, 3);
  world.drop((from) => from === a);
  const asked = world.change(leader, { kind: "transfer-leader", id: a });
  world.pass(2.9);
  t.is(asked.outcome, null);
  world.drop(null);
  t.deepEqual(world.answer(asked), { ok: true, value: null });
  world.judge();
});

test("a learner that is silent is not promoted by hand, and who asks is told so; then it is", (t) => {
  const world = new SimulatedCluster(1, { spares: 1 });
  world.putNow("k", "v");
  world.changeNow({ kind: "add", id: 2, url: "http://node-2", autoPromote: false });
  world.join(2);
  world.until("it has caught up", () => world.simulator.raftOf(2)?.commit === world.raft(1).commit);
  world.pass(1);
  world.kill(2);
  world.pass(1.5);
  t.like(world.answer(world.change(1, { kind: "promote", id: 2 })), { code: "not-caught-up", definite: true });
  world.putNow("k", "goes on");
  world.start(2);
  t.deepEqual(world.answer(world.change(1, { kind: "promote", id: 2 })), { ok: true, value: null });
  world.judge();
});

test("a learner and a voter that wait for a snapshot: neither is promoted, or leads, and who asks is told so", (t) => {
  const world = new SimulatedCluster(3, { spares: 1, snapshotEntries: 8, trailingEntries: 0 });
  const leader = world.leader();
  const [laggard] = world.others(leader) as [number];
  world.changeNow({ kind: "add", id: 4, url: "http://node-4", autoPromote: false });
  world.join(4);
  world.until("it takes part", () => world.simulator.raftOf(4) !== null);
  for (const id of [laggard, 4]) world.isolate(id);
  for (let k = 0; k < 30; k++) world.putNow("k", `${k}`);
  world.until("the log is compacted", () => {
    return [laggard, 4].every((id) => world.raft(leader).log.baseIndex > world.raft(id).log.lastIndex);
  });
  world.heal();
  world.drop((_from, _to, { kind }) => kind === "snapshot-chunk");
  world.until("both answer", () => [laggard, 4].every((id) => world.raft(id).leader === leader));
  const wanted = [{ kind: "transfer-leader", id: laggard } as const, { kind: "promote", id: 4 } as const];
  for (const change of wanted) {
    t.like(world.answer(world.change(leader, change), 3), { ok: false, code: "not-caught-up", definite: true });
  }
  world.drop(null);
  world.until("both have caught up", () => {
    return [laggard, 4].every((id) => world.raft(id).commit === world.raft(leader).commit);
  });
  for (const change of wanted) world.changeNow(change);
  world.judge();
});

for (const role of ["leader", "follower"] as const) {
  test(`a ${role} that stops in good order leaves no request unknown, at no member`, (t) => {
    const world = new SimulatedCluster(3, { streams: true });
    const leader = world.leader();
    const id = role === "leader" ? leader : world.others(leader)[0]!;
    world.pass(1);
    const asked: Asked<WriteOutcome>[] = [];
    const ask = (): void => {
      for (const via of [1, 2, 3]) for (let k = 0; k < 5; k++) asked.push(world.put(via, `k${k}`, `${asked.length}`));
    };
    ask();
    const stop = world.stop(id);
    for (let k = 0; k < 400 && !stop.isOver; k++) {
      ask();
      world.pass(0.002);
    }
    t.true(stop.isOver);
    world.kill(id);
    ask();
    for (const one of asked) {
      const outcome = world.answer(one);
      t.true(outcome.ok || outcome.definite, JSON.stringify(outcome));
    }
    world.judge();
  });
}

test("requests of every kind in every phase: each ends in time, and no answer is wrong", (t) => {
  const phase = fc.constantFrom("stop", "kill", "power", "start", "isolate", "heal", "pass");
  const kind = fc.constantFrom("put", "get", "lease", "stale", "session", "remove", "lead", "status");
  const step = fc.record({ phase, kind, id: fc.integer({ min: 1, max: 3 }), ms: fc.integer({ min: 0, max: 1_500 }) });
  const run = (
    engines: "memory" | "rocksdb",
    steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[],
  ): void => {
    const world = new SimulatedCluster(3, { engines, streams: true });
    const isUp = (id: NodeId): boolean => world.simulator.hosts[id - 1]!.node !== null;
    const asked: Asked<unknown>[] = [];
    for (const { phase: what, kind: request, id, ms } of steps) {
      if (what === "stop" && isUp(id)) world.stop(id);
      else if (what === "kill" && isUp(id)) world.kill(id);
      else if (what === "power" && isUp(id)) world.cutPower(id);
      else if (what === "start" && !isUp(id) && !world.simulator.hosts[id - 1]!.retired) world.start(id);
      else if (what === "isolate") world.isolate(id, 2);
      else if (what === "heal") world.heal();
      // Requests of a moment come before it passes, while the node opens, follows, hands over or ends.
      if (request === "put") asked.push(world.put(id, "k", `${asked.length}`));
      else if (request === "get" || request === "lease") asked.push(world.get(id, "k", request === "lease"));
      else if (request === "stale") asked.push(stale(world, id, "k"));
      else if (request === "session") asked.push(world.write(id, { op: "open-session" }));
      else if (request === "remove") asked.push(world.change(id, { kind: "remove", id: 3 }));
      else if (request === "lead") asked.push(world.change(id, { kind: "transfer-leader", id: (id % 3) + 1 }));
      else if (isUp(id)) t.is(typeof world.node(id).status().readiness.ready, "boolean");
      world.pass(ms / 1000);
    }
    world.pass(6);
    // A process that was killed answers nobody; every other process has answered.
    const open = asked.filter(({ outcome }) => outcome === null).length;
    const isKilled = steps.some(({ phase: what }) => what === "kill" || what === "power");
    t.true(open === 0 || isKilled, `${open} requests are open`);
  };
  fc.assert(fc.property(fc.constantFrom("memory", "rocksdb"), fc.array(step, { maxLength: 12 }), run), {
    seed: 13,
    numRuns: 60,
  });
});
