/** One test for each rule of Ongaro's thesis on handing over (3.10) and on changes of the configuration (4), by its section. */
import test from "ava";
import { AssertionError } from "../../core/assert.ts";
import { BadBytes } from "../../core/bytes.ts";
import { RaftLog } from "../../core/raft/log.ts";
import { enterJoint, leaveJoint } from "../../core/raft/membership.ts";
import type { Configuration } from "../../core/protocol/configuration.ts";
import {
  configurationProposal,
  decodeConfiguration,
  encodeConfiguration,
} from "../../core/protocol/configuration-codec.ts";
import type { Entry } from "../../core/protocol/entry.ts";
import { makeEntry } from "../../core/protocol/entry-codec.ts";
import { configurationOf, electionMicros, heartbeatMicros, Rafts } from "../support/rafts.ts";

const three = configurationOf([1, 2, 3]);

test("T 3.10: leadership goes to one that holds everything, at once, and nothing is taken meanwhile", (t) => {
  const rafts = new Rafts(three);
  rafts.elect(1);
  t.true(rafts.of(1).transfer(rafts.now, 3));
  t.false(rafts.propose(1, 1));
  rafts.flush(1);
  rafts.settle();
  t.deepEqual([rafts.of(3).role, rafts.of(1).role], ["leader", "follower"]);
});

test("T 3.10: a transfer that does not come to its end in an election timeout is given up", (t) => {
  const rafts = new Rafts(three);
  rafts.elect(1);
  rafts.of(1).transfer(rafts.now, 3);
  for (let k = 0; k < 11; k++) {
    rafts.pass(heartbeatMicros, [1]);
    rafts.settle([3]);
  }
  t.true(rafts.propose(1, 1));
});

test("T 3.10: a second transfer to the same node does not give it another election timeout, one to another node does", (t) => {
  for (const [second, mayPropose] of [
    [3, true],
    [2, false],
  ] as const) {
    const rafts = new Rafts(three);
    rafts.elect(1);
    // Node 3 is cut off and lacks the command, and so is not told to take over.
    rafts.propose(1, 1);
    rafts.settle([2, 3]);
    t.true(rafts.of(1).transfer(rafts.now, 3));
    rafts.pass(electionMicros - heartbeatMicros, [1]);
    rafts.letters = [];
    t.true(rafts.of(1).transfer(rafts.now, second));
    t.is(rafts.of(1).transferee, second);
    rafts.now += heartbeatMicros;
    rafts.flush(1);
    t.is(rafts.propose(1, 2), mayPropose);
  }
});

test("T 4.1: a configuration is in force when it is appended, and falls back when it is truncated", (t) => {
  const rafts = new Rafts(three);
  rafts.elect(1);
  t.is(rafts.of(1).proposeConfiguration(rafts.now, enterJoint(three, [1, 2])), null);
  t.deepEqual(rafts.of(1).configuration.voters, [1, 2]);
  rafts.letters = [];
  rafts.elect(2, [1]);
  rafts.pass(heartbeatMicros, [2]);
  rafts.settle();
  t.deepEqual(rafts.of(1).configuration.voters, [1, 2, 3]);
});

test("T 4.1: one change at a time, and none before an entry of the leader's own term is committed", (t) => {
  const rafts = new Rafts(three);
  rafts.pass(2 * electionMicros + 1, [1]);
  while (rafts.of(1).role !== "leader") {
    rafts.deliver();
    for (const id of [1, 2, 3]) rafts.sync(id);
  }
  t.is(rafts.of(1).proposeConfiguration(rafts.now, enterJoint(three, [1, 2])), "no-commit-yet");
  rafts.settle();
  t.is(rafts.of(1).proposeConfiguration(rafts.now, enterJoint(three, [1, 2])), null);
  t.is(rafts.of(1).proposeConfiguration(rafts.now, leaveJoint(enterJoint(three, [1, 3]))), "change-in-flight");
});

test("T 4.3: Raft itself refuses a configuration without voters, and a change of voters that is not joint", (t) => {
  const rafts = new Rafts(configurationOf([1, 2, 3], [4]));
  rafts.elect(1);
  const { configuration, log } = rafts.of(1);
  const last = log.lastIndex;
  for (const [next, problem] of [
    [{ ...configuration, voters: [] }, "no-voters"],
    [{ ...configuration, voters: [], outgoing: [1, 2, 3] }, "no-voters"],
    [{ ...configuration, voters: [1, 2] }, "not-joint"],
    [{ ...configuration, voters: [1, 2, 3, 4], learners: [] }, "not-joint"],
    [{ ...configuration, voters: [1, 2, 4], outgoing: [1, 2], learners: [] }, "not-joint"],
  ] as const) {
    t.is(rafts.of(1).proposeConfiguration(rafts.now, next), problem);
    t.is(log.lastIndex, last);
  }
  t.is(rafts.of(1).proposeConfiguration(rafts.now, { ...configuration, learners: [4] }), null);
});

