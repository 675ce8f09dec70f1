/** What a member does with each message; core/node/message-dispatch.ts says which comes where. */
import type {
  AppendReply,
  BindRequest,
  ChangeReply,
  ChangeRequest,
  DirectoryConfirmed,
  Envelope,
  ForwardRefused,
  JoinRequest,
  LearnedAddress,
  RaftMessage,
  ReadReply,
  SnapshotChunk,
  SnapshotReply,
  SnapshotWanted,
} from "../protocol/message.ts";
import { memberOf } from "../raft/membership.ts";
import type { Raft } from "../raft/raft.ts";
import type { Micros } from "../units.ts";
import type { CatchUp } from "./catch-up.ts";
import type { ContextOf } from "./context.ts";
import type { LostAcknowledgements } from "./lost-acknowledgements.ts";
import type { LostState } from "./lost-state.ts";
import { type Answer, type MemberReceiver, withoutName } from "./message-dispatch.ts";
import type { PeerAdmission } from "./peer-admission.ts";
import type { PendingRequests } from "./pending-requests.ts";
import type { SnapshotReceiver, SnapshotSender } from "./snapshot-transfer.ts";

type InboxContext = ContextOf<"clock" | "envelope" | "genesis" | "peers" | "schedule" | "send">;

/** To whom it hands on what comes. */
export interface MemberParts {
  readonly raft: Raft;
  readonly admission: PeerAdmission;
  readonly requests: PendingRequests;
  readonly sender: SnapshotSender;
  readonly receiver: SnapshotReceiver;
  readonly catchUp: CatchUp;
  readonly lostState: LostState;
  readonly lostAcknowledgements: LostAcknowledgements;
}

/** One for each boot that takes part. Every sender has been admitted before. */
export class MemberInbox implements MemberReceiver {
  readonly #context: InboxContext;
  readonly #parts: MemberParts;

  constructor(context: InboxContext, parts: MemberParts) {
    this.#context = context;
    this.#parts = parts;
  }

  admits(envelope: Envelope, answer: Answer): boolean {
    const { envelope: envelopeOf, schedule } = this.#context;
    schedule();
    const admission = this.#parts.admission.checkEnvelope(envelope);
    const { from } = envelope;
    if (admission.kind === "tell-term") this.#parts.raft.tellTerm(from);
    else if (admission.kind === "tell-removed") answer(envelopeOf(from, admission.message));
    return admission.kind === "taken";
  }

  onJoinRequest(asked: Envelope, request: JoinRequest, answer: Answer): void {
    const { cluster, from, fromBoot } = asked;
    const { envelope, genesis, schedule } = this.#context;
    schedule();
    const knowsCluster = cluster === genesis.cluster;
    if (!knowsCluster && cluster !== "") return;
    const { admission } = this.#parts;
    const reply = admission.onJoinRequest(this.#now, from, fromBoot, request, knowsCluster);
    if (reply !== null) return answer(withoutName(asked, envelope(from, reply)));
    if (!knowsCluster || request.lost === "") return;
    const standing = admission.standingFor(from);
    answer(envelope(from, { kind: "rebind-pending", storeId: request.storeId, standing }));
  }

  onDirectoryConfirmed({ from }: Envelope, confirmed: DirectoryConfirmed): void {
    this.#parts.admission.binding.onConfirmed(this.#now, from, confirmed);
  }

  onBindRequest(request: BindRequest): void {
    this.#parts.admission.binding.bind(this.#now, request);
  }

  onLearnedAddress({ node, url }: LearnedAddress): void {
    const { peers } = this.#context;
    const isMember = memberOf(this.#parts.raft.configuration, node) !== undefined;
    if (isMember && !peers.isConnected(node)) peers.relayAddress(node, url);
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
    const { lostState, raft, receiver } = this.#parts;
    this.onRaftMessage(envelope, chunk);
    if (chunk.term !== raft.term) return;
    if (lostState.isLost ? chunk.index < raft.log.baseIndex : raft.acknowledgeUpTo(chunk.index)) return;
    receiver.onChunk(chunk, (message) => this.#context.send({ to: envelope.from, message }));
  }

  onSnapshotReply(envelope: Envelope, reply: SnapshotReply): void {
    this.onRaftMessage(envelope, reply);
    if (reply.term === this.#parts.raft.term) this.#parts.sender.onReply(envelope.from, reply, this.#now);
  }

  onSnapshotWanted({ from }: Envelope, { index }: SnapshotWanted): void {
    this.#parts.sender.onWanted(from, index, this.#now);
  }

  onForwardRefused(refusal: ForwardRefused): void {
    this.#parts.requests.onForwardRefused(this.#now, refusal);
  }

  onReadReply(reply: ReadReply): void {
    this.#parts.requests.onReadIndex(reply);
  }

  onChangeRequest({ from }: Envelope, request: ChangeRequest): void {
    this.#parts.requests.onChangeRequest(this.#now, from, request);
  }

  onChangeReply(reply: ChangeReply): void {
    this.#parts.requests.onChangeReply(reply);
  }

  get #now(): Micros {
    return this.#context.clock.now();
  }
}
