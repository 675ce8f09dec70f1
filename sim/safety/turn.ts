/** What a turn that is under way has brought to its node. */
import type { Message } from "../../core/protocol/message.ts";
import type { Raft } from "../../core/raft/raft.ts";
import type { NodeId } from "../../core/units.ts";
import { preVoteMustChangeNothing } from "../laws/election.ts";
import type { Hard } from "../laws/facts.ts";

/** One for each run: one node has a turn at a time. */
export class Turn {
  #heard = 0;
  #acknowledged = false;
  /** What was before a pre-vote request, if that is all. */
  #before: Hard | null = null;

  heard({ kind }: Message, raft: Raft | null): void {
    this.#heard += 1;
    this.#acknowledged ||= kind === "append-reply";
    const isAlone = kind === "pre-vote" && this.#heard === 1;
    this.#before = isAlone && raft !== null ? { term: raft.term, vote: raft.vote } : null;
  }

  /** Whether it has brought an acknowledgement. The next turn begins. */
  end(id: NodeId, raft: Raft | null): boolean {
    const [acknowledged, before] = [this.#acknowledged, this.#before];
    this.#heard = 0;
    this.#acknowledged = false;
    this.#before = null;
    if (before !== null && raft !== null) preVoteMustChangeNothing(id, before, raft);
    return acknowledged;
  }
}
