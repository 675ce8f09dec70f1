/** What a member does with each message; core/node/message-dispatch.ts says which comes where. */
import type { Clock } from "../ports.ts";
import type {
  AppendReply,
  ChangeReply,
  ChangeRequest,
  Envelope,
  ForwardRefused,
  JoinRequest,
  Message,
  Outgoing,
  RaftMessage,
  ReadReply,
  SnapshotChunk,
  SnapshotReply,
  SnapshotWanted,
} from "../protocol/message.ts";
import type { Raft } from "../raft/raft.ts";
import type { ClusterId, Micros, NodeId } from "../units.ts";
import type { CatchUp } from "./catch-up.ts";
import type { LostAcknowledgements } from "./lost-acknowledgements.ts";
import type { LostState } from "./lost-state.ts";
import type { Answer, MemberReceiver } from "./message-dispatch.ts";
import type { PeerAdmission } from "./peer-admission.ts";
import type { Requests } from "./requests.ts";
import type { SnapshotReceiver, SnapshotSender } from "./snapshot-transfer.ts";

/** The member around it. */
export interface MemberParts {
  readonly cluster: ClusterId;
  readonly clock: Clock;
  readonly raft: Raft;
  readonly admission: PeerAdmission;
  readonly requests: Requests;
  readonly sender: SnapshotSender;
  readonly receiver: SnapshotReceiver;
  readonly catchUp: CatchUp;
  readonly lostState: LostState;
  readonly lostAcknowledgements: LostAcknowledgements;
  /** How long another member's change request is pursued. */
  readonly requestMicros: Micros;
  /** Asks for a turn. */
  readonly schedule: () => void;
  readonly send: (outgoing: Outgoing) => void;
  readonly envelope: (to: NodeId, message: Message) => Envelope;
}

export class MemberInbox implements MemberReceiver {
  readonly #parts: MemberParts;

  constructor(parts: MemberParts) {
    this.#parts = parts;
  }

  admits(envelope: Envelope, answer: Answer): boolean {
    const { admission, schedule, send } = this.#parts;
    schedule();
    const verdict = admission.checkEnvelope(envelope);
    if (typeof verdict === "boolean") return verdict;
    const { from } = envelope;
    if (verdict.kind === "removed") answer(this.#parts.envelope(from, verdict));
    else send({ to: from, message: verdict });
    return false;
  }

  onJoinRequest({ cluster, from, fromBoot }: Envelope, request: JoinRequest, answer: Answer): void {
    const { admission, schedule } = this.#parts;
    schedule();
    const knowsCluster = cluster === this.#parts.cluster;
    if (!knowsCluster && cluster !== "") return;
    const reply = admission.onJoinRequest(this.#now, from, fromBoot, request, knowsCluster);
    if (reply !== null) answer(this.#parts.envelope(from, reply));
  }

  onRaftMessage({ from }: Envelope, message: RaftMessage): void {
    const { catchUp, raft } = this.#parts;
    raft.receive(this.#now, from, message);
    catchUp.onMessage(this.#now, from, message);
  }

  onAppendReply(envelope: Envelope, reply: AppendReply): void {
    if (!this.#parts.lostAcknowledgements.isOfCopy(envelope, reply)) this.onRaftMessage(envelope, reply);
  }

  onSnapshotChunk(envelope: Envelope, chunk: SnapshotChunk): void {
    const { lostState, raft, receiver, send } = this.#parts;
    this.onRaftMessage(envelope, chunk);
    if (chunk.term !== raft.term) return;
    if (lostState.isLost ? chunk.index < raft.log.baseIndex : raft.acknowledgeUpTo(chunk.index)) return;
    receiver.onChunk(chunk, (message) => send({ to: envelope.from, message }));
  }

  onSnapshotReply(envelope: Envelope, reply: SnapshotReply): void {
    this.onRaftMessage(envelope, reply);
    if (reply.term === this.#parts.raft.term) this.#parts.sender.onReply(envelope.from, reply, this.#now);
  }

  onSnapshotWanted({ from }: Envelope, { index }: SnapshotWanted): void {
    this.#parts.sender.onWanted(from, index, this.#now);
  }

  onForwardRefused(refusal: ForwardRefused): void {
    this.#parts.requests.writes.onRefused(this.#now, refusal);
  }

  onReadReply(reply: ReadReply): void {
    this.#parts.requests.reads.onGrant(reply);
  }

  onChangeRequest({ from }: Envelope, request: ChangeRequest): void {
    const now = this.#now;
    this.#parts.requests.changes.onRequest(from, request, now, now + this.#parts.requestMicros);
  }

  onChangeReply(reply: ChangeReply): void {
    this.#parts.requests.changes.onReply(reply);
  }

  get #now(): Micros {
    return this.#parts.clock.now();
  }
}
