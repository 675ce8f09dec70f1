/** Shapes that seeds reach seldom. Each test first brings its shape about, and says that it has. */
import test from "ava";
import type { Message } from "../../core/protocol/message.ts";
import { Scenario } from "../../sim/scenario.ts";

const isPiece = (_from: number, _to: number, { kind }: Message): boolean => kind === "snapshot-chunk";
const small = { snapshotEntries: 8, trailingEntries: 0, snapshotChunkBytes: 60 };

test("a read that waits while its node steps down, and leads again, sees what was written meanwhile", (t) => {
  const world = new Scenario(3);
  const old = world.leader();
  world.putNow("k", "before");
  world.isolate(old);
  const read = world.get(old, "k");
  const next = world.leader(old);
  t.true(world.answer(world.put(next, "k", "after")).ok);
  // Nobody else may answer the read.
  world.heal();
  world.drop((_from, _to, { kind }) => kind === "read" || kind === "read-reply");
  world.until("it has stepped down", () => world.raft(old).leader === next);
  t.is(read.outcome, null);
  const { term } = world.raft(next);
  world.changeNow({ kind: "transfer-leader", id: old });
  t.is(world.leader(), old);
  t.true(world.raft(old).term > term);
  const outcome = world.answer(read);
  t.is(outcome.ok ? outcome.value.row?.value : null, "after");
  world.judge();
});

test("the tail of a deposed leader ends where the log of the next one begins, with another entry there", (t) => {
  let reached = 0;
  for (let tail = 1; tail <= 9; tail++) {
    const world = new Scenario(3, small);
    const old = world.leader();
    world.putNow("k", "before");
    world.isolate(old);
    for (let k = 0; k < tail; k++) world.put(old, `lost ${k}`, "lost");
    world.pass(0.1);
    const end = world.raft(old).log.lastIndex;
    const next = world.leader(old);
    for (let k = 0; world.raft(next).log.baseIndex < end; k++)
      t.true(world.answer(world.put(next, `k${k}`, "kept")).ok);
    if (world.raft(next).log.baseIndex === end && world.raft(old).log.lastIndex === end) reached += 1;
    world.heal();
    world.until("it holds the next one's log", () => world.raft(old).commit === world.raft(next).commit);
    t.is(world.valueAt(old, "lost 0"), null);
    world.judge();
  }
  t.true(reached > 0);
});

test("a write whose entry comes to its node inside a snapshot is answered, and has happened once", (t) => {
  const world = new Scenario(3, small);
  const leader = world.leader();
  const [asker] = world.others(leader) as [number];
  world.putNow("k", "before");
  world.drop((_from, to, message) => to === asker && message.kind === "append" && message.entries.length > 0);
  const write = world.put(asker, "k", "inside");
  world.until("the leader has it", () => world.valueAt(leader, "k") === "inside");
  for (let k = 0; k < 12; k++) world.putNow(`k${k}`, "more");
  t.is(write.outcome, null);
  const { baseIndex } = world.raft(leader).log;
  world.until("the snapshot is installed", () => world.raft(asker).log.baseIndex >= baseIndex);
  const outcome = world.answer(write);
  t.true(outcome.ok || !outcome.definite);
  world.drop(null);
  t.is(world.valueAt(asker, "k"), "inside");
  world.judge();
});

test("a snapshot that comes too late is let go, and the next one is installed", (t) => {
  const world = new Scenario(3, { ...small, snapshotChunkBytes: 65_536 });
  const leader = world.leader();
  const [laggard] = world.others(leader) as [number];
  const fallBehind = (): void => {
    world.isolate(laggard);
    for (let k = 0; k < 20; k++) world.putNow(`k${k % 7}`, `${k}`.repeat(20));
    world.heal();
  };
  world.hold((_from, to, { kind }) => to === laggard && kind === "snapshot-chunk");
  fallBehind();
  world.until("it is late", () => world.isHeld(isPiece));
  world.hold(null);
  world.until("it came once more", () => world.raft(laggard).commit === world.raft(leader).commit);
  const installed = world.raft(laggard).log.baseIndex;
  t.true(world.isHeld(isPiece));
  world.release();
  world.pass(0.1);
  t.is(world.raft(laggard).log.baseIndex, installed);
  fallBehind();
  world.until("it has a second one", () => world.raft(laggard).log.baseIndex > installed);
  world.judge();
});
