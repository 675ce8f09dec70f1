/** The queue of pending writes holds nothing of a write that has ended, however long there is no leader. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import test from "ava";
import type { NodeContext } from "../../core/node/context.ts";
import { noSession, type WriteOutcome } from "../../core/node/options.ts";
import { PendingWrites } from "../../core/node/pending-writes.ts";
import type { Outgoing } from "../../core/protocol/message.ts";
import type { Raft } from "../../core/raft/raft.ts";
import { always, type Command } from "../../core/kv/command.ts";
import { contextOf } from "../support/node-context.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const put: Command = { op: "put", key: "k", value: "v", condition: always };
const noLeader = { leader: 0, role: "follower", term: 1 } as Raft;
const ledByTwo = { leader: 2, role: "follower", term: 1 } as Raft;

function writesOfNodeOne(send: NodeContext["send"] = () => true): PendingWrites {
  return new PendingWrites(contextOf(1, { send, options: { heartbeatMicros: 40 } }));
}

/** Adds a write whose outcome nobody holds but the queue, and says whether the queue still holds it. */
function addWatched(
  writes: PendingWrites,
  deadline: number,
): { readonly handle: number; readonly isHeld: () => boolean } {
  const done = ({ ok }: WriteOutcome): void => void writes.cancel(ok ? 0 : -1);
  const held = new WeakRef(done);
  return { handle: writes.add(put, noSession, deadline, done), isHeld: () => held.deref() !== undefined };
}

/** A WeakRef holds its target until the turn is over. */
async function endTurnAndCollect(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
}

test("a write that has failed without a leader is held no more", async (t) => {
  const writes = writesOfNodeOne();
  const failed = addWatched(writes, 100);
  const waiting = addWatched(writes, 300);
  writes.dispatch(50, noLeader);
  writes.expire(200);
  await endTurnAndCollect();
  t.false(failed.isHeld());
  t.true(waiting.isHeld());
  t.is(writes.count, 1);
});

test("a write whose client has gone is held no more, without a leader too", async (t) => {
  const writes = writesOfNodeOne();
  const { handle, isHeld } = addWatched(writes, 100);
  writes.cancel(handle);
  await endTurnAndCollect();
  t.false(isHeld());
  t.is(writes.count, 0);
});

test("a write whose client goes while it is under way is not sent once more when it is refused", (t) => {
  const sent: Outgoing[] = [];
  const outcomes: WriteOutcome[] = [];
  const writes = writesOfNodeOne((outgoing) => sent.push(outgoing) > 0);
  const [gone] = ["gone", "waits"].map((key) =>
    writes.add({ ...put, key }, noSession, 100, (outcome) => void outcomes.push(outcome)),
  );
  writes.dispatch(1, ledByTwo);
  writes.cancel(gone!);
  writes.onRefused(2, { kind: "forward-refused", term: 1, incarnation: 0, boot: 1, firstSeq: 1, count: 2 });
  writes.dispatch(20, ledByTwo);
  t.is(sent.length, 2);
  const again = sent[1]!.message;
  t.is(again.kind === "forward" ? again.proposals.length : 0, 1);
  writes.expire(200);
  t.is(outcomes.length, 1);
});

test("a member that is removed says of a forwarded write that it never happens only where it has applied all before", (t) => {
  for (const isApplied of [true, false]) {
    const writes = writesOfNodeOne();
    const outcomes: WriteOutcome[] = [];
    writes.add(put, noSession, 100, (outcome) => outcomes.push(outcome));
    writes.dispatch(0, ledByTwo);
    writes.add(put, noSession, 100, (outcome) => outcomes.push(outcome));
    writes.endRemoved(isApplied);
    t.deepEqual(outcomes, [
      { ok: false, code: "stopping", definite: isApplied },
      { ok: false, code: "stopping", definite: true },
    ]);
  }
});
