/** A directory that is put back as a whole from an older copy. */
import test from "ava";
import type { Handshake } from "../../core/protocol/frame.ts";
import type { Envelope } from "../../core/protocol/message.ts";
import { Scenario } from "../../sim/scenario.ts";

/** The verdict of `at` on a copy of `of`'s directory that was started `more` times more often than `of`. */
function verdictOnLaterStart(world: Scenario, at: number, of: Handshake, more = 1_000): string {
  return world.node(at).checkHandshake({ ...of, to: at, boot: of.boot + more, nonce: 1, url: "" }).kind;
}

test("a later start of a member's directory is refused while the member runs, and no member loses anything", (t) => {
  const world = new Scenario(3, { streams: true });
  const leader = world.leader();
  const storeIds = [1, 2, 3].map((id) => world.status(id).storeId);
  const starts = [1, 2, 3].map((id) => world.node(id).handshake((id % 3) + 1)!);
  world.pass(1);
  const { term } = world.status(leader);
  for (let round = 0; round < 30; round++) {
    for (const at of [1, 2, 3]) {
      for (const of of starts) if (of.node !== at) t.is(verdictOnLaterStart(world, at, of), "refused");
    }
    world.pass(0.3);
  }
  world.putNow("k", "v");
  t.is(world.status(world.leader()).term, term);
  t.deepEqual(
    [1, 2, 3].map((id) => world.status(id).storeId),
    storeIds,
  );
  for (const id of [1, 2, 3]) {
    const told = world.simulator.hosts[id - 1]!.notes.filter((note) =>
      /the directory of node \d runs twice/.test(note),
    );
    t.is(told.length, 2, "one line a minute for each of the two others");
  }
  world.judge();
});

test("a later start counts once nobody answers where the member was, and the member comes back all the same", (t) => {
  const world = new Scenario(3, { streams: true });
  const leader = world.leader();
  const [id] = world.others(leader) as [number];
  const start = world.node(id).handshake(leader)!;
  world.pass(1);
  const { storeId } = world.status(id);
  world.kill(id);
  world.pass(0.1);
  t.is(verdictOnLaterStart(world, leader, start), "refused");
  world.pass(0.5);
  t.is(verdictOnLaterStart(world, leader, start), "refused");
  world.pass(1);
  t.is(verdictOnLaterStart(world, leader, start), "member");
  const { cluster, incarnation } = world.status(leader);
  const said = {
    from: id,
    fromIncarnation: incarnation,
    fromBoot: start.boot + 1_000,
    to: leader,
    toIncarnation: incarnation,
  };
  world.node(leader).receive({ cluster, ...said, message: { kind: "timeout-now", term: 0 } }, () => undefined);
  // The copy never listened where the member is dialled: the member is heard again, and keeps its log.
  world.start(id);
  world.putNow("k", "v");
  world.until("it has all", () => world.simulator.raftOf(id)?.log.lastIndex === world.raft(leader).log.lastIndex);
  t.is(world.status(id).storeId, storeId);
  world.judge();
});

test("a directory is not rebound while it is in use: whoever has lost its log has a copy of it", (t) => {
  const world = new Scenario(3, { streams: true });
  const leader = world.leader();
  world.putNow("k", "v");
  const [id] = world.others(leader) as [number];
  const { cluster, storeId: lost } = world.status(id);
  const { configuration } = world.raft(leader);
  const asked = { from: id, fromIncarnation: 0, fromBoot: 1, to: leader, toIncarnation: 0 };
  const message = { kind: "join-request", storeId: "a".repeat(32), incarnation: 0, lost } as const;
  const isToldToWait = (answer: Envelope): void => {
    t.is(answer.message.kind, "rebind-pending");
  };
  world.node(leader).receive({ cluster, ...asked, message }, isToldToWait);
  world.pass(2);
  world.node(leader).receive({ cluster, ...asked, message }, isToldToWait);
  world.pass(2);
  t.deepEqual(world.raft(leader).configuration, configuration);
  world.judge();
});

test("a member that is told of a later start of its directory ends, and its log stays", (t) => {
  const world = new Scenario(3, { streams: true });
  const leader = world.leader();
  const [id] = world.others(leader) as [number];
  world.putNow("k", "v");
  const { directory } = world.simulator.hosts[id - 1]!;
  const { storeId } = world.status(id);
  // The model has no copy that runs elsewhere, so that a law fails here.
  t.throws(() => world.node(id).onVerdict("outdated-copy", leader), {
    message: new RegExp(
      `node ${leader} takes a later start of .*, or of a copy of it, for node ${id}; nothing was changed`,
    ),
  });
  t.is(directory.storeId, storeId);
  t.is(directory.identity?.lost, null);
});

// One start later the copy has the boot counter that the others know, and differs only in its nonce.
for (const startsSince of [1, 2]) {
  test(`a directory put back from a copy, ${startsSince} starts older: the node ends to restart, and is rebound`, (t) => {
    const world = new Scenario(3, { streams: true, engines: "memory" });
    const leader = world.leader();
    const [id] = world.others(leader) as [number];
    world.putNow("k", "old");
    world.pass(1);
    world.kill(id);
    const { directory } = world.simulator.hosts[id - 1]!;
    const { storeId } = directory;
    const copy = directory.copy();
    for (let k = 0; k < startsSince; k++) {
      world.start(id);
      world.putNow("k", `new ${k}`);
      world.pass(2);
      world.kill(id);
    }
    world.putBack(id, copy);
    world.start(id);
    const host = world.simulator.hosts[id - 1]!;
    world.until("it is rebound", () => host.node?.replica != null && directory.storeId !== storeId);
    t.false(directory.isOlderCopy);
    world.putNow("k", "newest");
    world.pass(5);
    t.is(world.raft(id).log.lastIndex, world.raft(world.leader()).log.lastIndex);
    world.judge();
  });
}

test("of two voters the one whose directory is an older copy ends, however long the other has had no leader", (t) => {
  const world = new Scenario(2, { streams: true, engines: "memory" });
  const leader = world.leader();
  const [id] = world.others(leader) as [number];
  world.putNow("k", "old");
  world.pass(1);
  world.kill(id);
  const host = world.simulator.hosts[id - 1]!;
  const copy = host.directory.copy();
  world.start(id);
  world.putNow("k", "new");
  world.pass(2);
  world.kill(id);
  world.putBack(id, copy);
  world.pass(10);
  t.is(world.status(leader).leader, 0);
  const { boot } = host.directory.identity!;
  world.start(id);
  world.until("it has ended", () => host.state.kind === "lost");
  t.is(host.directory.identity?.boot, boot, "started again and again, it stays an older copy");
});
