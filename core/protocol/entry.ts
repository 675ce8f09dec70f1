/**
 * What a log is made of: entries, the places between them, and the hard state that is written beside them. All of it is
 * plain data, never changed once made, and so can be passed by reference between simulated nodes.
 */
import type { Index, Micros, NodeId, Term } from "../units.ts";

/** What an entry is for. A kind that a node does not know halts it: skipping it would make the replicas differ. */
export const entryKinds = { noop: 0, configuration: 1, command: 2 } as const;
/** As on disk and wire: a u8. A committed entry of another kind ends the node that cannot apply it. */
export type EntryKind = (typeof entryKinds)[keyof typeof entryKinds];

/**
 * Which boot of which member took the command from its client, and that boot's count of it. All zero for entries nobody
 * waits for. Unique over all history: a request that an entry answers is known by it.
 */
export type Origin = {
  readonly node: NodeId;
  readonly incarnation: Index;
  readonly boot: number;
  readonly seq: number;
};

/**
 * One command, one entry. `bytes` is the whole encoded record, made once: the same bytes go to the WAL and to every
 * peer. The fields beside it are what the record's header says; the payload is `bytes` from `entryHeaderBytes` on.
 */
export type Entry = {
  readonly index: Index;
  readonly term: Term;
  readonly kind: number;
  /** Version of the payload's format. */
  readonly version: number;
  /** Cluster time: replicated microseconds, never falling along the log. */
  readonly clusterMicros: Micros;
  readonly origin: Origin;
  /** Client session (its log index) and sequence; 0, 0 without one. */
  readonly session: number;
  readonly sequence: number;
  /** CRC-32 over everything after it in the record. */
  readonly crc: number;
  readonly bytes: Uint8Array;
};

/** A command on its way into the log, before a leader has given it an index and a term. */
export type Proposal = {
  readonly kind: EntryKind;
  readonly origin: Origin;
  readonly session: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
};

/** What a leader opens its term with: an entry that nobody waits for. */
export const noopProposal: Proposal = {
  kind: entryKinds.noop,
  origin: { node: 0, incarnation: 0, boot: 0, seq: 0 },
  session: 0,
  sequence: 0,
  payload: new Uint8Array(0),
};

/** A place in the log: the entry there, or all before it. */
export type LogPosition = { readonly index: Index; readonly term: Term; readonly clusterMicros: Micros };

/** Where a log ends. */
export type LogEnd = { readonly lastIndex: Index; readonly lastTerm: Term };

/** What a node must never forget of an election (Raft paper, figure 2). `vote` 0: nobody in this term. */
export type HardState = { readonly term: Term; readonly vote: NodeId };
