/** A cluster that has lived for long: all of its numbers are large, and none loses a bit on any way. */
import test from "ava";
import { Scenario } from "../../sim/scenario.ts";

const second = 1_000_000;

for (const [name, number] of [
  ["2^31", 2 ** 31],
  ["2^32", 2 ** 32],
  ["a power of ten", 10 ** 10],
  ["2^53, less what a run takes", 2 ** 53 - 2 ** 24],
] as const) {
  for (const engines of ["memory", "rocksdb"] as const) {
    test(`${engines}: terms, indexes and boots cross ${name} through elections, power cuts, snapshots and a new member`, (t) => {
      const origin = {
        index: number - 5,
        term: number - 1,
        boot: number - 1,
        clusterMicros: Math.min(number, 2 ** 53 - 2 ** 40),
        clockMicros: Math.min(number, 2 ** 53 - 2 ** 40),
        sequence: number - 2,
        segment: Math.min(number, 2 ** 40) - 2,
        position: Math.min(number, 2 ** 50) - 500,
      };
      const world = new Scenario(3, {
        origin,
        engines,
        snapshotEntries: 8,
        trailingEntries: 2,
        walSegmentBytesMax: 600,
        spares: 1,
      });
      const first = world.leader();
      t.true(world.raft(first).term > origin.term);
      for (let k = 0; k < 10; k++) world.putNow(`k${k}`, `v${k}`);
      for (const id of [1, 2, 3]) {
        world.cutPower(id);
        world.pass(2);
        world.start(id);
        world.putNow("k", `after n${id}`);
        world.pass(1);
      }
      world.addNow(4);
      t.true(world.raft(4).configuration.members.find(({ id }) => id === 4)!.incarnation > number);
      t.is(world.valueAt(4, "k3"), "v3");
      t.true(world.simulator.ghost.committed.last > number);
      t.true(world.simulator.scheduler.now > second);
      world.judge();
    });
  }
}
