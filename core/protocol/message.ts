/** What nodes say to each other: every message, who takes it, and the envelope around it. Plain data, never changed once made. */
import type { ClusterId, Index, NodeId, StoreId, Term } from "../units.ts";
import type { Change, ChangeRefusal } from "./configuration.ts";
import type { Entry, Proposal } from "./entry.ts";

/**
 * Asks, without changing anything, whether an election in `term` could be won (thesis 9.6). `term` is the term to come; many
 * attempts ask for the same one, and `attempt` is the number of this one, of the sender's.
 */
export type PreVote = {
  readonly kind: "pre-vote";
  readonly term: Term;
  readonly attempt: number;
  readonly lastIndex: Index;
  readonly lastTerm: Term;
};
/** To one `attempt`. Granted: `term` is the term asked about. Refused: `term` is the answerer's own. */
export type PreVoteReply = {
  readonly kind: "pre-vote-reply";
  readonly term: Term;
  readonly attempt: number;
  readonly granted: boolean;
};
/** Asks for a vote in `term`, in which the sender campaigns (paper 5.2). (`lastIndex`, `lastTerm`) is where its log ends. */
export type Vote = {
  readonly kind: "vote";
  readonly term: Term;
  readonly lastIndex: Index;
  readonly lastTerm: Term;
  /** The leader itself has asked for this election: nobody holds back for its sake (thesis 3.10). */
  readonly transfer: boolean;
};
/** `granted`: the vote is durable at the answerer and lasts for all of `term`. */
export type VoteReply = { readonly kind: "vote-reply"; readonly term: Term; readonly granted: boolean };
/**
 * Entries after (prevIndex, prevTerm), possibly none: the heartbeat and the ReadIndex round are appends too. `round`
 * rises within a leadership; its echo proves that the leader was the leader after it had opened that round.
 */
export type Append = {
  readonly kind: "append";
  readonly term: Term;
  readonly prevIndex: Index;
  readonly prevTerm: Term;
  readonly commit: Index;
  readonly round: number;
  /** Rises each time the leader starts over with this peer: a refusal of an earlier stream says nothing about this one. */
  readonly stream: number;
  readonly entries: readonly Entry[];
};
/**
 * `success`: the log matches the leader's up to `matchIndex`, durably. Otherwise the entry at `prevIndex` (the
 * append's) is missing or differs, and (`hintIndex`, `hintTerm`) is the last place where it could match.
 */
export type AppendReply = {
  readonly kind: "append-reply";
  readonly term: Term;
  readonly round: number;
  /** The append's. */
  readonly stream: number;
  readonly success: boolean;
  readonly matchIndex: Index;
  readonly prevIndex: Index;
  readonly hintIndex: Index;
  readonly hintTerm: Term;
};
/**
 * Commands that clients gave to the sender, with consecutive `origin.seq`. Only the leader of exactly `term` may take
 * them, and only before the entry that removes the sender: what a removed member has not seen applied up to there never
 * happens.
 */
export type Forward = { readonly kind: "forward"; readonly term: Term; readonly proposals: readonly Proposal[] };
/**
 * The leader of `term` has not appended and will never append the sequences [firstSeq, firstSeq + count) of that start.
 *
 * This answer and those below name the incarnation and the boot of the node that asked: it counts its requests from one
 * again in each, and the leader may answer late.
 */
export type ForwardRefused = {
  readonly kind: "forward-refused";
  readonly term: Term;
  readonly incarnation: Index;
  readonly boot: number;
  readonly firstSeq: number;
  readonly count: number;
};
/** A follower asks for a read index on behalf of all its waiting reads; `id` is unique within the sender's boot. */
export type ReadRequest = {
  readonly kind: "read";
  readonly incarnation: Index;
  readonly boot: number;
  readonly id: number;
};
/**
 * The leader's answer to a read: whatever is applied up to `index` is new enough for every read behind `id` (thesis
 * 6.4).
 */
