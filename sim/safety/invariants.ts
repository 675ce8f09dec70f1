/**
 * Puts what nodes say and do to the laws (laws/), at the moment it happens. What a message or a commit claims is held against
 * the ghost, which then takes note of it; a node's own flags are only ever the claim.
 */
import { unreachable } from "../../core/assert.ts";
import type { Configuration } from "../../core/protocol/configuration.ts";
import type { Append, AppendReply, Envelope } from "../../core/protocol/message.ts";
import { memberOf } from "../../core/raft/membership.ts";
import type { Raft } from "../../core/raft/raft.ts";
import type { StateStore } from "../../core/storage/state-store.ts";
import type { Index, NodeId, Term } from "../../core/units.ts";
import { keyOfNode } from "../keys.ts";
import {
  acknowledgedMustBeDurable,
  acknowledgedMustBeTheLeaders,
  announcedMustBeCommitted,
  appliedMustBeCommitted,
  commitIndexMustRise,
  committedMustBeOfOwnTerm,
  committedMustBeOnQuorum,
  compactedMustBeCovered,
  firstToCommitMustHaveLed,
  prefixMustBeTheCommitted,
} from "../laws/commit.ts";
import {
  appendMustComeFromLeader,
  candidacyMustBeDurable,
  grantedVoteMustBeDurable,
  leaderMustBeAlone,
  leaderMustBeElected,
  leaderMustHoldCommitted,
  toldTermMustBeDurable,
  votersLogMustNotBeNewer,
} from "../laws/election.ts";
import { appendMustBeBounded } from "../laws/limits.ts";
import { configurationMustBeTheNewest } from "../laws/membership.ts";
import { leaseMustBeOver } from "../laws/reads.ts";
import { matchMustBeAcknowledged, matchMustNotFall } from "../laws/replication.ts";
import { appliedMustRise, installedMustBeDurable, stateMustBeTheFold } from "../laws/state.ts";
import { durableStateMustBeRecovered, logMustBeRecovered } from "../laws/storage.ts";
import type { GhostNode } from "./ghost-node.ts";
import type { Ghost } from "./ghost.ts";

type Acknowledged = { readonly incarnation: Index; index: Index };

/** One for each run that is judged. Each method throws a Violation where its law is broken. */
export class Invariants {
  readonly #ghost: Ghost;
  /** What each leader last took each peer to hold, by term, leader, peer and the peer's incarnation. */
  readonly #matches = new Map<string, number>();
  /** By term and candidate: where the candidate's log ends, as its vote request says. */
  readonly #ends = new Map<number, { readonly lastIndex: number; readonly lastTerm: Term }>();
  readonly #entriesPerAppendMax: number;
  /** Up to where each node has acknowledged entries, by term and node, once for each incarnation that has spoken. */
  readonly #acknowledged = new Map<number, Acknowledged[]>();
  /** The Raft of a running node: its log in memory is the claim. */
  readonly #raftOf: (id: NodeId) => Raft | null;

  constructor(ghost: Ghost, raftOf: (id: NodeId) => Raft | null, entriesPerAppendMax: number) {
    this.#ghost = ghost;
    this.#entriesPerAppendMax = entriesPerAppendMax;
    this.#raftOf = raftOf;
  }

  /** Of a term at a node; packed numbers count from the origin of the run on. */
  #keyOf(term: Term, id: NodeId): number {
    return keyOfNode(term - this.#ghost.origin.term, id);
  }

  /** A message leaves `from`. */
  sent(from: NodeId, { message }: Envelope, to: NodeId): void {
    const node = this.#ghost.node(from);
    switch (message.kind) {
      case "append":
        toldTermMustBeDurable(node, message.kind, message.term);
        return this.#append(node, message);
      case "append-reply":
        toldTermMustBeDurable(node, message.kind, message.term);
        return message.success ? this.#acknowledgement(node, message) : undefined;
      case "vote-reply":
        toldTermMustBeDurable(node, message.kind, message.term);
        return message.granted ? this.#grant(node, to, message.term) : undefined;
      case "vote":
        candidacyMustBeDurable(node, message.term);
        this.#ghost.voted(from, { term: message.term, vote: from });
        this.#ends.set(this.#keyOf(message.term, from), message);
        return;
      case "timeout-now":
      case "snapshot-chunk":
        return toldTermMustBeDurable(node, message.kind, message.term);
      // No other message speaks for the term that its sender is in, or lets others rely on it.
      case "pre-vote":
      case "pre-vote-reply":
      case "forward":
      case "forward-refused":
      case "read":
      case "read-reply":
      case "snapshot-reply":
      case "snapshot-wanted":
      case "change":
      case "change-reply":
      case "bootstrap-hello":
      case "bootstrap-reply":
      case "join-request":
      case "join-accepted":
      case "removed":
      case "rebind-pending":
      case "directory-check":
      case "directory-confirmed":
      case "bind-request":
      case "learned-address":
        return;
      default:
        return unreachable(message);
    }
  }