function firstEntry(next: Configuration): Entry {
  return makeEntry(1, 1, 0, configurationProposal(next));
}

test("T 4.3: no log takes a configuration that may not follow: from a disk it is no log, from a leader it stops the node", (t) => {
  const place = { index: 0, term: 0, clusterMicros: 0 };
  const base = { place, configuration: { index: 0, configuration: three } };
  const oneStep = firstEntry({ ...three, voters: [1, 2] });
  t.throws(() => new RaftLog(base, [oneStep]), { instanceOf: BadBytes, message: /entry 1 .*not-joint/ });
  t.notThrows(() => new RaftLog(base, [firstEntry(enterJoint(three, [1, 2]))]));
  const append = { kind: "append", term: 1, prevIndex: 0, prevTerm: 0, commit: 0, round: 0, stream: 1 } as const;
  const rafts = new Rafts(three);
  const take = (): void => rafts.of(2).receive(rafts.now, 1, { ...append, entries: [oneStep] });
  t.throws(take, { instanceOf: AssertionError, message: /joint/ });
  t.is(rafts.of(2).log.lastIndex, 0);
  // Without voters it is no configuration at all, from whatever bytes.
  const none = encodeConfiguration({ ...three, voters: [] });
  t.throws(() => decodeConfiguration(none), { instanceOf: BadBytes });
});

test("T 4.2.1: a learner is sent everything and counts for nothing", (t) => {
  const rafts = new Rafts(configurationOf([1, 2], [3]));
  rafts.elect(1);
  rafts.pass(heartbeatMicros, [1]);
  rafts.settle([2]);
  const { commit } = rafts.of(1);
  rafts.propose(1, 1);
  rafts.settle([2]);
  t.is(rafts.of(3).log.lastIndex, rafts.of(1).log.lastIndex);
  t.is(rafts.of(1).commit, commit);
});

test("T 4.2.2: a leader that is being removed manages the change, does not count itself, and steps down when it is committed", (t) => {
  const rafts = new Rafts(three);
  rafts.elect(1);
  rafts.of(1).proposeConfiguration(rafts.now, enterJoint(three, [2, 3]));
  rafts.flush(1);
  rafts.settle();
  t.not(rafts.of(1).role, "leader");
  t.deepEqual(rafts.of(2).configuration.voters, [2, 3]);
  t.deepEqual(rafts.of(2).configuration.outgoing, []);
});

test("T 4.2.3 and 6.2: whoever has heard a leader within an election timeout elects nobody", (t) => {
  const rafts = new Rafts(three);
  rafts.elect(1);
  const { term } = rafts.of(2);
  const ask = { kind: "vote" as const, term: term + 1, lastIndex: 9, lastTerm: term, transfer: false };
  rafts.of(2).receive(rafts.now, 3, ask);
  rafts.sync(2);
  t.deepEqual([rafts.of(2).term, rafts.letters.length], [term, 0]);
  // It votes for a candidate that the leader itself told to campaign.
  rafts.of(2).receive(rafts.now, 3, { ...ask, transfer: true });
  rafts.sync(2);
  t.like(rafts.letters[0]!.message, { kind: "vote-reply", granted: true });
});

test("T 4.3: while a configuration is joint, a majority of each half decides", (t) => {
  const rafts = new Rafts(configurationOf([1, 2, 3], [4, 5]));
  rafts.elect(1);
  rafts.pass(heartbeatMicros, [1]);
  rafts.settle();
  const joint = enterJoint(rafts.of(1).configuration, [1, 4, 5]);
  rafts.of(1).proposeConfiguration(rafts.now, joint);
  const index = rafts.of(1).log.lastIndex;
  rafts.flush(1);
  // All of the old half acknowledge, and one of three of the new half.
  rafts.settle([4, 5]);
  t.true(rafts.of(1).commit < index);
  rafts.pass(heartbeatMicros, [1]);
  rafts.settle([3, 5]);
  t.true(rafts.of(1).commit >= index);
});
