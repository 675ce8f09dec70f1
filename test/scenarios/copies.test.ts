/** A directory that is put back as a whole from an older copy. */
import test from "ava";
import { Scenario } from "../../sim/scenario.ts";

test("a directory put back from an older copy: the others know a later start, the node ends to restart, and is rebound", (t) => {
  const world = new Scenario(3, { streams: true, engines: "memory" });
  const leader = world.leader();
  const [id] = world.others(leader) as [number];
  world.putNow("k", "old");
  world.pass(1);
  world.kill(id);
  const host = world.simulator.hosts[id - 1]!;
  const copy = host.directory.copy();
  const storeId = host.directory.storeId;
  world.start(id);
  world.putNow("k", "new");
  world.pass(2);
  world.kill(id);
  world.putBack(id, copy);
  world.start(id);
  // It has ended by itself, is started again, and takes part under a new store id.
  world.until("it is rebound", () => host.node?.running != null && host.directory.storeId !== storeId);
  t.false(host.directory.isOlderCopy);
  world.putNow("k", "newest");
  world.pass(5);
  t.is(world.raft(id).log.lastIndex, world.raft(world.leader()).log.lastIndex);
  world.judge();
});
