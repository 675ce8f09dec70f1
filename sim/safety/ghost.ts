/**
 * The ghost: what is true of the whole cluster, computed from the bytes that reach the disks and the messages that reach
 * the network, never from what a node believes. It keeps state only: before each change, what is about to become true is put
 * to the laws that speak of it (laws/), which throw where it must not.
 */
import type { SessionLimits } from "../../core/kv/sessions.ts";
import { decodeConfiguration } from "../../core/protocol/configuration-codec.ts";
import { type Configuration } from "../../core/protocol/configuration.ts";
import { entryPayload } from "../../core/protocol/entry-codec.ts";
import { type Entry, entryKinds, type LogPosition } from "../../core/protocol/entry.ts";
import type { LogView } from "../../core/raft/log.ts";
import { snapshotPlace } from "../../core/storage/snapshot-store.ts";
import type { NodeId, Term } from "../../core/units.ts";
import { acknowledgedMustStay, baseMustBeCovered, committedMustNotBeOverwritten } from "../laws/commit.ts";
import { durableTermMustNotFall, voteMustStay } from "../laws/election.ts";
import type { Hard } from "../laws/facts.ts";
import { changeMustComeAlone, changeMustFollowOwnCommit, votersMustChangeJointly } from "../laws/membership.ts";
import { committedEntryMustBeKnown, entryMustComeFromLeader, entryMustNameOnePayload } from "../laws/replication.ts";
import { baseMustBeCommitted, snapshotMustBeTheFold, stateMustBeTheFold } from "../laws/state.ts";
import {
  batchMustBeReadable,
  durableBatchesMustSurvive,
  durableBytesMustStay,
  removedSegmentMustNotBeNeeded,
} from "../laws/storage.ts";
import { Violation } from "../violation.ts";
import { Answers } from "./answers.ts";
import { CommittedPrefix } from "./committed-prefix.ts";
import type { Departures } from "./departures.ts";
import type { GhostBatch } from "./ghost-disk.ts";
import { GhostEntries } from "./ghost-entries.ts";
import { GhostLog, putInto } from "./ghost-log.ts";
import { GhostNode } from "./ghost-node.ts";
import { readRows, readSnapshot } from "./ghost-state.ts";
import { GhostVotes } from "./ghost-votes.ts";

/** A cluster that is not founded yet. */
export const nobody: Configuration = { members: [], voters: [], outgoing: [], learners: [], removed: [] };

/** One for each run. It judges nothing itself, and is never asked by a node. */
export class Ghost {
  readonly nodes: GhostNode[];
  /** The node whose election each term has seen. */
  readonly leaders = new Map<Term, NodeId>();
  readonly #votes: GhostVotes;
  readonly #entries: GhostEntries;
  /** What the founders have agreed on; empty until one of them runs. */
  #founding = nobody;
  readonly #prefix: CommittedPrefix;
  /** The last entry before the run; index 0: there is none. */
  readonly origin: LogPosition;
  readonly answers: Answers;
  /** Null: nobody asks. */
  departures: Departures | null = null;

