/**
 * The invariants, judged as facts come in. Each names itself as in SIMULATION.md. What a message or a commit claims is
 * held against the ghost; a node's own flags are only ever the claim.
 */
import type { Append, AppendReply, Envelope } from "../../core/protocol/message.ts";
import { memberOf } from "../../core/raft/membership.ts";
import type { Raft } from "../../core/raft/raft.ts";
import type { StateStore } from "../../core/storage/state-store.ts";
import type { NodeId, Term } from "../../core/units.ts";
import { must } from "../violation.ts";
import type { Ghost, GhostNode } from "./ghost.ts";
import type { GhostLog } from "./ghost-log.ts";

export class Invariants {
  readonly #ghost: Ghost;
  /** What each leader last took each peer to hold: it never falls within a leadership. */
  readonly #matches = new Map<string, number>();
  /** The Raft of a running node: whose log in memory is the claim. */
  /** By term * 64 + candidate: where the log ends of one that asks for votes. */
  readonly #ends = new Map<number, { readonly lastIndex: number; readonly lastTerm: Term }>();
  readonly #entriesPerAppendMax: number;
  readonly #raftOf: (id: NodeId) => Raft | null;

  constructor(ghost: Ghost, raftOf: (id: NodeId) => Raft | null, entriesPerAppendMax: number) {
    this.#ghost = ghost;
    this.#entriesPerAppendMax = entriesPerAppendMax;
    this.#raftOf = raftOf;
  }

  /** A message leaves `from`. */
  sent(from: NodeId, { message }: Envelope, to: NodeId): void {
    const node = this.#ghost.node(from);
    if (message.kind === "append") this.#append(node, message);
    else if (message.kind === "append-reply" && message.success) this.#acknowledgement(node, message);
    else if (message.kind === "vote-reply" && message.granted) this.#grant(node, to, message.term);
    else if (message.kind === "vote") {
      must(node.durableHard.term >= message.term, "I2", () => {
        return `n${from} asks for votes in term ${message.term}, which is not durable on its own disk`;
      });
      this.#ends.set(message.term * 64 + from, message);
    }
  }

