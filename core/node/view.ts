/** Where a node stands at one moment, for what reports it or speaks in its name: whatever of it exists yet. */
import type { Envelope, Message } from "../protocol/message.ts";
import type { Identity } from "../storage/identity.ts";
import type { StateStore } from "../storage/state-store.ts";
import type { ClusterId, NodeId } from "../units.ts";
import type { ClusterEntry } from "./cluster-entry.ts";
import type { Opened } from "./opening.ts";
import type { NodeOptions } from "./options.ts";
import type { Peers } from "./peers.ts";
import type { Replica } from "./replica.ts";

/** Of one moment: it is asked for each time. What is null is not there in this phase. */
export type NodeView = {
  readonly options: NodeOptions;
  readonly store: StateStore;
  readonly peers: Peers;
  /** Null until the directory is open. */
  readonly opened: Opened | null;
  /** As it is on the disk now. */
  readonly identity: Identity | null;
  /** Drawn at this start. */
  readonly nonce: number;
  /** Null before the directory is open, and once the node takes part. */
  readonly entry: ClusterEntry | null;
  /** Null until the node takes part. */
  readonly replica: Replica | null;
  readonly ending: "stopping" | "ended" | null;
};

/** Empty while the node does not know its cluster. */
export function clusterOf({ entry, replica }: NodeView): ClusterId {
  return replica?.genesis.cluster ?? entry?.cluster ?? "";
}

/** The envelope of a node that takes no part, or of a member that answers such a node; `view.identity` is there. */
export function guestEnvelope(view: NodeView, to: NodeId, message: Message): Envelope {
  const { node, boot, incarnation } = view.identity!;
  const cluster = clusterOf(view);
  return { cluster, from: node, fromIncarnation: incarnation, fromBoot: boot, to, toIncarnation: 0, message };
}
