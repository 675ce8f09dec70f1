/**
 * One test for each rule of the Raft paper (P) and of Ongaro's thesis (T) that core/raft implements, by its section. Those of
 * changes of leader and members (T 3.10, T 4) are in conformance-changes.test.ts.
 */
import test from "ava";
import { configurationOf, electionMicros, entriesOf, heartbeatMicros, raftMessage, Rafts } from "../support/rafts.ts";

const three = configurationOf([1, 2, 3]);

test("P 5.1: a larger term is adopted, and turns a leader into a follower", (t) => {
  const rafts = new Rafts(three);
  rafts.elect(1);
  const { term } = rafts.of(1);
  rafts.of(1).receive(rafts.now, 2, { kind: "vote-reply", term: term + 3, granted: false });
  t.deepEqual([rafts.of(1).term, rafts.of(1).role, rafts.of(1).vote], [term + 3, "follower", 0]);
});

test("P 5.1: a request of a stale term is refused, and the sender is told the term", (t) => {
  const rafts = new Rafts(three, { 2: { hardState: { term: 5, vote: 0 } } });
  const stale = {
    kind: "append" as const,
    term: 4,
    prevIndex: 0,
    prevTerm: 0,
    commit: 0,
    round: 0,
    stream: 1,
    entries: [],
  };
  rafts.of(2).receive(rafts.now, 1, stale);
  rafts.flush(2);
  const [{ message }] = rafts.letters as [(typeof rafts.letters)[number]];
  t.like(message, { kind: "append-reply", term: 5, success: false });
});

test("P 5.2: one vote a term, first come first served; the same candidate may hear it again", (t) => {
  const rafts = new Rafts(three);
  const ask = { kind: "vote" as const, term: 1, lastIndex: 0, lastTerm: 0, transfer: false };
  for (const from of [1, 2, 1]) rafts.of(3).receive(rafts.now, from, ask);
  rafts.sync(3);
  t.deepEqual(
    rafts.letters.map(({ to, message }) => [to, message.kind === "vote-reply" && message.granted]),
    [
      [1, true],
      [2, false],
      [1, true],
    ],
  );
});

test("P 5.2: a candidate that hears the leader of its term follows it", (t) => {
  const rafts = new Rafts(three);
  rafts.pass(2 * electionMicros + 1, [3]);
  rafts.settle([1]);
  t.is(rafts.of(3).role, "leader");
  const other = new Rafts(three, { 2: { hardState: { term: 1, vote: 0 } } });
  other.of(2).receive(other.now, 3, { kind: "timeout-now", term: 1 });
  t.is(other.of(2).role, "candidate");
  const heartbeat = {
    kind: "append" as const,
    term: 2,
    prevIndex: 0,
    prevTerm: 0,
    commit: 0,
    round: 0,
    stream: 1,
    entries: [],
  };
  other.of(2).receive(other.now, 3, heartbeat);
  t.deepEqual([other.of(2).role, other.of(2).leader], ["follower", 3]);
});

test("P 5.2: patience ends one to two election timeouts after the last word of a leader", (t) => {
  const rafts = new Rafts(three);
  rafts.pass(electionMicros);
  t.is(rafts.letters.length, 0);
  rafts.pass(electionMicros);
  t.true(rafts.letters.some(({ message }) => message.kind === "pre-vote"));
});

/** Figure 7: what followers' logs may look like when the leader of term 8 is elected. */
const leaderTerms = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
for (const [name, terms] of [
  ["a", [1, 1, 1, 4, 4, 5, 5, 6, 6]],
  ["b", [1, 1, 1, 4]],
  ["c", [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6]],
  ["d", [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7]],
  ["e", [1, 1, 1, 4, 4, 4, 4]],
  ["f", [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]],
] as const) {
  test(`P 5.3, figure 7 (${name}): the leader forces its own log on the follower`, (t) => {
    const hardState = { term: 7, vote: 0 };
    const rafts = new Rafts(three, {
      1: { terms: leaderTerms, hardState },
      2: { terms, hardState },
      3: { terms: [1, 1, 1, 4, 4, 5, 5, 6], hardState },
    });
    // With the vote of node 3, whose log ends first.
    rafts.elect(1, [2]);
    rafts.pass(heartbeatMicros, [1]);
    rafts.settle();
    t.deepEqual(rafts.terms(2), [...leaderTerms, 8]);
    t.deepEqual(rafts.terms(1), [...leaderTerms, 8]);
  });
}

