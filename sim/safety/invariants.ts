/**
 * The invariants, judged as facts come in. Each names itself as in SIMULATION.md. What a message or a commit claims is
 * held against the ghost; a node's own flags are only ever the claim.
 */
import type { Append, AppendReply, Envelope } from "../../core/raft/messages.ts";
import type { Raft } from "../../core/raft/raft.ts";
import type { NodeId, Term } from "../../core/units.ts";
import { must } from "../violation.ts";
import type { Ghost, GhostNode } from "./ghost.ts";
import type { GhostLog } from "./ghost-log.ts";

export class Invariants {
  readonly #ghost: Ghost;
  /** What each leader last took each peer to hold: it never falls within a leadership. */
  readonly #matches = new Map<number, number>();
  /** The Raft of a running node: whose log in memory is the claim. */
  readonly #raftOf: (id: NodeId) => Raft | null;

  constructor(ghost: Ghost, raftOf: (id: NodeId) => Raft | null) {
    this.#ghost = ghost;
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
    }
  }

  /** I2: a vote is durable before it is told. */
  #grant(node: GhostNode, candidate: NodeId, term: Term): void {
    const { durableHard } = node;
    const durable = durableHard.term > term || (durableHard.term === term && durableHard.vote === candidate);
    must(durable, "I2", () => `n${node.id} tells n${candidate} of a vote in term ${term} that is not durable`);
  }

  #append(node: GhostNode, { term, entries, commit }: Append): void {
    const leader = this.#ghost.leaders.get(term);
    must(leader === node.id, "I1", () => `n${node.id} speaks as the leader of term ${term}, but that is n${leader}`);
    for (const entry of entries) this.#ghost.mint(node, entry);
    must(
      commit <= this.#ghost.committed.last,
      "I12",
      () => `n${node.id} announces commit ${commit}, which nobody has committed`,
    );
  }

  /** `id` takes office in `term`. I1: alone. I4: distinct durable votes of a quorum. I6: it holds every entry committed before its term. */
  elected(id: NodeId, term: Term): void {
    const leader = this.#ghost.leaders.get(term);
    must(leader === undefined || leader === id, "I1", () => `n${leader} and n${id} both lead term ${term}`);
    const node = this.#ghost.node(id);
    const votes = this.#ghost.votesFor(node.id, term);
    must(votes >= this.#ghost.majority, "I4", () => `n${node.id} leads term ${term} with ${votes} durable votes`);
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
    const { term, crc } = raft.log.entryAt(index);
    return term === log.termAt(index) && crc === log.crcAt(index);
  }

  /** I7: a success reply only for entries that are durable here and those of that term's leader. */
  #acknowledgement(node: GhostNode, { matchIndex, term }: AppendReply): void {
    must(matchIndex <= node.durable.last, "I7", () => {
      return `n${node.id} acknowledges entry ${matchIndex}, but only ${node.durable.last} are durable`;
    });
    const leader = this.#ghost.leaders.get(term);
    const leading = leader === undefined ? null : this.#raftOf(leader);
    if (leading?.leadership?.term !== term) return; // It leads no more; its log may have changed since.
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
    must(raft.leadership === null || term === raft.term, "I7", () => {
      return `n${id} commits entry ${index} of term ${term} by counting in term ${raft.term}`;
    });
    // A leader that steps down in the turn in which it commits is none any more; but it has led that term.
    must(this.#ghost.leaders.get(term) === id, "I12", () => `n${id} commits ${index} before any leader has`);
    this.#ghost.extendCommitted(id, raft.log, index);
    const holders = this.#ghost.holders(index);
    must(holders >= this.#ghost.majority, "I7", () => {
      return `n${id} commits entry ${index}, which is durable on ${holders} of ${this.#ghost.nodes.length} nodes`;
    });
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

  /** After acknowledgements have reached a leader. I11: match <= what the peer really holds durably. */
  progress(id: NodeId, raft: Raft): void {
    if (raft.leadership === null) return;
    for (const [peer, { match, next }] of raft.leadership.progress) {
      const key = (raft.term * 64 + id) * 64 + peer;
      must(
        match >= (this.#matches.get(key) ?? 0),
        "I11",
        () => `n${id}: the match index of n${peer} falls to ${match}`,
      );
      this.#matches.set(key, match);
      must(next > match, "I11", () => `n${id}: next ${next} of n${peer} is not beyond its match ${match}`);
      const held = this.#ghost.node(peer).durable;
      // A later leader may have overwritten what was matched; then this one's term is over, and so is its say.
      if (this.#ghost.node(peer).durableHard.term > raft.term) continue;
      must(this.#agrees(raft, held, match), "I11", () => {
        return `n${id} takes n${peer} to hold its log up to ${match}, which it does not`;
      });
    }
  }

  /** I14: recovery has found all that was durable and a legal tail, no more and no less. */
  recovered(id: NodeId, raft: Raft): void {
    const { written, writtenHard } = this.#ghost.node(id);
    must(raft.log.lastIndex === written.last, "I14", () => {
      return `n${id} recovers a log of ${raft.log.lastIndex} entries, its disk holds ${written.last}`;
    });
    for (let index = 1; index <= written.last; index++) {
      must(raft.log.termAt(index) === written.termAt(index), "I14", () => `n${id} recovers another entry ${index}`);
    }
    must(raft.term === writtenHard.term && raft.vote === writtenHard.vote, "I14", () => {
      return `n${id} recovers term ${raft.term}, vote ${raft.vote}; its disk holds ${writtenHard.term}, ${writtenHard.vote}`;
    });
  }
}
