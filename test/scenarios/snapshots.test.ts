/** Followers that are too far behind, and nodes that die while they catch up. */
import test from "ava";
import { Scenario } from "../../sim/scenario.ts";

const small = { snapshotEntries: 8, trailingEntries: 2, trailingBytes: 1_000_000, snapshotChunkBytes: 60 };

/** A cluster of three with a follower so far behind that only a snapshot helps; it is cut off. */
function withLaggard(): { world: Scenario; leader: number; laggard: number } {
  const world = new Scenario(3, small);
  const leader = world.leader();
  const [laggard] = world.others(leader) as [number];
  world.putNow("k", "early");
  world.isolate(laggard);
  for (let k = 0; k < 30; k++) world.putNow(`k${k % 7}`, `${k}`.repeat(20));
  world.until("the log is cut", () => world.raft(leader).log.baseIndex > world.raft(laggard).log.lastIndex);
  return { world, leader, laggard };
}

test("only pieces of snapshots are lost: nobody else waits, and the follower has it once they pass", (t) => {
  const { world, leader, laggard } = withLaggard();
  world.heal();
  world.drop((_from, _to, { kind }) => kind === "snapshot-chunk");
  for (let k = 0; k < 5; k++) {
    world.putNow("k", `${k}`);
    world.pass(1);
  }
  const { baseIndex } = world.raft(leader).log;
  for (let k = 0; k < 60; k++) world.putNow("k", `${k}`.repeat(20));
  world.until("the log is cut again, for all that", () => world.raft(leader).log.baseIndex > baseIndex + 30, 60);
  t.true(world.isLeader(leader));
  t.true(world.raft(laggard).commit < world.raft(leader).log.baseIndex);
  world.drop(null);
  world.until("it has caught up", () => world.raft(laggard).commit === world.raft(leader).commit);
  world.judge();
});

test("each second piece of a snapshot is lost, and it arrives nevertheless", (t) => {
  const { world, leader, laggard } = withLaggard();
  world.heal();
  let pieces = 0;
  world.drop((_from, _to, { kind }) => kind === "snapshot-chunk" && pieces++ % 2 === 0);
  world.until("it has caught up", () => world.raft(laggard).commit === world.raft(leader).commit, 120);
  t.true(pieces > 4);
  world.judge();
});

test("the leader is replaced while it sends a snapshot: the next one sends its own", (t) => {
  const { world, leader, laggard } = withLaggard();
  world.heal();
  let pieces = 0;
  world.drop((from, _to, { kind }) => kind === "snapshot-chunk" && from === leader && ++pieces > 2);
  world.until("a part of it has come", () => pieces > 2);
  world.kill(leader);
  world.drop(null);
  const next = world.leader(leader);
  world.until("it has caught up", () => world.raft(laggard).commit === world.raft(next).commit);
  t.not(next, leader);
  world.judge();
});

for (const power of [false, true]) {
  test(`a follower ${power ? "loses power" : "is killed"} at every stage of a snapshot that it receives, and is never without its state`, (t) => {
    let installed = 0;
    for (let stage = 1; stage <= 8; stage++) {
      const { world, leader, laggard } = withLaggard();
      world.heal();
      let pieces = 0;
      world.drop((_from, to, { kind }) => {
        if (kind === "snapshot-chunk" && to === laggard) pieces += 1;
        return false;
      });
      if (stage < 8) world.until("so much has come", () => pieces >= stage * 2 || world.raft(laggard).commit > 5);
      else world.until("it is installed", () => world.raft(laggard).commit >= world.raft(leader).log.baseIndex);
      if (power) world.cutPower(laggard);
      else world.kill(laggard);
      world.start(laggard);
      world.until(
        "it has caught up",
        () => world.simulator.raftOf(laggard)?.commit === world.raft(world.leader()).commit,
      );
      installed += 1;
      world.judge();
    }
    t.is(installed, 8);
  });
}

test("a crash between the durable snapshot and the log that it makes needless leaves one story", (t) => {
  const { world, laggard } = withLaggard();
  const host = world.simulator.hosts[laggard - 1]!;
  world.heal();
  world.until("the snapshot is on its disk", () => world.simulator.ghost.node(laggard).snapshot > 0, 60);
  world.cutPower(laggard);
  t.is(host.node, null);
  world.start(laggard);
  world.until("it takes part", () => world.simulator.raftOf(laggard) !== null);
  world.judge();
});

test("a node that takes snapshots all the time loses power, and what it had acknowledged is there", (t) => {
  const world = new Scenario(1, { ...small, snapshotEntries: 3, trailingEntries: 0 });
  world.leader();
  for (let k = 0; k < 40; k++) {
    world.putNow("k", `${k}`);
    if (k % 3 !== 0) continue;
    world.cutPower(1);
    world.start(1);
    t.is(world.valueAt(world.leader(), "k"), `${k}`);
  }
  world.judge();
});

