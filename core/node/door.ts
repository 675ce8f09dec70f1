/**
 * Who may take part. Every message names its sender and the one it means, with incarnations; here they are held against
 * the configuration. A member that a committed configuration is without is told so, and ends itself.
 */
import type { Origin } from "../raft/messages.ts";
import { outdatedReply } from "../raft/following.ts";
import { bindStore, memberOf, rebindStore, wasRemoved } from "../raft/membership.ts";
import type { AppendReply, Envelope, Knock, Removed, Welcome } from "../raft/messages.ts";
import type { Raft } from "../raft/raft.ts";
import type { Genesis, Identity } from "../storage/identity.ts";
import type { Index, Micros, NodeId, StoreId } from "../units.ts";
import { removedVerdict } from "../wire/connection.ts";
import type { Handshake } from "../wire/frame.ts";

function isOf(origin: Origin, node: NodeId, incarnation: Index, boot: number): boolean {
  return origin.node === node && origin.incarnation === incarnation && origin.boot === boot;
}

export class Door {
  readonly #identity: Identity;
  readonly #genesis: Genesis;
  readonly #raft: Raft;
  /** The newest life heard of each sender: words of an earlier one are not listened to. */
  readonly #heard = new Map<NodeId, { readonly incarnation: Index; readonly boot: number }>();

  constructor(identity: Identity, genesis: Genesis, raft: Raft) {
    this.#identity = identity;
    this.#genesis = genesis;
    this.#raft = raft;
  }

  /** Whether the message is for this node, from somebody who may speak; or what the sender is to be told. */
  admit(envelope: Envelope): boolean | Removed | AppendReply {
    const { cluster, from, fromIncarnation, fromBoot, to, toIncarnation, message } = envelope;
    const { node, incarnation } = this.#identity;
    if (cluster !== this.#genesis.cluster || to !== node || toIncarnation < incarnation) return false;
    if (toIncarnation > incarnation) {
      // Somebody has this node's place. Whoever knows that this one was removed will say so at a word of it.
      this.#heard.set(from, { incarnation: fromIncarnation, boot: fromBoot });
      return outdatedReply(this.#raft.term);
    }
    // A removed peer that its leader still replicates to is about to learn of it from its log.
    const isLeaving = this.#raft.leadership?.progress.get(from)?.incarnation === fromIncarnation;
    if (!isLeaving && this.isRemoved(from, fromIncarnation)) {
      return { kind: "removed", storeId: "", incarnation: fromIncarnation, reason: "removed" };
    }
    // One of its members begins anew: what its earlier life has acknowledged says nothing about this one.
    if (fromIncarnation < (memberOf(this.#raft.configuration, from)?.incarnation ?? 0)) return false;
    const heard = this.#heard.get(from);
    if (heard !== undefined) {
      const isOlder = fromIncarnation < heard.incarnation;
      if (isOlder || (fromIncarnation === heard.incarnation && fromBoot < heard.boot)) return false;
    }
    // Its sequence numbers are the sender's own, and of this life.
    const isForged =
      message.kind === "forward" &&
      message.proposals.some(({ origin }) => !isOf(origin, from, fromIncarnation, fromBoot));
    if (isForged) return false;
    this.#heard.set(from, { incarnation: fromIncarnation, boot: fromBoot });
    return true;
  }

  isRemoved(id: NodeId, incarnation: Index): boolean {
    const { index, configuration } = this.#raft.committedConfiguration;
    return wasRemoved(configuration, index, id, incarnation);
  }

  /** Which life of `to` is meant: the newest known. */
  incarnationOf(to: NodeId): Index {
    const member = memberOf(this.#raft.configuration, to)?.incarnation ?? 0;
    return Math.max(member, this.#heard.get(to)?.incarnation ?? 0);
  }

  /** The answer to "am I a member?", or null: not yet. The leader binds the directory of one that is new. */
  onKnock(now: Micros, from: NodeId, { storeId, incarnation, lost }: Knock): Welcome | Removed | null {
    const member = memberOf(this.#raft.committedConfiguration.configuration, from);
    if (member?.storeId === storeId) {
      const { founders } = this.#identity;
      const { term } = this.#raft;
      const genesis = this.#genesis.storeIds;
      return { kind: "welcome", storeId, term, incarnation: member.incarnation, genesis, founders };
    }
    // A directory of an earlier incarnation is never bound again: it has voted.
    if ((incarnation > 0 || lost !== "") && this.isRemoved(from, incarnation)) {
      return { kind: "removed", storeId, incarnation, reason: "removed" };
    }
    if (lost !== "") return this.#rebind(now, from, storeId, lost);
    // Whoever lags may not know yet that it was added anew.
    if (this.#raft.role !== "leader") return null;
    if (member !== undefined && member.storeId !== "") {
      return { kind: "removed", storeId, incarnation, reason: "another-directory" };
    }
    const latest = this.#raft.configuration;
    if (memberOf(latest, from)?.storeId === "") this.#raft.proposeConfiguration(now, bindStore(latest, from, storeId));
    return null;
  }

  /** Binds the new directory of one whose log is lost, where a quorum can be had without it. */
  #rebind(now: Micros, from: NodeId, storeId: StoreId, lost: StoreId): Removed | null {
    const latest = this.#raft.configuration;
    const member = memberOf(latest, from);
    if (member?.storeId !== lost) return null;
    const isNeeded = [latest.voters, latest.outgoing].some((half) => half.includes(from) && half.length <= 2);
    if (isNeeded) return { kind: "removed", storeId, incarnation: member.incarnation, reason: "too-few-voters" };
    const index = this.#raft.log.lastIndex + 1;
    this.#raft.proposeConfiguration(now, rebindStore(latest, from, storeId, index));
    return null;
  }

  /** Why a dialling peer is turned away, or null. */
  judge({ cluster, node, incarnation, storeId }: Handshake): string | null {
    if (cluster === "") return null;
    if (this.isRemoved(node, incarnation)) return removedVerdict;
    const member = memberOf(this.#raft.configuration, node);
    const isOther = member?.incarnation === incarnation && member.storeId !== "" && member.storeId !== storeId;
    return isOther ? `another directory is bound as node ${node}` : null;
  }
}