  constructor(count: number, limits: SessionLimits, origin: LogPosition) {
    this.origin = origin;
    this.#entries = new GhostEntries(origin);
    this.#votes = new GhostVotes(origin.term);
    this.#prefix = new CommittedPrefix(limits, origin);
    this.nodes = Array.from({ length: count }, (_, k) => new GhostNode(k + 1, 0));
    this.answers = new Answers(this.#prefix.machine);
  }

  /** The committed prefix as a log. */
  get committed(): GhostLog {
    return this.#prefix.log;
  }

  node(id: NodeId): GhostNode {
    return this.nodes[id - 1]!;
  }

  /** The directory of `id` is from before the run: it holds everything up to the origin, durably. */
  hasLived(id: NodeId): void {
    const node = this.node(id);
    const { index, term } = this.origin;
    for (const log of [node.written, node.durable]) log.beginAt(this.origin);
    node.writtenHard = node.durableHard = { term, vote: 0 };
    node.snapshot = node.covered = index;
  }

  founded(configuration: Configuration): void {
    this.#founding = configuration;
  }

  /** A machine is replaced by an empty one: nothing is left on it, and none of its votes counts any more. */
  wiped(id: NodeId): void {
    this.nodes[id - 1] = new GhostNode(id, 0);
    this.#votes.forget(id);
  }

  /** The log of a machine is damaged: it is rebound before it takes part again, and begins with nothing. */
  logLost(id: NodeId): void {
    this.nodes[id - 1] = new GhostNode(id, this.node(id).storageGeneration + 1);
  }

  /** The disk of a machine has lied: what it holds is what is found on it. */
  deceived(id: NodeId): void {
    const { storageGeneration, boundTerm } = this.node(id);
    this.nodes[id - 1] = new GhostNode(id, storageGeneration);
    this.node(id).boundTerm = boundTerm;
  }

  // --- quorums

  /** Whether those that `has` names are a majority of each half. */
  isQuorum({ voters, outgoing }: Configuration, has: (id: NodeId) => boolean): boolean {
    return [voters, outgoing].every((half) => half.length === 0 || half.filter(has).length * 2 > half.length);
  }

  /** The configuration in force in `log`. */
  configurationOf(log: GhostLog): Configuration {
    const index = log.configurationIndex;
    if (index === 0) return this.committedConfiguration(log.base);
    return this.#entries.configurationAt(index, log.termAt(index));
  }

  /** The configuration in force at the committed `index`. */
  committedConfiguration(index = this.committed.last): Configuration {
    const at = this.#prefix.configurationIndexAt(index);
    return at === 0 ? this.#founding : this.#entries.configurationAt(at, this.committed.termAt(at));
  }

  committedConfigurationIndex(index: number): number {
    return this.#prefix.configurationIndexAt(index);
  }

  votedFor(voter: NodeId, candidate: NodeId, term: Term): boolean {
    return this.#votes.has(voter, this.node(voter).storageGeneration, candidate, term);
  }

  /** Whether `candidate` has the durable votes of a quorum, by the configuration in its own log. */
  isElected(candidate: NodeId, term: Term): boolean {
    const configuration = this.configurationOf(this.node(candidate).written);
    return this.isQuorum(configuration, (voter) => this.votedFor(voter, candidate, term));
  }

  /** Whether `id` durably holds the committed prefix up to `index`. */
  holds(id: NodeId, index: number): boolean {
    const { durable, covered } = this.node(id);
    if (covered >= index) return true;
    if (durable.base >= index) return durable.chainAt(durable.base) === this.committed.chainAt(durable.base);
    return durable.chainAt(index) === this.committed.chainAt(index);
  }

  // --- facts from the disks

  wrote(id: NodeId, file: string, offset: number, bytes: Uint8Array, seq: number): void {
    const node = this.node(id);
    const batch = node.disk.wrote(file, offset, bytes, seq, (claimed, place) =>
      batchMustBeReadable(`n${id}`, file, claimed, place),
    );
    if (batch !== null) this.#applyWritten(node, batch);
  }

  /** The process of `id` cuts `file`. */
  truncated(id: NodeId, file: string, bytes: number): void {
    durableBytesMustStay(`n${id}`, file, bytes, this.node(id).disk.durableBytes(file));
  }

  /** The process of `id` has removed `file`, for good. */
  removed(id: NodeId, file: string): void {
    const node = this.node(id);
    const parts = node.disk.partedBy(file);
    if (parts !== null) removedSegmentMustNotBeNeeded(node, file, parts.gone, parts.left);
    node.disk.removed(file);
  }

  synced(id: NodeId, file: string, throughSeq: number): void {
    const node = this.node(id);
    for (const batch of node.disk.synced(file, throughSeq)) this.#applyDurable(node, batch);
  }

  /**
   * A process starts on what the crash has left; with `isAllDurable`, all that makes sense is durable (false: not all does).
   * `rows`: what it finds, and what a power cut would leave of that; null where they do not outlive a process.
   */
  restarted(
    id: NodeId,
    contents: ReadonlyMap<string, Uint8Array>,
    snapshots: readonly string[],
    rows: { readonly found: ReadonlyMap<string, Uint8Array>; readonly durable: ReadonlyMap<string, Uint8Array> } | null,
    isAllDurable = false,
  ): boolean {
    const node = this.node(id);
    if (rows !== null || isAllDurable) {
      // Where rows are persistent, a snapshot goes once it is not needed.
      node.snapshot = Math.max(0, ...snapshots.map((name) => snapshotPlace(name)?.index ?? 0));
      node.covered = rows === null ? node.snapshot : Math.max(node.snapshot, this.#rowsAt(id, rows.durable));
      node.found = rows === null ? 0 : this.#rowsAt(id, rows.found);
    }
    const found = node.disk.restarted(contents, (file, crcs, left) =>
      durableBatchesMustSurvive(`n${id}`, file, crcs, left),
    );
    const makesSense = !isAllDurable || this.#takeAsDurable(node, contents);
    const tail = isAllDurable ? [] : found;
    node.written = node.durable.clone();
    node.writtenHard = node.durableHard;
    for (const batch of tail) this.#fold(node, batch, node.written, "surviving");
    for (const { hard } of tail) if (hard !== null) node.writtenHard = hard;
    node.commit = 0;
    node.applied = 0;
    return makesSense;
  }

  /** What is left of a log that a disk has lied about: up to where it makes sense. */
  #takeAsDurable(node: GhostNode, contents: ReadonlyMap<string, Uint8Array>): boolean {
    try {
      for (const file of [...contents.keys()].toSorted()) this.synced(node.id, file, 0);
      return true;
    } catch (error) {
      if (error instanceof Violation) return false;
      throw error;
    }
  }

  #applyWritten(node: GhostNode, batch: GhostBatch): void {
    const { hard, base } = batch;
    if (hard !== null) {
      durableTermMustNotFall(node.id, node.writtenHard, hard);
      voteMustStay(node.id, node.writtenHard, hard);
      node.writtenHard = hard;
    }
    if (base !== null) baseMustBeCovered(node, base.place.index);
    const acknowledged = node.acknowledged.term === node.writtenHard.term ? node.acknowledged.index : 0;
    const before = node.written.chainAt(acknowledged);
    for (const entry of batch.entries) {
      // A late append of a leader that is over may put one entry that is not committed in the place of another.
      const overwrites = this.#prefix.isHeldBy(node.written, entry.index) && !this.#prefix.includes(entry);
      committedMustNotBeOverwritten(node.id, entry.index, overwrites);
      this.recordEntryCreation(node, entry);
    }
    this.#fold(node, batch, node.written, "written");
    const { written } = node;
    // What it has acknowledged by a durable snapshot may not be in its log yet.
    const isThere = before === -1 || acknowledged <= written.base || written.chainAt(acknowledged) === before;
    acknowledgedMustStay(node, acknowledged, isThere);
  }