test("a leader whose log is cut up to its commit index goes on answering reads", (t) => {
  const world = new Scenario(3, { snapshotEntries: 3, trailingEntries: 0, engines: "rocksdb" });
  const leader = world.leader();
  let cut = 0;
  for (let k = 0; k < 12; k++) {
    world.putNow("k", `${k}`);
    world.pass(1);
    cut += world.raft(leader).log.baseIndex === world.raft(leader).commit ? 1 : 0;
    t.is(world.valueAt(leader, "k"), `${k}`);
  }
  t.true(cut > 0);
  world.judge();
});

test("a follower that is gone does not keep the others' logs, though a snapshot is on its way to it", (t) => {
  const { world, leader } = withLaggard();
  world.pass(3);
  const { baseIndex } = world.raft(leader).log;
  for (let k = 0; k < 60; k++) world.putNow("k", `${k}`.repeat(20));
  world.until("the log is cut again", () => world.raft(leader).log.baseIndex > baseIndex + 30, 60);
  t.true(world.isLeader(leader));
  world.judge();
});

test("segments of the log go, and term and vote stay: at every moment a power cut finds them", (t) => {
  let cuts = 0;
  for (let moment = 0; moment < 60; moment++) {
    const world = new Scenario(3, { ...small, walSegmentBytesMax: 600, seed: moment });
    const leader = world.leader();
    for (let k = 0; k < 10; k++) world.putNow("k", `${k}`.repeat(20));
    world.put(leader, "k", "last");
    world.pass(0.0002 * moment);
    const [a] = world.others(leader) as [number];
    for (const id of [leader, a]) world.cutPower(id);
    for (const id of [leader, a]) world.start(id);
    cuts += 1;
    world.judge();
  }
  t.is(cuts, 60);
});

test("what a snapshot has replaced of a log does not come back, also where the segment that held the replaced entry is gone", (t) => {
  const world = new Scenario(3, { ...small, walSegmentBytesMax: 300 });
  const first = world.leader();
  world.pass(1);
  // The first leader alone writes a log that no other node will have, one entry in each segment.
  world.isolate(first);
  for (let k = 0; k < 60; k++) world.put(first, "k", `lost ${k}`.repeat(30));
  world.until("it is durable", () => world.raft(first).log.durableIndex > 60);
  const second = world.leader(first);
  for (let k = 0; k < 30; k++) world.putNow(`k${k % 7}`, `${k}`.repeat(20));
  world.until("the others have cut theirs", () => world.raft(second).log.baseIndex > 10);
  world.drop((_from, to, message) => to === first && message.kind === "append" && message.entries.length > 0);
  world.simulator.network.unblock();
  world.until("a snapshot is installed", () => world.raft(first).log.baseIndex > 10, 60);
  const base = world.raft(first).log.baseIndex;
  world.pass(1);
  t.is(world.raft(first).log.lastIndex, base);
  world.kill(first);
  world.start(first);
  world.until("it takes part", () => world.simulator.raftOf(first) !== null);
  t.is(world.raft(first).log.lastIndex, base);
  world.judge();
});

/** Flips a byte of the last file on the snapshot disk of `id` whose name is as `named`: whole, or still incoming. */
function damageSnapshot(world: Scenario, id: number, named: RegExp): void {
  const { snapshotDisk } = world.simulator.hosts[id - 1]!.devices;
  const name = [...snapshotDisk.contents().keys()].filter((one) => named.test(one)).toSorted();
  snapshotDisk.damage(name.at(-1)!, 40);
}

function notesOf(world: Scenario, id: number): string {
  return world.simulator.hosts[id - 1]!.notes.join("\n");
}

test("a snapshot that is damaged on its sender's disk is set aside and written again, and the follower has it", (t) => {
  const { world, leader, laggard } = withLaggard();
  // No other one is on its way.
  world.pass(1);
  damageSnapshot(world, leader, /^snap-/);
  world.heal();
  world.until("it has caught up", () => world.raft(laggard).commit === world.raft(leader).commit);
  t.regex(notesOf(world, leader), /is damaged, and set aside: its checksum is wrong; it is written again/);
  world.judge();
});

test("a snapshot that is damaged on its receiver's disk before it is installed is asked for again", (t) => {
  const { world, leader, laggard } = withLaggard();
  world.heal();
  const { snapshotDisk } = world.simulator.hosts[laggard - 1]!.devices;
  const isComing = (): boolean => (snapshotDisk.contents().get("incoming.part")?.length ?? 0) > 60;
  world.until("a part of it has come", isComing);
  damageSnapshot(world, laggard, /^incoming/);
  world.until("it has caught up", () => world.raft(laggard).commit === world.raft(leader).commit, 60);
  t.regex(notesOf(world, laggard), /is damaged, and set aside: .*; it is asked for again/);
  world.judge();
});
