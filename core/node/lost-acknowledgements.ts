/**
 * A member that refuses what an earlier start of its directory has acknowledged to this leader: its directory was put back
 * from an older copy, however often it was started since. A leader never takes an entry back, and a log keeps what it has
 * acknowledged; so there is no other cause, but a disk that lies. Without this the leader would wait for ever: it sends
 * nothing that was acknowledged.
 */
import type { AppendReply, Envelope } from "../protocol/message.ts";
import type { Raft } from "../raft/raft.ts";
import type { Index, NodeId, Term } from "../units.ts";
import type { ContextOf } from "./context.ts";
import type { PeerAdmission } from "./peer-admission.ts";

/** The newest start of a member that has answered in `term`, and what earlier ones had acknowledged by then. */
type Start = {
  readonly term: Term;
  readonly incarnation: Index;
  readonly boot: number;
  readonly acknowledged: Index;
};

/** What one boot of a leader has noticed. It acts through PeerAdmission, which tells the member. */
export class LostAcknowledgements {
  readonly #context: ContextOf<"peers" | "trace">;
  readonly #raft: Raft;
  readonly #admission: PeerAdmission;
  readonly #starts = new Map<NodeId, Start>();

  constructor(context: ContextOf<"peers" | "trace">, raft: Raft, admission: PeerAdmission) {
    this.#context = context;
    this.#raft = raft;
    this.#admission = admission;
  }

  /**
   * Whether `reply` shows it; then the sender's streams begin again, and it is told. Call it with every reply that is
   * admitted, in order, before Raft takes it.
   */
  isOfCopy(envelope: Envelope, reply: AppendReply): boolean {
    if (!this.#isShownBy(envelope, reply)) return false;
    const { from } = envelope;
    this.#context.trace.note(
      "warn",
      `node ${from} has lost entries that it had acknowledged: its directory is an older copy`,
    );
    this.#admission.distrust(from);
    this.#context.peers.restartStreams(from);
    return true;
  }

  #isShownBy({ from, fromIncarnation, fromBoot }: Envelope, reply: AppendReply): boolean {
    const { term } = this.#raft;
    const progress = this.#raft.progressOf(from);
    if (progress === null || reply.term !== term || progress.incarnation !== fromIncarnation) return false;
    let start = this.#starts.get(from);
    const isKnown = start?.term === term && start.incarnation === fromIncarnation && start.boot === fromBoot;
    if (start === undefined || !isKnown) {
      start = { term, incarnation: fromIncarnation, boot: fromBoot, acknowledged: progress.match };
      this.#starts.set(from, start);
    }
    // A refusal that names no place says only that the term is over.
    return !reply.success && reply.prevIndex > 0 && reply.prevIndex <= start.acknowledged;
  }
}
