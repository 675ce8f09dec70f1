/** Ids begin again at each boot: a late request or answer of an earlier boot meets the same ids in the next boot. */
import test from "ava";
import type { Message } from "../../core/protocol/message.ts";
import { Scenario } from "../../sim/scenario.ts";

/** Three nodes; the last boot of `asker`, which follows `leader`, has asked for nothing yet. */
function freshFollower(): { readonly world: Scenario; readonly leader: number; readonly asker: number } {
  const world = new Scenario(3, { spares: 1 });
  const leader = world.leader();
  const [asker] = world.others(leader) as [number];
  world.putNow("k", "old");
  restart(world, asker);
  world.until("it follows", () => world.raft(asker).leader === leader);
  return { world, leader, asker };
}

function restart(world: Scenario, id: number): void {
  world.kill(id);
  world.start(id);
  world.until("it takes part", () => world.simulator.raftOf(id) !== null);
}

test("the leader's answer to a read of an earlier boot says nothing of a read of this boot", (t) => {
  const { world, leader, asker } = freshFollower();
  const isReply = (_from: number, to: number, { kind }: Message): boolean => kind === "read-reply" && to === asker;
  world.hold(isReply);
  world.get(asker, "k");
  world.until("the answer is late", () => world.isHeld(isReply));
  restart(world, asker);
  world.until("it follows again", () => world.raft(asker).leader === leader);
  // The asker does not get the next write, and its read must not be answered before it does.
  world.drop((_from, to, { kind }) => to === asker && kind === "append");
  t.true(world.answer(world.put(leader, "k", "new")).ok);
  const read = world.get(asker, "k");
  world.pass(0.1);
  let first = true;
  world.release((...message) => {
    const isEarlier = first && isReply(...message);
    first &&= !isEarlier;
    return isEarlier;
  });
  world.pass(0.1);
  t.is(read.outcome, null);
  world.drop(null);
  world.hold(null);
  world.release();
  const outcome = world.answer(read);
  t.is(outcome.ok ? outcome.value.row?.value : null, "new");
  world.judge();
});

test("the leader's answer to a change of an earlier boot is none to a change of this boot", (t) => {
  const { world, leader, asker } = freshFollower();
  const isReply = (_from: number, to: number, { kind }: Message): boolean => kind === "change-reply" && to === asker;
  world.hold(isReply);
  world.change(asker, { kind: "add", id: 4, url: "http://node-4", autoPromote: false });
  world.until("the answer is late", () => world.isHeld(isReply));
  restart(world, asker);
  world.until("it follows again", () => world.raft(asker).leader === leader);
  const asked = world.change(asker, { kind: "promote", id: 9 });
  world.pass(0.01);
  world.hold(null);
  world.release();
  t.like(world.answer(asked), { ok: false, code: "unknown-member" });
  world.judge();
});
