/** What a node says of itself to a peer, and what it makes of a peer that dials it: on its way into a cluster, and in it. */
import { anonymous, handshakeRefusal, type Verdict } from "../protocol/connection.ts";
import { type Handshake, protocolVersion } from "../protocol/frame.ts";
import type { Identity } from "../storage/identity.ts";
import type { ClusterId, NodeId } from "../units.ts";
import type { PeerAdmission } from "./peer-admission.ts";
import type { Peers } from "./peers.ts";

/** A node whose directory is open. */
export type Speaker = {
  readonly identity: Identity;
  /** Drawn at this start. */
  readonly nonce: number;
  /** Empty while the node does not know its cluster. */
  readonly cluster: ClusterId;
  readonly peers: Peers;
  /** Null while the node takes no part. */
  readonly admission: PeerAdmission | null;
  /** It takes no part yet, and founds no cluster: a peer that it was not told of may be a member. */
  readonly isJoining: boolean;
};

export function handshakeOf({ identity, nonce, cluster, peers, admission }: Speaker, to: NodeId): Handshake {
  const { storeId, boot, node, incarnation } = identity;
  const [versionMin, versionMax, takesPart] = [protocolVersion, protocolVersion, admission !== null];
  const url = peers.ownUrl;
  return { versionMin, versionMax, cluster, node, incarnation, boot, nonce, storeId, takesPart, to, url };
}

/** An accepted member's word on where it is reached is kept. */
export function checkHandshake(speaker: Speaker, theirs: Handshake): Verdict {
  const { admission, isJoining, peers } = speaker;
  const ours = handshakeOf(speaker, theirs.node);
  const reason = handshakeRefusal(ours, theirs);
  if (reason !== null) return { kind: "refused", reason };
  if (admission === null || !theirs.takesPart) {
    // A node that is not a member yet may be dialled by one that it was not told of.
    if (theirs.takesPart && isJoining) peers.learnAddress(theirs.node, theirs.url);
    return { kind: "guest", ours: theirs.cluster === ours.cluster ? ours : anonymous(ours) };
  }
  const verdict = admission.checkHandshake(theirs, ours);
  if (verdict.kind === "member") peers.learnAddress(theirs.node, theirs.url);
  return verdict;
}
