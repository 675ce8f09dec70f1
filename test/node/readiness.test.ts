/** When a node says that it is ready. */
import test from "ava";
import { fc, testProp } from "@fast-check/ava";
import { type Phase, readinessOf, type ReplicaFacts } from "../../core/node/readiness.ts";
import type { NodeId } from "../../core/units.ts";
import { SimulatedCluster } from "../support/simulated-cluster.ts";

const asFollower: ReplicaFacts = {
  leader: 2,
  lostVoters: [],
  isLeader: false,
  hasCommittedInTerm: true,
  hasQuorum: false,
  hearsLeader: true,
  reachesLeader: true,
  hasLostRows: false,
  isInstalling: false,
  hasReplayed: true,
  appliedIndex: 100,
  leaderCommit: 100,
  lagEntriesMax: 10,
};
const asLeader: ReplicaFacts = {
  ...asFollower,
  leader: 1,
  isLeader: true,
  hasQuorum: true,
  hearsLeader: false,
  reachesLeader: false,
};

test("a follower of a leader that is heard, and a leader with a quorum, are ready", (t) => {
  t.true(readinessOf("running", asFollower).ready);
  t.true(readinessOf("running", asLeader).ready);
  t.true(readinessOf("running", { ...asFollower, leaderCommit: 110 }).ready);
});

for (const [what, facts, code] of [
  ["it knows no leader", { ...asFollower, leader: 0 }, "no-leader"],
  ["its leader is silent", { ...asFollower, hearsLeader: false }, "leader-silent"],
  ["its leader cannot be reached", { ...asFollower, reachesLeader: false }, "leader-unreachable"],
  ["it replays its log", { ...asFollower, hasReplayed: false }, "replaying"],
  ["it lags", { ...asFollower, leaderCommit: 111 }, "catching-up"],
  ["it has lost its rows", { ...asFollower, hasLostRows: true }, "rows-lost"],
  ["it installs a snapshot", { ...asFollower, isInstalling: true }, "installing"],
  ["it leads and hears no majority", { ...asLeader, hasQuorum: false }, "no-quorum"],
  ["it leads and has committed nothing in its term", { ...asLeader, hasCommittedInTerm: false }, "no-quorum"],
  ["it leads and replays its log", { ...asLeader, hasReplayed: false }, "replaying"],
] as const) {
  test(`not ready: ${what}`, (t) => {
    t.like(readinessOf("running", facts), { ready: false, code });
  });
}

testProp(
  "ready is only who runs, has its rows, is caught up, and has a leader that a quorum or this node hears",
  [
    fc.constantFrom<Phase>("opening", "bootstrapping", "joining", "recovering", "running", "stopping", "ended"),
    fc.record({
      leader: fc.integer({ min: 0, max: 2 }),
      lostVoters: fc.constantFrom([], [2, 3]),
      isLeader: fc.boolean(),
      hasCommittedInTerm: fc.boolean(),
      hasQuorum: fc.boolean(),
      hearsLeader: fc.boolean(),
      reachesLeader: fc.boolean(),
      hasLostRows: fc.boolean(),
      isInstalling: fc.boolean(),
      hasReplayed: fc.boolean(),
      appliedIndex: fc.integer({ min: 0, max: 30 }),
      leaderCommit: fc.integer({ min: 0, max: 30 }),
      lagEntriesMax: fc.constant(10),
    }),
  ],
  (t, phase, facts) => {
    const { isLeader } = facts;
    const own = !facts.hasLostRows && !facts.isInstalling && facts.hasReplayed;
    const near = facts.leaderCommit - facts.appliedIndex <= 10;
    const led = isLeader ? facts.hasQuorum && facts.hasCommittedInTerm : facts.hearsLeader && facts.reachesLeader;
    const expected = phase === "running" && own && near && led && facts.leader !== 0;
    t.is(readinessOf(phase, facts).ready, expected);
  },
);

function codeOf(world: SimulatedCluster, id: NodeId): string {
  const readiness = world.node(id).readiness();
  return readiness.ready ? "ready" : readiness.code;
}

/** What `id` says of itself while time passes, each word once in its order. */
function story(world: SimulatedCluster, id: NodeId, seconds: number): string[] {
  const said: string[] = [];
  for (let k = 0; k < seconds * 1_000; k++) {
    const code = codeOf(world, id);
    if (said.at(-1) !== code) said.push(code);
    world.pass(0.001);
  }
  return said;
}

for (const engines of ["memory", "rocksdb"] as const) {
  test(`${engines}: a node is not ready while it opens and replays, and whenever it is ready a read is answered at once`, (t) => {
    const world = new SimulatedCluster(3, { engines });
    for (let k = 0; k < 50; k++) world.putNow(`k${k}`, "v");
    const [id] = world.others(world.leader()) as [number];
    world.kill(id);
    world.start(id);
    const said = story(world, id, 2);
    t.is(said[0], "opening");
    t.is(said.at(-1), "ready");
    const read = world.get(id, "k49");
    world.pass(0.05);
    t.is(read.outcome?.ok === true ? read.outcome.value.row?.value : null, "v");
    world.judge();
  });
}

test("founders are not ready before they have seen each other", (t) => {
  const world = new SimulatedCluster(3);
  world.isolate(3);
  world.pass(3);
  t.is(codeOf(world, 1), "bootstrapping");
  world.heal();
  world.until("all are ready", () => [1, 2, 3].every((id) => codeOf(world, id) === "ready"));
  world.judge();
});

test("a member cut off from its leader, and a leader cut off from its quorum, are not ready within two election timeouts", (t) => {
  const world = new SimulatedCluster(3);
  const old = world.leader();
  const [a] = world.others(old) as [number];
  world.putNow("k", "v");
  world.pass(1);
  t.is(codeOf(world, a), "ready");
  world.isolate(a);
  world.pass(2);
  t.not(codeOf(world, a), "ready");
  t.is(codeOf(world, old), "ready");
  world.heal();
  world.until("it is ready again", () => codeOf(world, a) === "ready");
  const next = world.leader();
  world.isolate(next);
  world.pass(2);
  t.not(codeOf(world, next), "ready");
  world.judge();
});

test("a learner is not ready before it has caught up", (t) => {
  const world = new SimulatedCluster(1, { spares: 1, snapshotEntries: 20, trailingEntries: 2 });
  for (let k = 0; k < 100; k++) world.putNow(`k${k}`, "v".repeat(500));
  world.changeNow({ kind: "add", id: 2, url: "http://node-2", autoPromote: false });
  world.join(2);
  const said = story(world, 2, 3);
  t.true(["opening", "joining"].includes(said[0]!), said.join());
  t.is(said.at(-1), "ready");
  t.is(world.status(2).appliedIndex, world.status(1).appliedIndex);
});

test("a node that stops is not ready, and says so until it has ended", (t) => {
  const world = new SimulatedCluster(3);
  const leader = world.leader();
  world.pass(1);
  const stop = world.stop(leader);
  world.until("it stops", () => codeOf(world, leader) !== "ready");
  t.is(codeOf(world, leader), "stopping");
  world.until("it has ended", () => stop.isOver);
  t.is(codeOf(world, leader), "ended");
  world.kill(leader);
  world.judge();
});
