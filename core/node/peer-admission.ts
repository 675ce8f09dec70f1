/**
 * Who may take part. Every message names its sender and the one it means, with incarnations; here they are held against
 * the configuration. A node that a committed configuration no longer has is told so, and ends itself.
 */
import type { Member } from "../protocol/configuration.ts";
import type { Verdict } from "../protocol/connection.ts";
import type { Origin } from "../protocol/entry.ts";
import type { Handshake } from "../protocol/frame.ts";
import type { Envelope, JoinAccepted, JoinRequest, RebindStanding, Removed } from "../protocol/message.ts";
import { isNeededVoter, memberOf, rebindStore, wasRemoved } from "../raft/membership.ts";
import type { Raft } from "../raft/raft.ts";
import { type Checked, passed, refused } from "../result.ts";
import type { Index, Micros, NodeId, StoreId } from "../units.ts";
import type { ContextOf } from "./context.ts";
import { DirectoryBinding } from "./directory-binding.ts";
import { type Joiner, RefusalCheck } from "./refusal-check.ts";
import { LostPeers } from "./lost-peers.ts";
import type { ReadBarrier } from "./pending-reads.ts";
import { PeerStarts } from "./peer-starts.ts";

function isOf(origin: Origin, node: NodeId, incarnation: Index, boot: number): boolean {
  return origin.node === node && origin.incarnation === incarnation && origin.boot === boot;
}

/**
 * What to make of a message: it is `taken`; it is `ignored`, not meant for this node or from somebody who may not speak; or
 * its sender is to be told this node's term (`tell-term`), or that it is removed (`tell-removed`).
 */
export type Admission =
  | { readonly kind: "taken" | "ignored" | "tell-term" }
  | { readonly kind: "tell-removed"; readonly message: Removed };

/** Which start of which member. */
type Named = Pick<Handshake, "node" | "incarnation" | "boot">;

const taken: Admission = { kind: "taken" };
const ignored: Admission = { kind: "ignored" };
const tellTerm: Admission = { kind: "tell-term" };

type AdmissionContext = ContextOf<
  "clock" | "genesis" | "peers" | "schedule" | "send" | "trace",
  "joinerReadMicros",
  "node" | "incarnation" | "founders"
>;

/** One for each boot that takes part. Nothing reaches Raft that has not passed here. */
export class PeerAdmission {
  readonly binding: DirectoryBinding;
  readonly lostPeers: LostPeers;
  readonly #identity: AdmissionContext["identity"];
  readonly #genesis: AdmissionContext["genesis"];
  readonly #raft: Raft;
  readonly #leaderIdCheck: RefusalCheck;
  readonly #bindingCheck: RefusalCheck;
  /** The newest boot heard of each sender: words of an earlier one are not listened to. */
  readonly #heard = new Map<NodeId, { readonly incarnation: Index; readonly boot: number }>();
  readonly #starts: PeerStarts;
  /** Directories that lack what they have acknowledged to this leader. */
  readonly #forgetful = new Set<StoreId>();
  #wasAccepted = false;

  constructor(context: AdmissionContext, raft: Raft, confirm: ReadBarrier) {
    this.#identity = context.identity;
    this.#genesis = context.genesis;
    this.#starts = new PeerStarts(context);
    this.#raft = raft;
    this.binding = new DirectoryBinding(context, raft);
    this.lostPeers = new LostPeers(context, raft);
    this.#leaderIdCheck = new RefusalCheck(confirm, context.options.joinerReadMicros);
    this.#bindingCheck = new RefusalCheck(confirm, context.options.joinerReadMicros);
  }