export type ReadReply = {
  readonly kind: "read-reply";
  readonly incarnation: Index;
  readonly boot: number;
  readonly id: number;
  readonly index: Index;
};
/** A founder asks another one: who are you, whom have you seen, and is the cluster founded? See core/node/bootstrap.ts. */
export type BootstrapHello = {
  readonly kind: "bootstrap-hello";
  readonly storeId: StoreId;
  /** The sender's founding list, to name a difference between the founders' command lines. */
  readonly urls: readonly string[];
  /** The answer echoes it: what was answered in an earlier round of this boot counts no more. */
  readonly round: number;
};
/** The answer to a bootstrap-hello. `asker`, `boot` and `round` say to which: store id, boot and round of who asked. */
export type BootstrapReply = {
  readonly kind: "bootstrap-reply";
  /** The answerer's. */
  readonly storeId: StoreId;
  readonly urls: readonly string[];
  readonly asker: StoreId;
  readonly boot: number;
  readonly round: number;
  /** The store ids of all founders as the answerer has seen them, in the order of the list; empty where it has not seen all. */
  readonly seen: readonly StoreId[];
  /** The genesis if the answerer has it: one store id a founder, in the order of the list; else empty. */
  readonly genesis: readonly StoreId[];
};

/** The leader of `term` hands over: the receiver campaigns at once (thesis 3.10). */
export type TimeoutNow = { readonly kind: "timeout-now"; readonly term: Term };
/**
 * A piece of the sender's snapshot at `index`, known by (`term`, `index`): `term` is the sending leader's, `lastTerm`
 * that of the entry at `index`. `crc` is over all `totalBytes`.
 */
export type SnapshotChunk = {
  readonly kind: "snapshot-chunk";
  readonly term: Term;
  readonly index: Index;
  readonly lastTerm: Term;
  readonly totalBytes: number;
  readonly crc: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
};
/** The receiver holds the snapshot's bytes up to `offset`; the next chunk begins there. */
export type SnapshotReply = {
  readonly kind: "snapshot-reply";
  readonly term: Term;
  readonly index: Index;
  readonly offset: number;
};
/** The sender has lost its rows, and its log begins after `index`: only a snapshot from there on helps it. */
export type SnapshotWanted = { readonly kind: "snapshot-wanted"; readonly index: Index };
/**
 * "Am I a member?": from a node that joins, or that has not heard from a leader for long; or, with `lost`, from the
 * directory that was bound under that store id and has lost its log: "rebind me".
 */
export type JoinRequest = {
  readonly kind: "join-request";
  readonly storeId: StoreId;
  readonly incarnation: Index;
  /** Empty: nothing was lost. */
  readonly lost: StoreId;
};
/** "You are": the answer to a join-request, once a committed configuration has bound the asker's directory. */
export type JoinAccepted = {
  readonly kind: "join-accepted";
  readonly storeId: StoreId;
  /** The answerer's: the entry that binds was committed in this term or before. */
  readonly term: Term;
  readonly incarnation: Index;
  readonly genesis: readonly StoreId[];
  readonly founders: readonly string[];
};
/**
 * "Not yet": the answer to a join-request with `lost`, from a node that can neither rebind the asker nor say for good
 * that nobody can. It is for the operator's eyes: the asker goes on asking.
 */
export type RebindPending = {
  readonly kind: "rebind-pending";
  /** The asker's. */
  readonly storeId: StoreId;
  readonly standing: RebindStanding;
};
/** Why the answerer cannot rebind the asker now. */
export type RebindStanding =
  /** It has lost its own log. */
  | "recovering"
  /** The newest configuration that it holds, which others may have left behind, has no majority without the asker. */
  | "needs-asker"
  | "no-leader"
  /** It leads, or follows a leader that is to decide. */
  | "has-leader";
/** "You are not, any more": a committed configuration is without `incarnation`, or another directory than `storeId` is bound. */
export type Removed = {
  readonly kind: "removed";
  readonly storeId: StoreId;
  readonly incarnation: Index;
  readonly reason: RemovalReason;
};
/**
 * A member asks the node that listens where an added member, as `incarnation`, is to be reached: "is `storeId` your
 * directory?" Anybody may say that it is that member; nothing is bound without this answer.
 */
