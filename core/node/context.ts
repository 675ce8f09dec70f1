/**
 * What the parts of a node that takes part share: its ports, who it is, its options, and the few things that a part may ask
 * of the node around it. A part names in its constructor what it uses of this (`ContextOf`), and takes the parts that it
 * talks to beside it. So its type says all that it can touch, and a test hands it that much.
 */
import type { Clock, Disk, DiskError, Network, Random, Trace } from "../ports.ts";
import type { Envelope, Message, Outgoing } from "../protocol/message.ts";
import type { Genesis, Identity } from "../storage/identity.ts";
import type { StateStore } from "../storage/state-store.ts";
import type { Index, Micros, NodeId } from "../units.ts";
import type { Ending, NodeOptions } from "./options.ts";
import type { Peers } from "./peers.ts";

/** A node's doors to the outside. */
export type NodePorts = {
  readonly clock: Clock;
  /** The directory of identity and log. */
  readonly disk: Disk;
  readonly snapshotDisk: Disk;
  readonly network: Network;
  readonly random: Random;
  readonly trace: Trace;
  /** Where rows and sessions live. */
  readonly store: StateStore;
};

/** Before Raft is there: nothing can be sent, as only Raft knows whom a message is for. */
export type ReplicaHost = NodePorts & {
  /** As it was when the node began to take part; it is durable. */
  readonly identity: Identity;
  readonly genesis: Genesis;
  readonly options: NodeOptions;
  readonly peers: Peers;
  /** Asks for a turn once this one has ended: one, however often it is called. */
  readonly schedule: () => void;
  /** The node ends before this returns; where it was removed, once its tombstone is durable. The first ending counts. */
  readonly fail: (ending: Ending) => void;
  /** Ends the node: what a disk holds after an error is not known. */
  readonly onDiskError: (error: DiskError) => void;
};

/**
 * What the parts of a member share, for one boot. A part names in its constructor what it may touch of it: see
 * ContextOf.
 */
export type NodeContext = ReplicaHost & {
  /** False: it certainly never left this node. True promises nothing. */
  readonly send: (outgoing: Outgoing) => boolean;
  /** From this start of this node to the newest incarnation of `to` that it knows. */
  readonly envelope: (to: NodeId, message: Message) => Envelope;
};

/** The fields of an identity that name this start of this node in messages and entries. */
export type OriginField = "node" | "incarnation" | "boot";

/** What one part uses: ports and calls, single options, single fields of the identity. */
export type ContextOf<
  Port extends Exclude<keyof NodeContext, "options" | "identity">,
  Option extends keyof NodeOptions = never,
  Field extends keyof Identity = never,
> = Pick<NodeContext, Port> & {
  readonly options: Pick<NodeOptions, Option>;
  readonly identity: Pick<Identity, Field>;
};

/** How soon to try again where a queue or a stream was full. */
export function retryMicrosOf({ options }: ContextOf<never, "heartbeatMicros">): Micros {
  return Math.ceil(options.heartbeatMicros / 4);
}

/** `incarnationOf` is asked for each message. */
export function withSend(host: ReplicaHost, incarnationOf: (to: NodeId) => Index): NodeContext {
  const { node, boot, incarnation } = host.identity;
  const { cluster } = host.genesis;
  const envelope = (to: NodeId, message: Message): Envelope => {
    const toIncarnation = incarnationOf(to);
    return { cluster, from: node, fromIncarnation: incarnation, fromBoot: boot, to, toIncarnation, message };
  };
  return { ...host, envelope, send: ({ to, message }) => host.network.send(to, envelope(to, message)) };
}
