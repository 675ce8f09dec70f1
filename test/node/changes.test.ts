/** Changes of the membership that a node asks its leader for. */
import test from "ava";
import { PendingChanges } from "../../core/node/pending-changes.ts";
import type { Raft } from "../../core/raft/raft.ts";
import { configurationOf } from "../support/rafts.ts";

const electionMicros = 100;
const heartbeatMicros = 10;
const began = 1_000;

test("a node that stops asks no more for its new URL to be written down, and waits for no answer to that", (t) => {
  const configuration = configurationOf([1, 2, 3]);
  const ledByTwo = { leader: 2, role: "follower", term: 1, configuration } as Raft;
  for (const isStopping of [false, true]) {
    const changes = new PendingChanges(1, 1, "http://elsewhere", electionMicros, heartbeatMicros);
    const asked: number[] = [];
    const dispatch = (now: number): void => {
      const out = changes.dispatch(
        now,
        ledByTwo,
        () => false,
        () => asked.push(now) > 0,
      );
      t.deepEqual(out, []);
    };
    dispatch(began);
    t.deepEqual(asked, [began]);
    if (isStopping) changes.endAnnouncement();
    const deadline = began + 2 * electionMicros;
    changes.expire(deadline);
    dispatch(deadline);
    t.deepEqual(asked, isStopping ? [began] : [began, deadline]);
    t.is(changes.count, isStopping ? 0 : 1);
  }
});
