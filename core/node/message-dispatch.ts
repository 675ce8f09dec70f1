/**
 * The one way of a message into the node: which part of it takes each kind. Exhaustive, without a default that drops what
 * nobody has thought of: a kind that is added to the protocol does not compile until it has its place here.
 */
import { unreachable } from "../assert.ts";
import type {
  AppendReply,
  BindRequest,
  BootstrapHello,
  BootstrapReply,
  ChangeReply,
  ChangeRequest,
  DirectoryCheck,
  DirectoryConfirmed,
  Envelope,
  ForwardRefused,
  JoinAccepted,
  JoinRequest,
  LearnedAddress,
  RaftMessage,
  ReadReply,
  RebindPending,
  Removed,
  SnapshotChunk,
  SnapshotReply,
  SnapshotWanted,
} from "../protocol/message.ts";

/** Puts a message on the stream that brought the question. */
export type Answer = (envelope: Envelope) => void;

/** `answer`, without the cluster's id unless `asked` names that cluster. */
export function withoutName(asked: Envelope, answer: Envelope): Envelope {
  return asked.cluster === answer.cluster ? answer : { ...answer, cluster: "" };
}

/** What concerns nodes that may not take part: it is taken whether this one does or not. */
export interface EntryReceiver {
  onBootstrapHello(envelope: Envelope, message: BootstrapHello, answer: Answer): void;
  onBootstrapReply(envelope: Envelope, message: BootstrapReply): void;
  onDirectoryCheck(envelope: Envelope, message: DirectoryCheck, answer: Answer): void;
  onJoinAccepted(message: JoinAccepted): void;
  /** A request to a node that takes no part itself. */
  onJoinRequest(envelope: Envelope, message: JoinRequest, answer: Answer): void;
  onRebindPending(envelope: Envelope, message: RebindPending): void;
  onRemoved(envelope: Envelope, message: Removed): void;
}

/** What only a node takes that takes part. */
export interface MemberReceiver {
  onJoinRequest(envelope: Envelope, message: JoinRequest, answer: Answer): void;
  /** The sender takes no part yet. */
  onDirectoryConfirmed(envelope: Envelope, message: DirectoryConfirmed): void;
  /** Whether the message is for this node, from a member that may speak. If it is not, the sender is told so where that helps. */
  admits(envelope: Envelope, answer: Answer): boolean;
  // The others are called only with what was admitted.
  onRaftMessage(envelope: Envelope, message: RaftMessage): void;
  onAppendReply(envelope: Envelope, message: AppendReply): void;
  onSnapshotChunk(envelope: Envelope, message: SnapshotChunk): void;
  onSnapshotReply(envelope: Envelope, message: SnapshotReply): void;
  onSnapshotWanted(envelope: Envelope, message: SnapshotWanted): void;
  onBindRequest(message: BindRequest): void;
  onLearnedAddress(message: LearnedAddress): void;
  onForwardRefused(message: ForwardRefused): void;
  onReadReply(message: ReadReply): void;
  onChangeRequest(envelope: Envelope, message: ChangeRequest): void;
  onChangeReply(message: ChangeReply): void;
}

/** `member` is null while the node takes no part: what is only for members is dropped. */
export function dispatch(
  envelope: Envelope,
  answer: Answer,
  entry: EntryReceiver,
  member: MemberReceiver | null,
): void {
  const { message } = envelope;
  switch (message.kind) {
    case "bootstrap-hello":
      return entry.onBootstrapHello(envelope, message, answer);
    case "bootstrap-reply":
      return entry.onBootstrapReply(envelope, message);
    case "join-accepted":
      return entry.onJoinAccepted(message);
    case "removed":
      return entry.onRemoved(envelope, message);
    case "rebind-pending":
      return entry.onRebindPending(envelope, message);
    case "directory-check":
      return entry.onDirectoryCheck(envelope, message, answer);
    case "directory-confirmed":
      return member?.onDirectoryConfirmed(envelope, message);
    case "join-request":
      return (member ?? entry).onJoinRequest(envelope, message, answer);
    case "pre-vote":
    case "pre-vote-reply":
    case "vote":
    case "vote-reply":
    case "append":
    case "timeout-now":
    case "forward":
    case "read":
      return admitted(envelope, answer, member)?.onRaftMessage(envelope, message);
    case "append-reply":
      return admitted(envelope, answer, member)?.onAppendReply(envelope, message);
    case "snapshot-chunk":
      return admitted(envelope, answer, member)?.onSnapshotChunk(envelope, message);
    case "snapshot-reply":
      return admitted(envelope, answer, member)?.onSnapshotReply(envelope, message);
    case "snapshot-wanted":
      return admitted(envelope, answer, member)?.onSnapshotWanted(envelope, message);
    case "bind-request":
      return admitted(envelope, answer, member)?.onBindRequest(message);
    case "learned-address":
      return admitted(envelope, answer, member)?.onLearnedAddress(message);
    case "forward-refused":
      return admitted(envelope, answer, member)?.onForwardRefused(message);
    case "read-reply":
      return admitted(envelope, answer, member)?.onReadReply(message);
    case "change":
      return admitted(envelope, answer, member)?.onChangeRequest(envelope, message);
    case "change-reply":
      return admitted(envelope, answer, member)?.onChangeReply(message);
    default:
      return unreachable(message);
  }
}

/** `member`, if it takes the message; else null. */
function admitted(envelope: Envelope, answer: Answer, member: MemberReceiver | null): MemberReceiver | null {
  return member?.admits(envelope, answer) === true ? member : null;
}
