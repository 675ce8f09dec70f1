/** What is written, acknowledged, lost and found again. */
import test from "ava";
import { always } from "../../core/kv/command.ts";
import { noSession } from "../../core/node/options.ts";
import { Scenario } from "../../sim/scenario.ts";

test("figure 7: followers that lack entries, have others, or both, come to hold the leader's log", (t) => {
  const world = new Scenario(5);
  const first = world.leader();
  world.putNow("k", "shared");
  world.pass(1);
  // Two terms in which a leader alone gathers entries that nobody else has.
  for (let k = 0; k < 2; k++) {
    const leader = world.leader();
    world.isolate(leader);
    for (let entry = 0; entry < 5; entry++) world.put(leader, "k", `lost ${k} ${entry}`);
    world.pass(0.1);
    world.kill(leader);
    world.heal();
    world.leader(leader);
    world.putNow("k", `kept ${k}`);
    world.start(leader);
    if (k === 0) world.isolate(leader);
  }
  world.heal();
  world.pass(5);
  const leader = world.leader();
  const logs = [1, 2, 3, 4, 5].map((id) => world.raft(id).log);
  for (const log of logs) t.is(log.lastIndex, world.raft(leader).log.lastIndex);
  for (let index = 1; index <= world.raft(leader).log.lastIndex; index++)
    t.is(new Set(logs.map((log) => log.termAt(index))).size, 1);
  t.true([1, 2, 3, 4, 5].includes(first));
  world.judge();
});

test("figure 8: an entry of an older term on a majority is not committed by counting, and may still go", (t) => {
  const world = new Scenario(5, { entriesPerAppendMax: 1 });
  const s1 = world.leader();
  const [s2, s3, s4, s5] = world.others(s1) as [number, number, number, number];
  world.pass(1);
  // (a) s1 brings an entry to s2 alone.
  const term = world.raft(s1).term;
  for (const other of [s3, s4, s5]) world.cut(s1, other);
  const doomed = world.put(s1, "k", "older");
  const index = world.raft(s1).log.lastIndex + 1;
  world.until("s2 holds it", () => world.raft(s2).log.durableIndex === index);
  world.kill(s1);
  world.kill(s2);
  world.heal();
  // (b) Another node is elected without that entry, and nobody gets what it appends.
  world.drop((_from, _to, message) => message.kind === "append" && message.entries.length > 0);
  world.until("s5 leads", () => [s3, s4, s5].some((id) => world.isLeader(id)));
  const leader5 = [s3, s4, s5].find((id) => world.isLeader(id))!;
  const term5 = world.raft(leader5).term;
  world.kill(leader5);
  // (c) s1 or s2 leads again and brings the older entry to a majority, but no entry of its own term.
  world.drop((_from, to, message) => {
    const isNewer = message.kind === "append" && message.entries.some((entry) => entry.term > term);
    return isNewer && (world.simulator.raftOf(to)?.log.lastIndex ?? 0) >= message.prevIndex;
  });
  world.start(s1);
  world.start(s2);
  const holders = (): number[] =>
    [s1, s2, s3, s4, s5].filter((id) => {
      const log = world.simulator.raftOf(id)?.log;
      return log !== undefined && log.durableIndex >= index && log.termAt(index) === term;
    });
  world.until("a majority holds it", () => holders().length >= 3, 60);
  for (const id of holders()) t.true(world.raft(id).commit < index);
  // (d) The leader of (b) is back: its entry is of a later term than all that the others hold.
  for (const id of [s1, s2]) world.kill(id);
  world.start(leader5);
  world.heal();
  const next = world.leader();
  if (next === leader5) t.is(world.raft(next).log.termAt(index), term5);
  world.judge();
  t.not(doomed.outcome?.ok, true);
});

test("the leader loses power between append and fsync: the write is lost or there, and nobody was told that it is", (t) => {
  for (const keepsOthers of [true, false]) {
    const world = new Scenario(3);
    const leader = world.leader();
    if (!keepsOthers) for (const other of world.others(leader)) world.mute(leader, other);
    const asked = world.put(leader, "k", "v");
    world.until("it is written and not synced", () => {
      const { log } = world.raft(leader);
      return log.lastIndex > log.durableIndex && log.lastIndex > 1;
    });
    world.cutPower(leader);
    t.is(asked.outcome, null);
    world.start(leader);
    world.judge();
  }
});