  /** Takes note of an acknowledgement that leaves `from`, whether its receiver believes it or not. */
  acknowledging(from: NodeId, { fromIncarnation: incarnation, message }: Envelope): void {
    if (message.kind !== "append-reply" || !message.success) return;
    const { matchIndex, term } = message;
    const key = this.#keyOf(term, from);
    const list = this.#acknowledged.get(key) ?? [];
    const known = list.find((one) => one.incarnation === incarnation);
    if (known !== undefined) known.index = Math.max(known.index, matchIndex);
    else this.#acknowledged.set(key, [...list, { incarnation, index: matchIndex }]);
  }

  /** Up to where `id`, as its `incarnation`, has acknowledged what the leader of `term` has sent. */
  #acknowledgedBy(id: NodeId, incarnation: Index, term: Term): Index {
    const list = this.#acknowledged.get(this.#keyOf(term, id));
    return list?.find((one) => one.incarnation === incarnation)?.index ?? 0;
  }

  #grant(node: GhostNode, candidate: NodeId, term: Term): void {
    grantedVoteMustBeDurable(node, candidate, term);
    this.#ghost.voted(node.id, { term, vote: candidate });
    const end = this.#ends.get(this.#keyOf(term, candidate));
    // Once there is a leader of that term, or of a later one, the voter's log may have grown since it voted.
    const mayHaveGrown = this.#ghost.leaders.has(term) || node.writtenHard.term > term;
    if (end !== undefined && !mayHaveGrown) votersLogMustNotBeNewer(node.id, node.written, candidate, end);
  }

  #append(node: GhostNode, { term, entries, commit }: Append): void {
    appendMustBeBounded(node.id, entries.length, this.#entriesPerAppendMax);
    appendMustComeFromLeader(node.id, term, this.#ghost.leaders.get(term));
    if (entries[0] !== undefined) this.#recordCreationUpTo(node, term, entries[0].index - 1);
    for (const entry of entries) this.#ghost.recordEntryCreation(node, entry);
    announcedMustBeCommitted(node.id, commit, this.#ghost.committed.last);
  }

  /** A leader's entries count before anybody, its own disk included, has got them: to a new member, and as a configuration. */
  #recordCreationUpTo(node: GhostNode, term: Term, last: number): void {
    const raft = this.#raftOf(node.id);
    if (raft?.role !== "leader" || raft.term !== term) return;
    for (let index = this.#ghost.lastAsLeader(node, term) + 1; index <= last; index++) {
      this.#ghost.recordEntryCreation(node, raft.log.entryAt(index));
    }
  }

  /** `id` becomes leader in `term`; `leaseholders`: those of earlier terms who believe in their leases. */
  elected(id: NodeId, term: Term, leaseholders: readonly NodeId[], isOlderCopy: boolean): void {
    leaseMustBeOver(id, term, leaseholders);
    leaderMustBeAlone(id, term, this.#ghost.leaders.get(term));
    leaderMustBeElected(id, term, this.#ghost.isElected(id, term));
    // A leader elected late, by votes that were long under way, owes nothing to the terms after its own.
    const last = this.#ghost.committedBefore(term);
    const written = isOlderCopy ? null : this.#ghost.node(id).written;
    leaderMustHoldCommitted({ id, term }, this.#raftOf(id), written, { log: this.#ghost.committed, last });
    this.#ghost.elected(id, term);
  }

  #acknowledgement(node: GhostNode, { matchIndex, term }: AppendReply): void {
    const { acknowledged } = node;
    const before = acknowledged.term === term ? acknowledged.index : 0;
    if (acknowledged.term <= term) node.acknowledged = { term, index: Math.max(before, matchIndex) };
    if (matchIndex <= node.covered) return;
    acknowledgedMustBeDurable(node, matchIndex);
    const leader = this.#ghost.leaders.get(term);
    const led = leader === undefined ? null : this.#ghost.node(leader).led;
    // What a leader was before it was replaced, or led a later term, nobody says any more.
    if (led?.term === term) acknowledgedMustBeTheLeaders(node, matchIndex, leader!, led.log);
  }

  /** `id` says that its commit index has reached `index`. */
  committed(id: NodeId, index: number, raft: Raft): void {
    const node = this.#ghost.node(id);
    commitIndexMustRise(node, index, raft.log.lastIndex);
    if (index > this.#ghost.committed.last) this.#newlyCommitted(id, index, raft);
    node.commit = index;
    prefixMustBeTheCommitted(id, index, raft, this.#ghost.committed);
  }

  #newlyCommitted(id: NodeId, index: number, raft: Raft): void {
    const term = raft.log.termAt(index);
    committedMustBeOfOwnTerm(this.#ghost.node(id), index, term);
    firstToCommitMustHaveLed(id, index, this.#ghost.leaders.get(term));
    this.#ghost.extendCommitted(id, raft.log, index);
    // What it has appended in this very turn may be in force already, or not yet when it counted.
    const before = this.#ghost.leaderConfiguration(id, term);
    this.#recordCreationUpTo(this.#ghost.node(id), term, raft.log.lastIndex);
    const after = this.#ghost.leaderConfiguration(id, term);
    const holders = this.#ghost.nodes.map((node) => node.id).filter((node) => this.#ghost.holds(node, index));
    // What was acknowledged by a log that was lost since had been durable at its time.
    const hasAcknowledged = (configuration: Configuration, voter: NodeId): boolean =>
      this.#acknowledgedBy(voter, memberOf(configuration, voter)?.incarnation ?? 0, term) >= index;
    const isQuorum = [before, after].some((configuration) =>
      this.#ghost.isQuorum(configuration, (voter) => holders.includes(voter) || hasAcknowledged(configuration, voter)),
    );
    committedMustBeOnQuorum(id, index, holders, isQuorum);
  }

  /** `id` has applied up to `index` and its state has that digest. */
  applied(id: NodeId, index: number, digest: number): void {
    const node = this.#ghost.node(id);
    appliedMustRise(node, index, "apply");
    appliedMustBeCommitted(node, index);
    stateMustBeTheFold(id, index, "applied", digest, this.#ghost.digestAt(index));
    node.applied = index;
  }

  /** A snapshot has become the state of `id`. */
  installed(id: NodeId, index: number, digest: number): void {
    const node = this.#ghost.node(id);
    installedMustBeDurable(node, index);
    appliedMustRise(node, index, "snapshot");
    stateMustBeTheFold(id, index, "installed", digest, this.#ghost.digestAt(index));
    node.applied = index;
  }

  /** A turn of `id` is over. */
  configured(id: NodeId, raft: Raft): void {
    const { log } = raft;
    const node = this.#ghost.node(id);
    const { written } = node;
    // While a segment is being changed, what Raft holds may not be written yet.
    if (written.last !== log.lastIndex || written.lastTerm !== log.lastTerm) return;
    const inLog = written.configurationIndex;
    const expected = inLog === 0 ? this.#ghost.committedConfigurationIndex(written.base) : inLog;
    configurationMustBeTheNewest(id, log.configurations.latest.index, expected);
    compactedMustBeCovered(node, log.baseIndex);
  }

  /** Acknowledgements have reached the leader `id`. */
  progress(id: NodeId, raft: Raft): void {
    for (const [peer, known] of raft.status().progress) {
      const key = `${raft.term}.${id}.${peer}.${known.incarnation}`;
      matchMustNotFall(id, peer, known, this.#matches.get(key) ?? 0);
      this.#matches.set(key, known.match);
      matchMustBeAcknowledged(id, peer, known, this.#acknowledgedBy(peer, known.incarnation, raft.term));
    }
  }

  /** `id` takes part, with what its recovery has found. */
  recovered(id: NodeId, raft: Raft, store: StateStore): void {
    const node = this.#ghost.node(id);
    const { index: applied } = store.applied;
    durableStateMustBeRecovered(node, applied);
    stateMustBeTheFold(id, applied, "recovered", store.hash.digest, this.#ghost.digestAt(applied));
    const base = logMustBeRecovered(node, raft, applied, this.#ghost.committed);
    node.commit = Math.max(base, applied);
    node.applied = applied;
  }
}
