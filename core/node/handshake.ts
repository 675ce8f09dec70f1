/** What a node says of itself to a peer, and what it makes of a peer that dials it: on its way into a cluster, and in it. */
import { anonymous, checkCompatible, type Verdict } from "../protocol/connection.ts";
import { type Handshake, protocolVersion } from "../protocol/frame.ts";
import type { NodeId } from "../units.ts";
import { clusterOf, type NodeView } from "./view.ts";

/** Null while the node says nothing: it is opening its directory, or ends. */
export function handshakeOf(view: NodeView, to: NodeId): Handshake | null {
  const { identity, entry, nonce, peers, replica } = view;
  if (identity === null || (replica === null && entry === null)) return null;
  const { storeId, boot, node, incarnation } = identity;
  const [versionMin, versionMax, takesPart] = [protocolVersion, protocolVersion, replica !== null];
  const [cluster, url] = [clusterOf(view), peers.ownUrl];
  return { versionMin, versionMax, cluster, node, incarnation, boot, nonce, storeId, takesPart, to, url };
}

/** An accepted member's word on where it is reached is kept. */
export function checkHandshake(view: NodeView, theirs: Handshake): Verdict {
  const ours = handshakeOf(view, theirs.node);
  if (ours === null) return { kind: "refused", reason: "this node is still opening its directory" };
  const compatible = checkCompatible(ours, theirs);
  if (!compatible.ok) return { kind: "refused", reason: compatible.reason };
  const { entry, peers, replica } = view;
  if (replica === null || !theirs.takesPart) {
    // A node that has lost its log knows its cluster, whose members may have moved. A joining node cannot tell who is a
    // member: it asks only nodes at URLs of the operator's list, whatever place they have in it.
    const isOfCluster = theirs.cluster !== "" && theirs.cluster === ours.cluster;
    const isKnown = isOfCluster || view.options.cluster.includes(theirs.url);
    if (theirs.takesPart && entry?.bootstrap === null && isKnown) peers.learnAddress(theirs.node, theirs.url);
    return { kind: "guest", ours: theirs.cluster === ours.cluster ? ours : anonymous(ours) };
  }
  const verdict = replica.admission.checkHandshake(theirs, ours);
  if (verdict.kind === "member") peers.learnAddress(theirs.node, theirs.url);
  return verdict;
}