test("cut off right after the commit index moved: what was acknowledged is there under the next leader", (t) => {
  const world = new Scenario(5);
  const leader = world.leader();
  const before = world.raft(leader).commit;
  const asked = world.put(leader, "k", "v");
  world.until("the commit index moves", () => world.raft(leader).commit > before);
  world.isolate(leader);
  world.until("the client has its answer", () => asked.outcome !== null);
  const next = world.leader(leader);
  t.is(world.valueAt(next, "k"), "v");
  world.judge();
});

test("a failed fsync ends the node at once; the others go on, and it is back after a restart", (t) => {
  const world = new Scenario(3);
  const leader = world.leader();
  world.failNextSync(leader);
  world.put(leader, "k", "maybe");
  world.until("it has ended", () => world.simulator.hosts[leader - 1]!.node === null);
  world.leader(leader);
  world.putNow("k", "v");
  world.judge();
  t.true(world.simulator.raftOf(leader) !== null);
});

test("a power cut tears what was not synced: the log that is left is what was durable, or a little more", (t) => {
  const world = new Scenario(3);
  const leader = world.leader();
  const [a] = world.others(leader) as [number];
  for (let k = 0; k < 10; k++) {
    world.stallDisk(a, 5);
    for (let entry = 0; entry < 5; entry++) world.putNow(`k${entry}`, `${k}`.repeat(700));
    world.cutPower(a);
    world.start(a);
    world.until("it is back", () => world.simulator.raftOf(a) !== null);
  }
  t.notThrows(() => world.judge());
});

test("appends that were held arrive after newer ones, and take nothing away", (t) => {
  const world = new Scenario(3);
  const leader = world.leader();
  const [a] = world.others(leader) as [number];
  world.clog(leader, a, 1);
  for (let k = 0; k < 5; k++) world.putNow("k", `held ${k}`);
  world.pass(0.5);
  world.simulator.network.unblock();
  world.putNow("k", "newer");
  world.until("it has them all", () => world.raft(a).log.lastIndex === world.raft(leader).log.lastIndex);
  const { lastIndex } = world.raft(a).log;
  world.pass(2);
  t.true(world.raft(a).log.lastIndex >= lastIndex);
  world.judge();
});

test("a write that was certainly refused is never seen", (t) => {
  const world = new Scenario(3);
  const leader = world.leader();
  const [a] = world.others(leader) as [number];
  world.isolate(a);
  world.pass(5);
  const asked = world.put(a, "k", "never");
  const outcome = world.answer(asked);
  t.true(!outcome.ok && outcome.definite);
  world.heal();
  world.pass(3);
  t.is(world.valueAt(world.leader(), "k"), null);
  world.judge();
});

test("asked again in a session after the leader is gone, a write is answered as the first time", (t) => {
  const world = new Scenario(3);
  const leader = world.leader();
  const opened = world.answer(world.write(leader, { op: "open-session" }, noSession));
  const session = opened.ok && opened.value.code === "done" ? opened.value.revision : 0;
  const first = world.put(leader, "k", "once", { session, sequence: 1 });
  world.until(
    "it is committed",
    () => world.raft(leader).commit === world.raft(leader).log.lastIndex && world.raft(leader).commit > 2,
  );
  world.kill(leader);
  const next = world.leader(leader);
  t.true(world.answer(world.put(next, "k", "other", noSession)).ok);
  const again = world.answer(
    world.write(next, { op: "put", key: "k", value: "once", condition: always }, { session, sequence: 1 }),
  );
  t.true(again.ok);
  t.is(world.valueAt(next, "k"), "other");
  t.not(first, null);
  world.judge();
});

test("a follower whose log rots below what was synced is rebound, and nothing that it acknowledged is counted on", (t) => {
  const world = new Scenario(3, { walSegmentBytesMax: 600 });
  const leader = world.leader();
  const [a] = world.others(leader) as [number];
  for (let k = 0; k < 20; k++) world.putNow("k", `${k}`.repeat(40));
  world.kill(a);
  world.damageLog(a);
  world.start(a);
  world.until("it is rebound", () => (world.simulator.hosts[a - 1]!.node?.status().incarnation ?? 0) > 1);
  world.putNow("k", "after");
  world.judge();
  t.is(world.valueAt(a, "k"), "after");
});