  #fold(node: GhostNode, { base, replaces, entries }: GhostBatch, log: GhostLog, whose: string): void {
    if (base !== null) {
      const { index, term } = base.place;
      baseMustBeCommitted(node.id, base.place, this.committed);
      log.rebase({ index, term, chain: this.committed.chainAt(index) }, replaces);
    }
    for (const entry of entries) putInto(log, entry, `n${node.id} ${whose}`);
  }

  /** `node` tells or writes `entry`: if nobody has before, it makes it, by its first write or its first append. */
  recordEntryCreation(node: GhostNode, entry: Entry): void {
    const known = this.#entries.at(entry.index, entry.term);
    if (known !== undefined) return entryMustNameOnePayload(node.id, entry, known);
    const isLeader = this.leaders.get(entry.term) === node.id || this.isElected(node.id, entry.term);
    entryMustComeFromLeader(node.id, entry, isLeader);
    this.#entries.add(entry);
    this.departures?.made(entry);
    const log = this.#logAsLeader(node, entry.term);
    if (entry.kind === entryKinds.configuration) this.#recordConfigurationCreation(node, log, entry);
    putInto(log, entry, `n${node.id} leading`);
  }

  /** A vote is durable only behind the whole log: at its first own entry a leader has written all that it holds. */
  #logAsLeader(node: GhostNode, term: Term): GhostLog {
    if (node.led?.term !== term) node.led = { term, log: node.written.clone() };
    return node.led.log;
  }

  /** `id` has taken office in `term`. */
  elected(id: NodeId, term: Term): void {
    this.leaders.set(term, id);
    this.#logAsLeader(this.node(id), term);
  }

  lastAsLeader(node: GhostNode, term: Term): number {
    return this.#logAsLeader(node, term).last;
  }

  /** The configuration that `id`, leading `term`, goes by. */
  leaderConfiguration(id: NodeId, term: Term): Configuration {
    const { led, written } = this.node(id);
    return this.configurationOf(led?.term === term ? led.log : written);
  }

  #recordConfigurationCreation(node: GhostNode, log: GhostLog, entry: Entry): void {
    const next = decodeConfiguration(entryPayload(entry));
    const before = this.configurationOf(log);
    this.#entries.addConfiguration(entry, next);
    const whose = `n${node.id}'s configuration ${entry.index}`;
    changeMustComeAlone(whose, log.configurationIndex, this.committed.last);
    changeMustFollowOwnCommit(whose, entry.term, this.committed.lastTerm);
    votersMustChangeJointly(whose, before, next);
  }

  #applyDurable(node: GhostNode, batch: GhostBatch): void {
    const { hard } = batch;
    if (hard !== null) {
      durableTermMustNotFall(node.id, node.durableHard, hard);
      voteMustStay(node.id, node.durableHard, hard);
      node.durableHard = hard;
      if (hard.vote !== 0) this.voted(node.id, hard);
    }
    this.#fold(node, batch, node.durable, "durable");
  }

  /** The vote of `voter` is durable; or it was told, and no later start of the node can give another one. */
  voted(voter: NodeId, hard: Hard): void {
    this.#votes.add(voter, this.node(voter).storageGeneration, hard);
  }

  rowsDurable(id: NodeId, rows: ReadonlyMap<string, Uint8Array>): void {
    const node = this.node(id);
    node.covered = Math.max(node.covered, this.#rowsAt(id, rows));
  }

  /** The entry that persistent rows are the state of, row by row. */
  #rowsAt(id: NodeId, pairs: ReadonlyMap<string, Uint8Array>): number {
    const { index, digest } = readRows(pairs);
    stateMustBeTheFold(id, index, "rows", digest, this.digestAt(index));
    return index;
  }

  /** `bytes`: null where its disk may have made anything of them. */
  snapshotDurable(id: NodeId, index: number, term: Term, bytes: Uint8Array | null): void {
    if (bytes !== null) {
      snapshotMustBeTheFold(id, index, term, readSnapshot(bytes), {
        term: this.committed.termAt(index),
        digest: this.digestAt(index),
        configurationIndex: this.committedConfigurationIndex(index),
      });
    }
    const node = this.node(id);
    node.snapshot = Math.max(node.snapshot, index);
    node.covered = Math.max(node.covered, index);
  }

  /** The process of `id`, whose state is durable in snapshots only, has removed one: the newest that is left ends at `newest`. */
  snapshotsLeft(id: NodeId, newest: number): void {
    const node = this.node(id);
    node.snapshot = Math.min(node.snapshot, newest);
    node.covered = Math.min(node.covered, newest);
  }

  // --- the committed prefix

  /** `log`, a leader's, says what is committed from now on. */
  extendCommitted(id: NodeId, log: LogView, index: number): void {
    for (let at = this.committed.last + 1; at <= index; at++) {
      const { term, crc } = log.entryAt(at);
      const entry = this.#entries.at(at, term);
      committedEntryMustBeKnown(id, at, crc, entry);
      this.#prefix.add(id, entry, log.termAt(index));
    }
  }

  /** The last index that was committed before `term`. */
  committedBefore(term: Term): number {
    return this.#prefix.lastBefore(term);
  }

  /** Whether a committed entry has given `key` that value. */
  wasWritten(key: string, value: string): boolean {
    return this.#prefix.machine.hasHad(key, value);
  }

  /** The state's digest after the committed entry `index`. */
  digestAt(index: number): number | undefined {
    return this.#prefix.machine.digestAt(index);
  }
}
