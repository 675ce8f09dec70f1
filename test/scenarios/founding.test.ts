/** How founders come to one cluster, though some are late, cut off or replaced meanwhile. */
import test from "ava";
import { Scenario } from "../../sim/scenario.ts";

/** The machine of `id` gets an empty disk, and is started as before. */
function replaceDisk(world: Scenario, id: number): void {
  const host = world.simulator.hosts[id - 1]!;
  world.kill(id);
  host.devices.replace();
  host.directory.wipe();
  world.simulator.ghost.wiped(id);
  world.start(id);
}

test("a founder that remembers what the others were before founds no second cluster with a replaced one", (t) => {
  const world = new Scenario(3);
  const clusters = new Set<string>();
  world.simulator.bus.subscribe({ recovered: ({ node }) => void clusters.add(node!.replica!.genesis.cluster) });
  // Node 2 has seen both others, and neither of them has seen it.
  world.drop((from, _to, { kind }) => from === 2 && kind === "bootstrap-reply");
  world.pass(1);
  world.drop((from, to) => from === 3 || to === 3);
  world.pass(5);
  t.is(clusters.size, 0, "nobody founds before all have seen all");
  replaceDisk(world, 2);
  world.drop((from, to) => from === 1 || to === 1);
  world.pass(5);
  world.drop(null);
  world.leader();
  world.pass(2);
  t.is(clusters.size, 1);
  for (const id of [1, 2, 3]) t.not(world.raft(id).leader, 0, "the replaced founder takes part too");
});

test("a founder that was cut off takes part in the cluster that the others have founded", (t) => {
  const world = new Scenario(3);
  world.until("two take part", () => [1, 2, 3].filter((id) => world.simulator.raftOf(id) !== null).length >= 1);
  const [first] = [1, 2, 3].filter((id) => world.simulator.raftOf(id) !== null);
  const others = [1, 2, 3].filter((id) => id !== first);
  world.cut(others[0]!, others[1]!);
  world.cut(first!, others[1]!, 5);
  world.putNow("k", "v");
  world.until("all take part", () => others.every((id) => world.simulator.raftOf(id) !== null), 20);
  world.judge();
  t.is(world.valueAt(others[1]!, "k"), "v");
});
