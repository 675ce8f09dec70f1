/** A directory that is put back as a whole from an older copy. */
import test from "ava";
import { Scenario } from "../../sim/scenario.ts";

// After one start the copy counts up to the same start as the others know, and differs by what it draws there.
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