  /** Whether the message is for this node, from somebody who may speak; or what the sender is to be told. */
  checkEnvelope(envelope: Envelope): Admission {
    const { cluster, from, fromIncarnation, fromBoot, to, toIncarnation, message } = envelope;
    const { node, incarnation } = this.#identity;
    if (cluster !== this.#genesis.cluster || to !== node || toIncarnation < incarnation) return ignored;
    if (toIncarnation > incarnation) {
      // Another node has this node's place. A member that knows of the removal says so when it hears from this node.
      this.#heard.set(from, { incarnation: fromIncarnation, boot: fromBoot });
      return tellTerm;
    }
    // A removed peer that its leader still replicates to is about to learn of it from its log.
    const isLeaving = this.#raft.progressOf(from)?.incarnation === fromIncarnation;
    if (!isLeaving && this.isRemoved(from, fromIncarnation)) {
      return {
        kind: "tell-removed",
        message: { kind: "removed", storeId: "", incarnation: fromIncarnation, reason: "removed" },
      };
    }
    // The member's storage was replaced: what its earlier incarnation has acknowledged says nothing about this one.
    if (fromIncarnation < (memberOf(this.#raft.configuration, from)?.incarnation ?? 0)) return ignored;
    const heard = this.#heard.get(from);
    if (heard !== undefined) {
      const isOlder = fromIncarnation < heard.incarnation;
      if (isOlder || (fromIncarnation === heard.incarnation && fromBoot < heard.boot)) return ignored;
    }
    // Its sequence numbers are the sender's own, and of this boot.
    const isForged =
      message.kind === "forward" &&
      message.proposals.some(({ origin }) => !isOf(origin, from, fromIncarnation, fromBoot));
    if (isForged) return ignored;
    this.#heard.set(from, { incarnation: fromIncarnation, boot: fromBoot });
    return taken;
  }

  /** The directory that has spoken as the member `id` is an older copy: no start of it is a member any more. */
  distrust(id: NodeId): void {
    const storeId = this.#memberOf(id)?.storeId ?? "";
    if (storeId !== "") this.#forgetful.add(storeId);
  }

  /** Whether a member has taken this node, in this start, for one. */
  get wasAccepted(): boolean {
    return this.#wasAccepted;
  }

  isRemoved(id: NodeId, incarnation: Index): boolean {
    const { index, configuration } = this.#raft.committedConfiguration;
    return wasRemoved(configuration, index, id, incarnation);
  }

  /**
   * Whether nothing can be decided without `id`, now or ever. A node ends for good by this word, so it holds only where this
   * node and `id` are the two voters, by a committed configuration that no other one follows in this log: each later one would
   * have needed this node's own acknowledgement. What any other member holds may have been left behind: voters that it does
   * not know may be a majority without `id`. So has what this node holds while it is rebound: what it had acknowledged is lost.
   */
  isNeeded(id: NodeId): boolean {
    const { configuration, committedConfiguration } = this.#raft;
    const { voters, outgoing } = configuration;
    const { node, incarnation } = this.#identity;
    const isNewest = committedConfiguration.configuration === configuration;
    const holdsOwn = memberOf(configuration, node)?.incarnation === incarnation;
    const areTheTwo = voters.length === 2 && voters.includes(id) && voters.includes(node);
    return isNewest && holdsOwn && areTheTwo && outgoing.length === 0 && id !== node;
  }

  /** Why this node cannot rebind `id` now. */
  standingFor(id: NodeId): RebindStanding {
    if (isNeededVoter(this.#raft.configuration, id)) return "needs-asker";
    return this.#raft.leader === 0 ? "no-leader" : "has-leader";
  }

  /** Which incarnation of `to` is meant: the newest known. */
  incarnationOf(to: NodeId): Index {
    const member = memberOf(this.#raft.configuration, to)?.incarnation ?? 0;
    return Math.max(member, this.#heard.get(to)?.incarnation ?? 0);
  }

  /**
   * The answer to "am I a member?", or null: not yet. Only the bound directory is told of the cluster; a new directory
   * is looked for first. `boot` is the asker's. `knowsCluster`: the asker has proved that it was a member; without it
   * only a new directory may ask.
   */
  onJoinRequest(
    now: Micros,
    from: NodeId,
    boot: number,
    { storeId, incarnation, lost }: JoinRequest,
    knowsCluster: boolean,
  ): JoinAccepted | Removed | null {
    if (!knowsCluster && (incarnation > 0 || lost !== "")) return null;
    const member = memberOf(this.#raft.committedConfiguration.configuration, from);
    if (member?.storeId === storeId) {
      const { founders } = this.#identity;
      const { term } = this.#raft;
      const genesis = this.#genesis.storeIds;
      return { kind: "join-accepted", storeId, term, incarnation: member.incarnation, genesis, founders };
    }
    // A directory of an earlier incarnation is never bound again: it has voted. A new one names no cluster yet.
    if (knowsCluster && this.isRemoved(from, incarnation)) {
      return { kind: "removed", storeId, incarnation, reason: "removed" };
    }
    if (lost !== "") {
      this.lostPeers.heard(now, from, lost);
      return this.#rebind(now, from, storeId, lost);
    }
    // A directory that knows the cluster has been a member's: by a configuration that this node does not know to be
    // committed yet, it may look like the directory that is to be bound.
    if (!knowsCluster) this.binding.check(now, from, storeId);
    // A member that lags may not know yet that the asker was removed and added again.
    if (this.#raft.role !== "leader") return this.#refuseLeaderId(now, { id: from, storeId, boot });
    // Nor may a leader that was replaced without knowing it: the binding that it sees may be of an earlier incarnation.
    if (member !== undefined && member.storeId !== "") {
      const isTaken = (): boolean => {
        const bound = memberOf(this.#raft.committedConfiguration.configuration, from)?.storeId ?? "";
        return bound !== "" && bound !== storeId;
      };
      if (!this.#bindingCheck.isConfirmed(now, { id: from, storeId, boot }, isTaken)) return null;
      return { kind: "removed", storeId, incarnation, reason: "another-directory" };
    }
    return null;
  }

  /** A follower's answer: it refuses only its leader's id. */
  #refuseLeaderId(now: Micros, joiner: Joiner): Removed | null {
    const { id, storeId } = joiner;
    const isTaken = (): boolean => {
      const bound = memberOf(this.#raft.committedConfiguration.configuration, id)?.storeId ?? "";
      return this.#raft.leader === id && bound !== "" && bound !== storeId;
    };
    if (!this.#leaderIdCheck.isConfirmed(now, joiner, isTaken)) return null;
    return { kind: "removed", storeId, incarnation: 0, reason: "id-of-leader" };
  }

  /** Binds the new directory of a member that has lost its log, where a quorum can be had without that member. */
  #rebind(now: Micros, from: NodeId, storeId: StoreId, lost: StoreId): Removed | null {
    const latest = this.#raft.configuration;
    const member = memberOf(latest, from);
    if (member?.storeId !== lost) return null;
    // The asker has a copy of it.
    if (this.#starts.isInUse(from, lost)) return null;
    if (isNeededVoter(latest, from)) {
      const { incarnation } = member;
      return this.isNeeded(from) ? { kind: "removed", storeId, incarnation, reason: "too-few-voters" } : null;
    }
    const index = this.#raft.log.lastIndex + 1;
    this.#raft.proposeConfiguration(now, rebindStore(latest, from, storeId, index));
    return null;
  }

  /** What to make of a node of this cluster that takes part and dials this one; `ours` is what this one says of itself. */
  checkHandshake(theirs: Handshake, ours: Handshake): Verdict {
    const { node, incarnation } = theirs;
    if (this.isRemoved(node, incarnation)) return { kind: "removed", ours };
    if (this.#isUnbound(theirs)) return { kind: "refused", reason: `another directory is bound as node ${node}` };
    const started = this.#isHidden(theirs) ? passed : this.#starts.checkStart(theirs);
    // Every restart of a member is refused so for a moment. Where two starts really live, PeerStarts says so.
    if (!started.ok) return { kind: "refused", reason: started.reason, isPassing: true };
    const isForgetful = this.#forgetful.has(theirs.storeId);
    if (isForgetful || this.#starts.isOutdated(theirs)) return this.#onOutdated(theirs, ours, isForgetful);
    if (this.#starts.isFound(theirs) && !this.#isUnknown(theirs)) this.#hearFrom(theirs);
    return { kind: "member", ours };
  }

  /**
   * Whether the start that answers in the place of `theirs` keeps nobody out, since it may be a stranger's. A start
   * that the configuration does not know never keeps a bound directory out.
   */
  #isHidden(theirs: Handshake): boolean {
    const { node } = theirs;
    const found = this.#starts.startOf(node);
    if (found === undefined) return false;
    return this.isDoubtful({ ...found, node }) || (this.#isUnknown({ ...found, node }) && this.isBound(theirs));
  }

  /** What somebody said in the name of a living start, while that could not be reached, does not silence it. */
  #hearFrom({ node, incarnation, boot }: Handshake): void {
    if (this.#heard.has(node)) this.#heard.set(node, { incarnation, boot });
  }

  /**
   * The verdict makes the node set its log aside: so it is given only where another node leads, which can give the log
   * back; or where nobody ever can, and the node ends.
   */
  #onOutdated({ node }: Handshake, ours: Handshake, isForgetful: boolean): Verdict {
    const { leader } = this.#raft;
    if (!this.isNeeded(node) && (leader === 0 || leader === node)) {
      return {
        kind: "refused",
        reason: `node ${node} is an older copy, and no other leader is there to give its log back`,
      };
    }
    return { kind: isForgetful ? "lost-entries" : "outdated-copy", ours };
  }

  /** Whether `theirs`, who listens where a peer was dialled, is that peer. `accepts`: as a member it takes this one. */
  checkListener(theirs: Handshake, accepts: boolean): Checked {
    if (!theirs.takesPart) return passed;
    if (this.#isUnbound(theirs)) return refused(`another directory is bound as node ${theirs.node}`);
    this.#starts.found(theirs);
    if (!this.#isUnknown(theirs)) this.#hearFrom(theirs);
    this.#wasAccepted ||= accepts;
    return passed;
  }

  /**
   * Whether the node that takes part as that start of that member may be another node: the newest configuration has
   * another incarnation, or no directory bound yet; and the node does not speak to this one, as a leader of later
   * entries would.
   */
  isDoubtful(start: Named): boolean {
    const heard = this.#heard.get(start.node);
    return this.#isUnknown(start) && (heard?.incarnation !== start.incarnation || heard.boot !== start.boot);
  }

  #isUnknown({ node, incarnation }: Named): boolean {
    const member = this.#memberOf(node);
    return member !== undefined && (member.storeId === "" || member.incarnation !== incarnation);
  }

  /**
   * Whether `theirs` is the directory that the newest configuration has bound as that member. Anybody may listen at a member's
   * URL, while it is down or where it was mistyped; a node that dials there gives away the cluster's id, and no store
   * id but its own.
   */
  isBound({ cluster, node, incarnation, storeId, takesPart }: Handshake): boolean {
    const member = this.#memberOf(node);
    const isKnown = member?.incarnation === incarnation && member.storeId !== "" && member.storeId === storeId;
    return isKnown && takesPart && cluster === this.#genesis.cluster;
  }

  /** Whether the configuration knows (node, incarnation) under another directory. */
  #isUnbound({ node, incarnation, storeId }: Handshake): boolean {
    const member = this.#memberOf(node);
    return member?.incarnation === incarnation && member.storeId !== "" && member.storeId !== storeId;
  }

  /** Of the newest configuration that names it. */
  #memberOf(id: NodeId): Member | undefined {
    return memberOf(this.#raft.configuration, id) ?? memberOf(this.#raft.committedConfiguration.configuration, id);
  }
}