test("P 5.3: a log that differs by a whole term is repaired in one step a term", (t) => {
  const terms = Array.from({ length: 50 }, () => 1);
  const hardState = { term: 3, vote: 0 };
  const rafts = new Rafts(three, {
    1: { terms: [1, ...Array.from({ length: 50 }, () => 3)], hardState },
    2: { terms: [...terms, 2, 2, 2], hardState },
    3: { terms: [1], hardState },
  });
  rafts.elect(1, [2]);
  rafts.pass(heartbeatMicros, [1]);
  let refusals = 0;
  while (rafts.letters.length > 0) {
    if (rafts.letters[0]!.message.kind === "append-reply" && !rafts.letters[0]!.message.success) refusals += 1;
    rafts.deliver();
    for (const id of [1, 2, 3]) rafts.sync(id);
  }
  t.deepEqual(rafts.terms(2), rafts.terms(1));
  t.true(refusals <= 3, `${refusals} refusals`);
});

test("P 5.4.1: who has the more up-to-date log does not vote", (t) => {
  for (const [own, theirs, granted] of [
    [[1, 1], [1, 2], true],
    [[1, 2], [1, 1, 1], false],
    [[1, 1], [1, 1], true],
    [[1, 1, 1], [1, 1], false],
  ] as const) {
    const rafts = new Rafts(three, { 2: { terms: own, hardState: { term: 2, vote: 0 } } });
    const ask = { kind: "vote" as const, term: 3, lastIndex: theirs.length, lastTerm: theirs.at(-1)!, transfer: false };
    rafts.of(2).receive(rafts.now, 1, ask);
    rafts.sync(2);
    t.like(rafts.letters[0]!.message, { kind: "vote-reply", granted });
  }
});

test("P 5.4.2, figure 8: an entry of an older term is not committed by counting", (t) => {
  const hardState = { term: 3, vote: 0 };
  const rafts = new Rafts(three, {
    1: { terms: [1, 2], hardState },
    2: { terms: [1], hardState },
    3: { terms: [1], hardState },
  });
  rafts.pass(2 * electionMicros + 1, [1]);
  // Node 1 is elected. Entry 2 of term 2 reaches node 2; the leader's own entry of term 4 does not.
  while (rafts.of(1).role !== "leader") {
    rafts.deliver();
    for (const id of [1, 2, 3]) rafts.sync(id);
  }
  const held = { success: true, stream: 0, prevIndex: 0, hintIndex: 0, hintTerm: 0, round: 0 };
  for (const id of [2, 3])
    rafts.of(1).receive(rafts.now, id, { kind: "append-reply", term: 4, matchIndex: 2, ...held });
  rafts.sync(1);
  t.is(rafts.of(1).commit, 0);
  rafts.of(1).receive(rafts.now, 2, { kind: "append-reply", term: 4, matchIndex: 3, ...held });
  rafts.sync(1);
  t.is(rafts.of(1).commit, 3);
});

test("P 5.5: the same append twice, or late, changes nothing", (t) => {
  const rafts = new Rafts(three);
  const append = {
    kind: "append" as const,
    term: 1,
    prevIndex: 0,
    prevTerm: 0,
    commit: 0,
    round: 0,
    stream: 1,
    entries: entriesOf([1, 1, 1]),
  };
  for (const count of [3, 3, 1]) {
    rafts.of(2).receive(rafts.now, 1, { ...append, entries: append.entries.slice(0, count) });
    t.deepEqual(rafts.terms(2), [1, 1, 1]);
  }
});

test("P 7: a snapshot replaces the log, and keeps what follows its last entry", (t) => {
  const rafts = new Rafts(three, { 2: { terms: [1, 1, 1, 1] }, 3: { terms: [1] } });
  const configuration = { index: 0, configuration: three };
  for (const [id, left] of [
    [2, [1, 1]],
    [3, []],
  ] as const) {
    t.true(rafts.of(id).restore({ place: { index: 2, term: 1, clusterMicros: 0 }, configuration }));
    t.deepEqual([rafts.of(id).log.baseIndex, rafts.of(id).commit, rafts.terms(id)], [2, 2, [...left]]);
  }
});

test("T 3.8: a vote is told only when it is durable", (t) => {
  const rafts = new Rafts(three);
  rafts.of(2).receive(rafts.now, 1, { kind: "vote", term: 1, lastIndex: 0, lastTerm: 0, transfer: false });
  rafts.flush(2);
  t.is(rafts.letters.length, 0);
  rafts.sync(2);
  t.is(rafts.letters.length, 1);
});

test("T 6.2: a leader that hears no quorum for an election timeout steps down", (t) => {
  const rafts = new Rafts(three);
  rafts.elect(1);
  for (let k = 0; k < 12; k++) rafts.pass(heartbeatMicros, [1]);
  t.is(rafts.of(1).role, "follower");
});

test("T 6.4: a read is granted at the commit index of its arrival, once a later round was confirmed", (t) => {
  const rafts = new Rafts(three);
  rafts.elect(1);
  const { commit } = rafts.of(1);
  rafts.of(1).requestReadIndex({ node: 1, incarnation: 0, boot: 1, id: 7 });
  const first = rafts.of(1).ready(rafts.now);
  t.deepEqual(first.reads, []);
  for (const one of first.messages) rafts.letters.push({ from: 1, to: one.to, message: raftMessage(one) });
  rafts.deliver(({ to }) => to === 2);
  const [reply] = rafts.letters.filter(({ to }) => to === 1) as [(typeof rafts.letters)[number]];
  rafts.of(1).receive(rafts.now, reply.from, reply.message);
  t.deepEqual(rafts.of(1).ready(rafts.now).reads, [{ node: 1, incarnation: 0, boot: 1, id: 7, index: commit }]);
});