export type DirectoryCheck = {
  readonly kind: "directory-check";
  readonly storeId: StoreId;
  readonly incarnation: Index;
};
/** "It is, and it has never been a member's." Who has another directory says nothing. Repeats the question's fields. */
export type DirectoryConfirmed = {
  readonly kind: "directory-confirmed";
  readonly storeId: StoreId;
  readonly incarnation: Index;
};
/** A member tells the leader that the directory `storeId` has answered at `url`, where `node`, as `incarnation`, is to be reached. */
export type BindRequest = {
  readonly kind: "bind-request";
  readonly node: NodeId;
  readonly incarnation: Index;
  readonly url: string;
  readonly storeId: StoreId;
};
/** A member tells the leader where it reaches the member `node`, which is not where the configuration has it. */
export type LearnedAddress = { readonly kind: "learned-address"; readonly node: NodeId; readonly url: string };
/** Why a node does not belong to the cluster any more, or cannot be rebound. */
export type RemovalReason =
  | "removed"
  | "another-directory"
  /** The id is that of the member that leads: it runs elsewhere. */
  | "id-of-leader"
  /** The answerer and the asker are the only voters there are or can come to be: nobody gives back what was lost. */
  | "too-few-voters";
/** An operator's change request, on its way from the member that took it to the leader of `term`; nobody else may take it. */
export type ChangeRequest = {
  readonly kind: "change";
  readonly term: Term;
  readonly incarnation: Index;
  readonly boot: number;
  readonly seq: number;
  readonly change: Change;
};
/** What the leader of `term` has decided. */
export type ChangeReply = {
  readonly kind: "change-reply";
  readonly term: Term;
  readonly incarnation: Index;
  readonly boot: number;
  readonly seq: number;
  readonly outcome: ChangeOutcome;
};
/** "other-change": another change is under way. "gave-up": the leader pursues it no more, and says nothing about it. */
export type ChangeOutcome = "done" | "other-change" | "gave-up" | ChangeRefusal;

/** What Raft takes: core/raft/raft.ts has the switch. */
export type RaftMessage =
  | PreVote
  | PreVoteReply
  | Vote
  | VoteReply
  | Append
  | AppendReply
  | SnapshotChunk
  | SnapshotReply
  | TimeoutNow
  | Forward
  | ReadRequest;

/** What only the node around Raft takes: answers to its own requests, bootstrap and membership. */
export type ControlMessage =
  | ForwardRefused
  | ReadReply
  | SnapshotWanted
  | BootstrapHello
  | BootstrapReply
  | JoinRequest
  | JoinAccepted
  | RebindPending
  | Removed
  | DirectoryCheck
  | DirectoryConfirmed
  | BindRequest
  | LearnedAddress
  | ChangeRequest
  | ChangeReply;

/** Everything that can stand in an envelope. Its kinds are numbered in core/protocol/message-kinds.ts. */
export type Message = RaftMessage | ControlMessage;

/** Kinds that answer a question, on the very stream that brought it. Nobody else's word of these kinds is taken. */
export const answerKinds: ReadonlySet<Message["kind"]> = new Set([
  "bootstrap-reply",
  "directory-confirmed",
  "join-accepted",
  "rebind-pending",
  "removed",
]);
/** Kinds that may be said where one of the two does not take part yet. */
export const guestKinds: ReadonlySet<Message["kind"]> = new Set(["bootstrap-hello", "directory-check", "join-request"]);

/** A message with who speaks and who is meant; core checks both ends before Raft sees the message. */
export type Envelope = {
  readonly cluster: ClusterId;
  readonly from: NodeId;
  readonly fromIncarnation: Index;
  /** The sender's durable start counter. */
  readonly fromBoot: number;
  readonly to: NodeId;
  readonly toIncarnation: Index;
  readonly message: Message;
};

/** A message on its way to the node `to`, before it has an envelope. */
export type Outgoing = { readonly to: NodeId; readonly message: Message };
