/** A member that has lost its log: who may say that nobody can give it back, and what its operator is told meanwhile. */
import test from "ava";
import { Scenario } from "../../sim/scenario.ts";

/** Founders 1 and 2 and node 3, which joins and votes; the founder that does not lead holds the joint entry and nothing after it. */
function withLaggingFounder(): { readonly world: Scenario; readonly leader: number; readonly lagging: number } {
  const world = new Scenario(2, { spares: 1 });
  const leader = world.leader();
  const lagging = 3 - leader;
  world.putNow("k", "v");
  world.changeNow({ kind: "add", id: 3, url: "http://node-3", autoPromote: true });
  world.join(3);
  world.until("the joint entry is held", () => world.raft(lagging).configuration.outgoing.length > 0);
  world.mute(leader, lagging);
  world.mute(3, lagging);
  const holds = (id: number): boolean => {
    const { voters, outgoing } = world.raft(id).committedConfiguration.configuration;
    return voters.length === 3 && outgoing.length === 0;
  };
  world.until("three vote, and 1 and 3 know", () => holds(leader) && holds(3));
  return { world, leader, lagging };
}

test("a member that lags does not end one whose log is lost and whom others can rebind", (t) => {
  const { world, leader } = withLaggingFounder();
  world.kill(leader);
  world.damageLog(leader);
  world.heal();
  world.start(leader);
  world.until("it takes part again", () => world.simulator.raftOf(leader) !== null);
  world.judge();
  t.is(world.valueAt(leader, "k"), "v");
});

test("of two voters the one that is whole says for good that the other's log is lost", (t) => {
  const world = new Scenario(2);
  world.putNow("k", "v");
  const lost = 3 - world.leader();
  world.kill(lost);
  world.damageLog(lost);
  const endings: string[] = [];
  world.simulator.bus.subscribe({ ended: (_host, { code }) => void endings.push(code) });
  world.start(lost);
  world.pass(3);
  t.deepEqual(endings, ["unrecoverable"]);
});

test("a member that waits in vain to be rebound says once a minute who answers what, and what to do", (t) => {
  const world = new Scenario(3);
  world.putNow("k", "v");
  const leader = world.leader();
  const [first, whole] = world.others(leader) as [number, number];
  const lost = [leader, first];
  for (const id of [1, 2, 3]) world.kill(id);
  for (const id of lost) world.damageLog(id);
  for (const id of [1, 2, 3]) world.start(id);
  const lines = (): string[] => {
    return world.simulator.hosts[leader - 1]!.notes.filter((note) => note.includes("nobody has rebound this node"));
  };
  world.pass(50);
  t.is(lines().length, 1);
  world.pass(60);
  t.is(lines().length, 2);
  for (const line of lines()) {
    t.true(line.includes(`node ${first} has lost its log too`), line);
    t.true(line.includes(`node ${whole} knows no leader`), line);
    t.regex(line, /start every other member; only where all run and none of them comes to lead, put back a copy of /);
  }
  for (const id of lost) t.is(world.node(id).readiness().ready, false);
  // The line says who is silent, too.
  world.kill(whole);
  world.pass(61);
  t.true(lines()[2]!.includes(`node ${whole} does not answer`), lines()[2]);
});

test("a member that is whole says why there is no leader while the others have lost their logs, and once only in its log", (t) => {
  const world = new Scenario(3);
  const leader = world.leader();
  const lost = world.others(leader) as [number, number];
  world.putNow("k", "v");
  for (const id of lost) world.kill(id);
  for (const id of lost) world.damageLog(id);
  for (const id of lost) world.start(id);
  const detail = (): string => {
    const readiness = world.node(leader).readiness();
    return readiness.ready ? "" : readiness.detail;
  };
  world.until("it says so", () => detail().includes(`nodes ${lost.join(", ")} have lost their logs`));
  world.pass(20);
  const told = world.simulator.hosts[leader - 1]!.notes.filter((note) => /there is no leader/.test(note));
  t.is(told.length, 1);
  world.isolate(leader);
  world.pass(6);
  t.is(detail(), "The node knows no leader.");
});