test("every node is killed in turn, again and again, while writes go on", (t) => {
  const world = new Scenario(5);
  world.leader();
  for (let k = 0; k < 25; k++) {
    const id = 1 + (k % 5);
    world.kill(id);
    world.putNow("k", `${k}`);
    world.start(id);
    world.pass(0.3);
  }
  t.is(world.valueAt(world.leader(), "k"), "24");
  world.judge();
});

test("an acknowledgement that is still on its way when its sender's log rots is not counted for what the sender becomes", (t) => {
  const world = new Scenario(3, { walSegmentBytesMax: 600 });
  const leader = world.leader();
  const [a, b] = world.others(leader) as [number, number];
  for (let k = 0; k < 20; k++) world.putNow("k", `${k}`.repeat(40));
  world.pass(1);
  const commit = world.raft(leader).commit;
  // One entry reaches `a` alone, and the acknowledgement of `a` comes late.
  world.drop((_from, to, message) => to === b && message.kind === "append" && message.entries.length > 0);
  world.clog(a, leader, 0.6);
  const asked = world.put(leader, "k", "doomed");
  world.until("it holds the entry", () => world.raft(a).log.durableIndex === commit + 1);
  world.pass(0.01);
  world.kill(a);
  world.damageLog(a);
  world.simulator.network.unblock();
  world.start(a);
  world.until("it is to be rebound", () => world.raft(leader).log.lastIndex === commit + 2);
  world.pass(5);
  t.is(asked.outcome?.ok ?? false, false);
  t.is(world.raft(leader).commit, commit);
  world.judge();
});

test("what was acknowledged to one leader does not go out together with the entries of the next one that replace it", (t) => {
  const world = new Scenario(5);
  const first = world.leader();
  const [a, second] = world.others(first) as [number, number];
  const mayCampaign = (id: number): void => {
    world.drop((from, to, message) => {
      if (message.kind === "append") return message.entries.length > 0 && to !== a;
      return message.kind.includes("vote") && !message.kind.includes("reply") && from !== id;
    });
  };
  world.pass(1);
  // An entry of the first leader reaches `a` alone; then a second entry does, which waits for the disk.
  mayCampaign(first);
  world.put(first, "k", "replaced");
  world.until("it holds the entry", () => {
    return world.raft(a).log.durableIndex === world.raft(first).log.lastIndex && world.raft(a).log.lastIndex > 1;
  });
  world.stallDisk(a, 5);
  world.put(first, "k", "replaced, too");
  world.until("it has another one", () => world.raft(a).log.lastIndex > world.raft(a).log.durableIndex);
  // The first leader leads again, while `a` holds its answers back; then the second leader leads.
  const { term } = world.raft(first);
  world.kill(first);
  world.start(first);
  world.until("the first one leads again", () => world.isLeader(first));
  world.until("it is heard", () => world.raft(a).term > term);
  world.pass(0.2);
  world.pause(first);
  mayCampaign(second);
  world.until("the second one leads", () => world.isLeader(second), 60);
  const { log } = world.raft(a);
  world.until("its entry is there", () => log.termAt(log.lastIndex) === world.raft(second).term);
  t.true(log.durableIndex < log.lastIndex);
  world.until("the disk goes on", () => log.durableIndex === log.lastIndex);
  world.pass(1);
  world.judge();
});

test("a leader whose disk stalls refuses writes once too much is not durable there, though the others commit it", (t) => {
  const world = new Scenario(3, { uncommittedBytesMax: 500 });
  const leader = world.leader();
  world.putNow("k", "before");
  world.pass(1);
  world.stallDisk(leader, 3);
  const asked = Array.from({ length: 10 }, (_, k) => {
    const one = world.put(leader, "k", `${k}`.repeat(200));
    world.pass(0.1);
    return one;
  });
  const { log } = world.raft(leader);
  let bytes = 0;
  for (let index = log.durableIndex + 1; index <= log.lastIndex; index++) bytes += log.entryAt(index).bytes.length;
  t.true(bytes > 0 && bytes <= 500, `${bytes} bytes are not durable at the leader`);
  t.true(asked.some(({ outcome }) => outcome?.ok === true));
  world.judge();
});
