import type { NodeId, Term } from "../../core/units.ts";
import type { Hard, NodeFacts } from "../laws/facts.ts";
import { GhostDisk } from "./ghost-disk.ts";
import { GhostLog } from "./ghost-log.ts";

/** One node as the ghost knows it: what its disks hold, and how far it has come in this boot. */
export class GhostNode implements NodeFacts {
  readonly id: NodeId;
  /** Rises when its log is lost: it votes again, and its earlier votes stay what they were. */
  readonly storageGeneration: number;
  readonly disk = new GhostDisk();
  /** The log and hard state as written, page cache included; and as an honest disk would hold them. */
  written = new GhostLog();
  writtenHard: Hard = { term: 0, vote: 0 };
  durable = new GhostLog();
  durableHard: Hard = { term: 0, vote: 0 };
  /** The newest term in which it has acknowledged entries, and up to where. */
  acknowledged: { readonly term: Term; readonly index: number } = { term: 0, index: 0 };
  /** The term at which it was bound, by its durable identity, with its vote spent: as durable as what its log says. */
  boundTerm: Term = 0;
  /** Its log as a leader, as far as it has told or written it: replication does not wait for the own disk. */
  led: { readonly term: Term; readonly log: GhostLog } | null = null;
  /** The newest durable snapshot. */
  snapshot = 0;
  /** Up to here the state survives without the log: by a durable snapshot, or by durable rows. */
  covered = 0;
  /** The state that this process has found: rows that a power cut may still take count, where they outlive the process. */
  found = 0;
  /** Of this boot. */
  commit = 0;
  applied = 0;

  constructor(id: NodeId, storageGeneration: number) {
    this.id = id;
    this.storageGeneration = storageGeneration;
  }
}