test("T 6.4: before the leader has committed in its own term it grants no read", (t) => {
  const rafts = new Rafts(three, { 1: { terms: [1] }, 2: { terms: [1] } });
  rafts.pass(2 * electionMicros + 1, [1]);
  while (rafts.of(1).role !== "leader") {
    rafts.deliver();
    for (const id of [1, 2, 3]) rafts.sync(id);
  }
  rafts.of(1).requestReadIndex({ node: 1, incarnation: 0, boot: 1, id: 7 });
  t.deepEqual(rafts.of(1).ready(rafts.now).reads, []);
  t.is(rafts.of(1).leaseRead(rafts.now), null);
});

test("T 6.4.1: a lease runs from the sending of a round that a quorum has confirmed, for less than an election timeout", (t) => {
  const rafts = new Rafts(three);
  rafts.elect(1);
  rafts.pass(heartbeatMicros, [1]);
  const sentAt = rafts.now;
  rafts.now += 50;
  rafts.settle();
  const { commit } = rafts.of(1);
  const leaseUntil = sentAt + Math.floor((electionMicros * 0.99) / 1.01);
  t.deepEqual(
    [rafts.now, leaseUntil - 1, leaseUntil].map((at) => rafts.of(1).leaseRead(at)),
    [commit, commit, null],
  );
  t.is(rafts.of(1).leaseRead(sentAt + electionMicros), null);
  // No lease read is granted once another node was told to campaign.
  rafts.of(1).transfer(rafts.now, 2);
  rafts.flush(1);
  t.is(rafts.of(1).leaseRead(rafts.now), null);
});

test("T 6.4.1: one that has restarted elects nobody for an election timeout: it may have promised", (t) => {
  for (const [boot, granted] of [
    [1, true],
    [2, false],
  ] as const) {
    const rafts = new Rafts(three, { 2: { boot } });
    rafts.of(2).receive(rafts.now, 1, { kind: "vote", term: 1, lastIndex: 0, lastTerm: 0, transfer: false });
    rafts.sync(2);
    t.is(rafts.letters.length > 0, granted);
  }
});

test("T 6.4.1: a voter that has just heard its leader elects nobody, also where it was told of a later term meanwhile", (t) => {
  const rafts = new Rafts(three);
  rafts.elect(1);
  const voter = rafts.of(2);
  const { lastIndex, lastTerm } = voter.log;
  const term = voter.term + 1;
  const vote = { kind: "vote" as const, term, lastIndex, lastTerm, transfer: false };
  // A late reply to another attempt raises the term, and nobody leads in it.
  voter.receive(rafts.now, 3, { kind: "pre-vote-reply", term, attempt: 1, granted: false });
  t.deepEqual([voter.term, voter.leader], [term, 0]);
  voter.receive(rafts.now, 3, vote);
  t.is(voter.vote, 0);
  rafts.pass(electionMicros, []);
  voter.receive(rafts.now, 3, vote);
  t.is(voter.vote, 3);
});

test("T 9.6: a pre-vote changes neither term nor vote, and is refused by one that hears a leader", (t) => {
  const rafts = new Rafts(three);
  const ask = { kind: "pre-vote" as const, term: 9, attempt: 1, lastIndex: 0, lastTerm: 0 };
  rafts.of(2).receive(rafts.now, 1, ask);
  rafts.flush(2);
  t.like(rafts.letters[0]!.message, { kind: "pre-vote-reply", granted: true, term: 9 });
  t.deepEqual([rafts.of(2).term, rafts.of(2).vote], [0, 0]);
  rafts.letters = [];
  rafts.elect(3);
  rafts.of(2).receive(rafts.now, 1, { ...ask, lastIndex: 9, lastTerm: 9 });
  rafts.flush(2);
  t.like(rafts.letters.at(-1)!.message, { kind: "pre-vote-reply", granted: false });
});

test("T 10.2.1: the leader replicates beside its own write, and counts itself only when that is durable", (t) => {
  const rafts = new Rafts(configurationOf([1, 2]));
  rafts.elect(1);
  const { commit } = rafts.of(1);
  rafts.propose(1, 1);
  t.true(rafts.letters.some(({ message }) => message.kind === "append" && message.entries.length === 1));
  rafts.deliver();
  rafts.sync(2);
  while (rafts.deliver(({ to }) => to === 1));
  t.is(rafts.of(1).commit, commit);
  rafts.sync(1);
  t.is(rafts.of(1).commit, commit + 1);
});
