/**
 * Planted bugs: each is one named mistake, a small textual change to the product, applied to a scratch copy only. The
 * simulator must notice every one of them; a mistake that no longer applies fails the tests.
 */
import { mistakesOfState } from "./mistakes-of-state.ts";

export type Mistake = {
  readonly name: string;
  readonly layer: string;
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly old: string;
  readonly new: string;
};

const mistakesOfRaft: readonly Mistake[] = [
  {
    name: "vote reply leaves before the vote is synced",
    layer: "election",
    file: "core/raft/outbox.ts",
    old: "if (this.holding) this.#held",
    new: 'if (this.holding && message.kind !== "vote-reply") this.#held',
  },
  {
    name: "a granted vote of an older term is counted",
    layer: "election",
    file: "core/raft/raft.ts",
    old: "if (this.#campaign?.pre === false && message.term === this.#term) this.#count(now, from, message.granted);",
    new: "if (this.#campaign?.pre === false) this.#count(now, from, message.granted);",
  },
  {
    name: "up-to-date test compares index before term",
    layer: "election",
    file: "core/raft/election.ts",
    old: "if (theirs.lastTerm !== own.lastTerm) return theirs.lastTerm > own.lastTerm;\n  return theirs.lastIndex >= own.lastIndex;",
    new: "if (theirs.lastIndex !== own.lastIndex) return theirs.lastIndex > own.lastIndex;\n  return theirs.lastTerm >= own.lastTerm;",
  },
  {
    name: "candidate's own vote only in memory",
    layer: "election",
    file: "core/raft/raft.ts",
    old: "this.#outbox.write({ term, vote });",
    new: "this.#outbox.write({ term, vote: vote === this.#options.id ? 0 : vote });",
  },
  {
    name: "duplicated votes counted twice",
    layer: "election",
    file: "core/raft/raft.ts",
    old: "campaign.votes.set(voter, granted);",
    new: "campaign.votes.set(campaign.votes.has(voter) ? (this.configuration.voters.find((id) => !campaign.votes.has(id)) ?? voter) : voter, granted);",
  },
  {
    name: "vote not cleared when the term is raised",
    layer: "election",
    file: "core/raft/raft.ts",
    old: "if (term > this.#term) this.#setHardState(term, 0);",
    new: "if (term > this.#term) this.#setHardState(term, this.#vote);",
  },
  {
    name: "every append truncates what follows",
    layer: "replication",
    file: "core/raft/following.ts",
    old: "const fresh = entries.findIndex(({ index, term }) => index > baseIndex && !this.#log.matches(index, term));",
    new: "const fresh = entries.findIndex(({ index }) => index > baseIndex);",
  },
  {
    name: "success reply reports own last durable index",
    layer: "replication",
    file: "core/raft/following.ts",
    old: "this.#ackedMatch = Math.min(this.#verified, this.#log.durableIndex);",
    new: "this.#ackedMatch = this.#log.durableIndex;",
  },
  {
    name: "a reply of an earlier leadership counts",
    layer: "replication",
    file: "core/raft/raft.ts",
    old: "if (message.term === this.#term) this.#leadership?.onReply",
    new: "this.#leadership?.onReply",
  },
  {
    name: "match index falls on out-of-order replies",
    layer: "replication",
    file: "core/raft/leadership.ts",
    old: "peer.match = Math.max(peer.match, reply.matchIndex);",
    new: "peer.match = reply.matchIndex;",
  },
  {
    name: "append accepted without a matching predecessor",
    layer: "replication",
    file: "core/raft/following.ts",
    old: "if (!this.#log.matches(prevIndex, prevTerm) && prevIndex >= this.#log.baseIndex) {",
    new: "if (prevIndex > this.#log.lastIndex) {",
  },
  {
    name: "a doubled forward is appended twice",
    layer: "replication",
    file: "core/raft/forward-gate.ts",
    old: "return origin.seq > seen.seq;",
    new: "return origin.seq >= seen.seq;",
  },
  {
    name: "entry of an older term counted toward commit (figure 8)",
    layer: "commit",
    file: "core/raft/leadership.ts",
    old: "return index > this.#log.baseIndex && this.#log.termAt(index) === this.term ? index : 0;",
    new: "return index;",
  },
  {
    name: "quorum of ceil(n/2)",
    layer: "commit",
    file: "core/raft/quorum.ts",
    old: "return matches[voters.length >> 1]!;",
    new: "return matches[(voters.length - 1) >> 1]!;",
  },
  {
    name: "leader counts itself before its fsync",
    layer: "commit",
    file: "core/raft/leadership.ts",
    old: "voter === this.#self ? this.#log.durableIndex",
    new: "voter === this.#self ? this.#log.lastIndex",
  },
  {
    name: "commit index set without max",
    layer: "commit",
    file: "core/raft/raft.ts",
    old: "this.#commit = Math.max(this.#commit, this.#following.committable(append));",
    new: "this.#commit = this.#following.committable(append);",
  },
  {
    name: "commit index taken beyond what was verified",
    layer: "commit",
    file: "core/raft/following.ts",
    old: "return Math.min(append.commit, append.prevIndex + append.entries.length);",
    new: "return Math.min(append.commit, this.#log.lastIndex);",
  },
  {
    name: "acknowledged before fsync",
    layer: "log",
    file: "core/raft/following.ts",
    old: "this.#ackedMatch = Math.min(this.#verified, this.#log.durableIndex);",
    new: "this.#ackedMatch = this.#verified;",
  },
  {
    name: "WAL completes at the write, not at the sync",
    layer: "log",
    file: "core/storage/wal.ts",
    old: "this.#waiting.push({ position: this.#written, done: finish });",
    new: "finish();",
  },
  {
    name: "torn record accepted",
    layer: "log",
    file: "core/storage/wal-record.ts",
    old: 'return "the checksum is wrong";',
    new: "void 0;",
  },
  {
    name: "torn tail not cut",
    layer: "log",
    file: "core/storage/wal-recovery.ts",
    old: "if (file.sizeBytes === scan.goodBytes) return finish();",
    new: "if (file.sizeBytes >= scan.goodBytes) return finish();",
  },
  {
    name: "replay does not shorten on rewrite",
    layer: "log",
    file: "core/storage/wal-recovery.ts",
    old: "this.#entries.length = at;\n    this.#entries.push(entry);",
    new: "this.#entries[at] = entry;",
  },
  {
    name: "old completion marks a new entry durable (ABA)",
    layer: "log",
    file: "core/raft/log.ts",
    old: "for (const write of this.#pending) write.lastIndex = Math.min(write.lastIndex, from - 1);",
    new: "",
  },
  {
    name: "new segment's directory not synced",
    layer: "log",
    file: "core/storage/wal.ts",
    old: "this.#disk.syncDirectory((failure) => {\n        if (this.#dead) return;\n        if (failure !== null) return this.#fail(failure);\n        full.close();",
    new: "((done: (failure: DiskError | null) => void) => done(null))((failure) => {\n        if (this.#dead) return;\n        if (failure !== null) return this.#fail(failure);\n        full.close();",
  },
  {
    name: "hard state of a new segment is newer than what waits behind it",
    layer: "log",
    file: "core/storage/wal.ts",
    old: "    if (this.#dead) return;\n    if (this.#rotating",
    new: "    if (this.#dead) return;\n    if (content.hardState !== null) this.#hardState = content.hardState;\n    if (this.#rotating",
  },
  {
    name: "leader reads with no check",
    layer: "reads",
    file: "core/raft/reads.ts",
    old: "while (this.#batches[0] !== undefined && this.#batches[0].round <= confirmedRound) {",
    new: "while (this.#batches[0] !== undefined && confirmedRound >= 0) {",
  },
  {
    name: "confirmation by acks sent before the read came",
    layer: "reads",
    file: "core/raft/reads.ts",
    old: "this.#round += 1;",
    new: "this.#round = Math.max(1, this.#round);",
  },
  {
    name: "answer before applied reaches the read index",
    layer: "reads",
    file: "core/node/reads.ts",
    old: "if (batch.index < 0 || batch.index > this.#store.applied.index) continue;",
    new: "if (batch.index < 0) continue;",
  },
  {
    name: "a new leader reads before it has committed in its term",
    layer: "reads",
    file: "core/raft/raft.ts",
    old: "if (this.#committedInTerm) leadership.reads.open",
    new: "if (this.#commit >= 0) leadership.reads.open",
  },
  {
    name: "'failed' reported for what may still commit",
    layer: "sessions",
    file: "core/node/writes.ts",
    old: 'this.#fail(seq, waiter.sent ? "timeout" : "no-leader", !waiter.sent);',
    new: 'this.#fail(seq, waiter.sent ? "timeout" : "no-leader", true);',
  },
  {
    name: "create revision forgotten at each write",
    layer: "state",
    file: "core/kv/machine.ts",
    old: "createRevision: before?.createRevision ?? index,",
    new: "createRevision: index,",
  },
  {
    name: "boot counter not raised at a restart",
    layer: "state",
    file: "core/storage/identity.ts",
    old: "save({ ...identity, boot: identity.boot + 1 });",
    new: "save(identity);",
  },
  {
    name: "no check-quorum",
    layer: "liveness",
    file: "core/raft/raft.ts",
    old: "if (this.#leadership?.hasLostQuorum(now) === true) return this.#follow(now, this.#term, 0);",
    new: "this.#leadership?.hasLostQuorum(now);",
  },
  {
    name: "a lower-term leader is not told of a higher term",
    layer: "liveness",
    file: "core/raft/raft.ts",
    old: "this.#outbox.send(from, outdatedReply(this.#term));",
    new: "",
  },
  {
    name: "founders ask only those they have not seen",
    layer: "liveness",
    file: "core/node/node.ts",
    old: "if (id !== node) this.#send(id, word);",
    new: "if (id !== node && (this.#founding === null || this.#founding.missing().some((one) => one.id === id))) this.#send(id, word);",
  },
];

export const mistakes: readonly Mistake[] = [...mistakesOfRaft, ...mistakesOfState];