  /** I2: a vote is durable before it is told. I6: it goes to a log at least as up to date as the voter's (paper 5.4.1). */
  #grant(node: GhostNode, candidate: NodeId, term: Term): void {
    const { durableHard } = node;
    const durable = durableHard.term > term || (durableHard.term === term && durableHard.vote === candidate);
    must(durable, "I2", () => `n${node.id} tells n${candidate} of a vote in term ${term} that is not durable`);
    const end = this.#ends.get(term * 64 + candidate);
    // Once there is a leader of that term, or of a later one, the voter's log may have grown since it voted.
    const mayHaveGrown = this.#ghost.leaders.has(term) || node.writtenHard.term > term;
    if (end === undefined || mayHaveGrown) return;
    const { last, lastTerm } = node.written;
    must(end.lastTerm > lastTerm || (end.lastTerm === lastTerm && end.lastIndex >= last), "I6", () => {
      const theirs = `(${end.lastIndex}, term ${end.lastTerm})`;
      return `n${node.id} votes for n${candidate}, whose log ends at ${theirs}, its own at (${last}, term ${lastTerm})`;
    });
  }

  #append(node: GhostNode, { term, entries, commit }: Append): void {
    const leader = this.#ghost.leaders.get(term);
    must(
      entries.length <= this.#entriesPerAppendMax,
      "I21",
      () => `n${node.id} sends ${entries.length} entries at once`,
    );
    must(leader === node.id, "I1", () => `n${node.id} speaks as the leader of term ${term}, but that is n${leader}`);
    if (entries[0] !== undefined) this.#recordCreationUpTo(node, term, entries[0].index - 1);
    for (const entry of entries) this.#ghost.recordEntryCreation(node, entry);
    must(
      commit <= this.#ghost.committed.last,
      "I12",
      () => `n${node.id} announces commit ${commit}, which nobody has committed`,
    );
  }

  /** A leader's entries count before anybody, its own disk included, has got them: to a new member, and as a configuration. */
  #recordCreationUpTo(node: GhostNode, term: Term, last: number): void {
    const raft = this.#raftOf(node.id);
    if (raft?.role !== "leader" || raft.term !== term) return;
    for (let index = this.#ghost.lastAsLeader(node, term) + 1; index <= last; index++) {
      this.#ghost.recordEntryCreation(node, raft.log.entryAt(index));
    }
  }

  /** `id` takes office in `term`. I1: alone. I4: distinct durable votes of a quorum. I6: it holds every entry committed before its term. I17: nobody of an earlier term believes in a lease. */
  elected(id: NodeId, term: Term, leaseholders: readonly NodeId[]): void {
    must(leaseholders.length === 0, "I17", () => `n${id} leads term ${term} while n${leaseholders.join()} has a lease`);
    const leader = this.#ghost.leaders.get(term);
    must(leader === undefined || leader === id, "I1", () => `n${leader} and n${id} both lead term ${term}`);
    const node = this.#ghost.node(id);
    must(this.#ghost.isElected(id, term), "I4", () => `n${id} leads term ${term} without a quorum of durable votes`);
    // A leader elected late, by votes that were long under way, owes nothing to the terms after its own.
    const last = this.#ghost.committedBefore(term);
    must(this.#agrees(this.#raftOf(node.id), this.#ghost.committed, last), "I6", () => {
      return `n${node.id} leads term ${term} without the committed entry ${last}`;
    });
    this.#ghost.leaders.set(term, node.id);
  }

  /** Whether a log in memory and a log of the ghost hold the same entry at `index`, and so, by I5, the same prefix. */
  #agrees(raft: Raft | null, log: GhostLog, index: number): boolean {
    if (index === 0) return true;
    if (raft === null || index > raft.log.lastIndex || index > log.last) return false;
    // What either begins after is committed, and so the same in both.
    if (index < raft.log.baseIndex || index < log.base) return true;
    if (index === raft.log.baseIndex || index === log.base) return raft.log.termAt(index) === log.termAt(index);
    const { term, crc } = raft.log.entryAt(index);
    return term === log.termAt(index) && crc === log.crcAt(index);
  }

  /** I7: a success reply only for entries that are durable here and those of that term's leader. */
  #acknowledgement(node: GhostNode, { matchIndex, term }: AppendReply): void {
    if (matchIndex <= node.covered) return;
    must(matchIndex <= node.durable.last, "I7", () => {
      return `n${node.id} acknowledges entry ${matchIndex}, but only ${node.durable.last} are durable`;
    });
    const leader = this.#ghost.leaders.get(term);
    const leading = leader === undefined ? null : this.#raftOf(leader);
    if (leading?.role !== "leader" || leading.term !== term) return; // It leads no more; its log may have changed since.
    must(this.#agrees(leading, node.durable, matchIndex), "I7", () => {
      return `n${node.id} acknowledges ${matchIndex} to n${leader}, but its durable entries are others`;
    });
  }

  /** `id` says that its commit index has reached `index`. */
  committed(id: NodeId, index: number, raft: Raft): void {
    const node = this.#ghost.node(id);
    must(index > node.commit, "I10", () => `n${id}: the commit index falls from ${node.commit} to ${index}`);
    must(index <= raft.log.lastIndex, "I10", () => `n${id} commits ${index}, its log ends at ${raft.log.lastIndex}`);
    if (index > this.#ghost.committed.last) this.#newlyCommitted(id, index, raft);
    node.commit = index;
    must(this.#agrees(raft, this.#ghost.committed, index), "I12", () => {
      return `n${id} commits up to ${index} another prefix than the one that is committed`;
    });
  }

  #newlyCommitted(id: NodeId, index: number, raft: Raft): void {
    const term = raft.log.termAt(index);
    must(raft.role !== "leader" || term === raft.term, "I7", () => {
      return `n${id} commits entry ${index} of term ${term} by counting in term ${raft.term}`;
    });
    // A leader that steps down in the turn in which it commits is none any more; but it has led that term.
    must(this.#ghost.leaders.get(term) === id, "I12", () => `n${id} commits ${index} before any leader has`);
    this.#ghost.extendCommitted(id, raft.log, index);
    // What it has appended in this very turn may be in force already, or not yet when it counted.
    const before = this.#ghost.leaderConfiguration(id, term);
    this.#recordCreationUpTo(this.#ghost.node(id), term, raft.log.lastIndex);
    const after = this.#ghost.leaderConfiguration(id, term);
    // What was acknowledged by a log that was lost since had been durable at its time.
    const has = (node: NodeId): boolean => this.#ghost.holds(node, index) || this.#ghost.hasHeld(node, index);
    const holders = this.#ghost.nodes.map((node) => node.id).filter(has);
    must(
      [before, after].some((configuration) => this.#ghost.isQuorum(configuration, (voter) => holders.includes(voter))),
      "I7",
      () => {
        return `n${id} commits entry ${index}, which is durable only on ${holders.join()}`;
      },
    );
  }

  /** `id` has applied up to `index` and its state has that digest. I9, I10. */
  applied(id: NodeId, index: number, digest: number): void {
    const node = this.#ghost.node(id);
    must(index > node.applied, "I9", () => `n${id} applies ${index} after ${node.applied}`);
    must(index <= node.commit, "I10", () => `n${id} applies ${index} beyond its commit index ${node.commit}`);
    const expected = this.#ghost.digestAt(index);
    must(digest === expected, "I9", () => `n${id}: the state at ${index} is not the fold of the committed prefix`);
    node.applied = index;
  }

  /** A snapshot has become the state of `id`. I9, I13. */
  installed(id: NodeId, index: number, digest: number): void {
    const node = this.#ghost.node(id);
    must(node.snapshot >= index, "I13", () => `n${id} installs snapshot ${index}, which is not durable on its disk`);
    must(index > node.applied, "I9", () => `n${id} goes back from ${node.applied} to snapshot ${index}`);
    must(digest === this.#ghost.digestAt(index), "I9", () => `n${id}: the state of snapshot ${index} is another`);
    node.applied = index;
  }

  /** I15: the configuration in force is the newest in snapshot and log. I8, I13: nothing is let go that no snapshot holds. */
  configured(id: NodeId, raft: Raft): void {
    const { log } = raft;
    const node = this.#ghost.node(id);
    const { written } = node;
    // While a segment is being changed, what Raft holds may not be written yet.
    if (written.last !== log.lastIndex || written.lastTerm !== log.lastTerm) return;
    const inLog = written.configurationIndex;
    const expected = inLog === 0 ? this.#ghost.committedConfigurationIndex(written.base) : inLog;
    must(log.configurations.latest.index === expected, "I15", () => {
      return `n${id} goes by configuration ${log.configurations.latest.index}, its log says ${expected}`;
    });
    // What it has lost since was covered when it let go.
    must(log.baseIndex <= Math.max(node.covered, written.base), "I8", () => {
      return `n${id} lets go of its log up to ${log.baseIndex}, its durable state ends at ${node.covered}`;
    });
  }

  /** After acknowledgements have reached a leader. I11: match <= what the peer really holds durably. */
  progress(id: NodeId, raft: Raft): void {
    for (const [peer, { match, next, incarnation }] of raft.status().progress) {
      const key = `${raft.term}.${id}.${peer}.${incarnation}`;
      must(
        match >= (this.#matches.get(key) ?? 0),
        "I11",
        () => `n${id}: the match index of n${peer} falls to ${match}`,
      );
      this.#matches.set(key, match);
      must(next > match, "I11", () => `n${id}: next ${next} of n${peer} is not beyond its match ${match}`);
      // One that was removed is only told so, and may have been wiped by now.
      if (memberOf(raft.configuration, peer)?.incarnation !== incarnation) continue;
      const { covered, lost } = this.#ghost.node(peer);
      if (covered >= match || (lost !== null && incarnation <= lost.committed)) continue;
      const held = this.#ghost.node(peer).durable;
      // A later leader may have overwritten what was matched; then this one's term is over, and so is its say.
      if (this.#ghost.node(peer).durableHard.term > raft.term) continue;
      must(this.#agrees(raft, held, match), "I11", () => {
        return `n${id} takes n${peer} to hold its log up to ${match}, which it does not`;
      });
    }
  }

  /**
   * I14: recovery has found all that was durable and a legal tail, no more and no less; durable rows or a snapshot come
   * first, and take the place of a log that does not hold their entry.
   */
  recovered(id: NodeId, raft: Raft, store: StateStore): void {
    const node = this.#ghost.node(id);
    const { written, writtenHard, covered } = node;
    const { committed } = this.#ghost;
    const { index: applied } = store.applied;
    must(applied >= covered, "I14", () => `n${id} finds the state of ${applied}, that of ${covered} was durable`);
    must(store.hash.digest === this.#ghost.digestAt(applied), "I9", () => `n${id} finds another state of ${applied}`);
    const keeps = applied <= written.base || written.termAt(applied) === committed.termAt(applied);
    const last = keeps ? written.last : applied;
    const base = keeps ? written.base : applied;
    must(raft.log.lastIndex === last, "I14", () => {
      return `n${id} recovers a log that ends at ${raft.log.lastIndex}, its disk's ends at ${last}`;
    });
    for (let index = raft.log.baseIndex + 1; index <= last; index++) {
      must(raft.log.termAt(index) === written.termAt(index), "I14", () => `n${id} recovers another entry ${index}`);
    }
    must(raft.log.baseIndex === base, "I14", () => {
      return `n${id} recovers a log that begins after ${raft.log.baseIndex}, not ${base}`;
    });
    // One that has just been welcomed begins at that term, its vote spent.
    const isNew = raft.term > writtenHard.term && raft.vote === id;
    must(isNew || (raft.term === writtenHard.term && raft.vote === writtenHard.vote), "I14", () => {
      return `n${id} recovers term ${raft.term}, vote ${raft.vote}; its disk holds ${writtenHard.term}, ${writtenHard.vote}`;
    });
    node.commit = Math.max(base, applied);
    node.applied = applied;
  }
}
