/**
 * The ghost: what is true of the whole cluster, computed from the bytes that reach the disks and the messages that reach
 * the network, never from what a node believes. Invariants are judged against it.
 */
import { Reader, readU32 } from "../../core/bytes.ts";
import {
  batchHeaderBytes,
  type BatchHeader,
  checkBatch,
  readRecords,
  segmentNumber,
} from "../../core/storage/wal-record.ts";
import type { RaftLog } from "../../core/raft/log.ts";
import type { Entry } from "../../core/raft/messages.ts";
import type { NodeId, Term } from "../../core/units.ts";
import { must, Violation } from "../violation.ts";
import { GhostLog } from "./ghost-log.ts";
import { GhostMachine } from "./ghost-machine.ts";

type Hard = { term: Term; vote: NodeId };
type GhostBatch = { readonly hard: Hard | null; readonly entries: readonly Entry[] };
type Pending = GhostBatch & { readonly file: string; readonly seq: number };

export class GhostNode {
  readonly id: NodeId;
  /** The log and hard state as written, page cache included; and as an honest disk would hold them. */
  written = new GhostLog();
  writtenHard: Hard = { term: 0, vote: 0 };
  durable = new GhostLog();
  durableHard: Hard = { term: 0, vote: 0 };
  pending: Pending[] = [];
  durableBatches = 0;
  /** Of this process life. */
  commit = 0;
  applied = 0;

  constructor(id: NodeId) {
    this.id = id;
  }
}

export class Ghost {
  readonly nodes: readonly GhostNode[];
  readonly majority: number;
  /** The node whose election each term has seen. */
  readonly leaders = new Map<Term, NodeId>();
  /** Durable votes: term * 64 + voter -> candidate. */
  readonly #votes = new Map<number, NodeId>();
  /** The payload's CRC of each (index, term) ever written. */
  readonly #payloads = new Map<number, number>();
  /** The committed prefix: what some node's commit index has reached. */
  readonly committed = new GhostLog();
  /** The term in which each index was committed; they never fall along the log. */
  readonly #committedIn: Term[] = [0];
  readonly #machine = new GhostMachine();
  /** Entries by (index, term), to fold them once they are committed. */
  readonly #entries = new Map<number, Entry>();

  constructor(count: number) {
    this.nodes = Array.from({ length: count }, (_, k) => new GhostNode(k + 1));
    this.majority = (count >> 1) + 1;
  }

  node(id: NodeId): GhostNode {
    return this.nodes[id - 1]!;
  }

  /** How many nodes have durably voted for `candidate` in `term`. I4. */
  votesFor(candidate: NodeId, term: Term): number {
    return this.nodes.filter(({ id }) => this.#votes.get(term * 64 + id) === candidate).length;
  }

  /** How many nodes durably hold the committed prefix up to `index`. */
  holders(index: number): number {
    const chain = this.committed.chainAt(index);
    return this.nodes.filter((node) => node.durable.chainAt(index) === chain).length;
  }

  // --- facts from the disks

  wrote(id: NodeId, file: string, bytes: Uint8Array, seq: number): void {
    const batch = decodeBatch(file, bytes);
    if (batch === null) return;
    const node = this.node(id);
    this.#applyWritten(node, batch);
    node.pending.push({ ...batch, file, seq });
  }

  synced(id: NodeId, file: string, throughSeq: number): void {
    if (segmentNumber(file) === null) return;
    const node = this.node(id);
    while (node.pending[0] !== undefined && node.pending[0].seq <= throughSeq && node.pending[0].file === file) {
      this.#applyDurable(node, node.pending.shift()!);
    }
  }

  /** A process starts on what the crash has left. I14: nothing below the durable mark is gone, and the rest is a legal tail. */
  restarted(id: NodeId, contents: ReadonlyMap<string, Uint8Array>): void {
    const node = this.node(id);
    const batches = survivingBatches(contents);
    must(batches.length >= node.durableBatches, "I14", () => {
      return `n${id}: ${node.durableBatches} batches were durable, ${batches.length} are left`;
    });
    const durable = replay(batches.slice(0, node.durableBatches));
    must(durable.log.chainAt(durable.log.last) === node.durable.chainAt(node.durable.last), "I14", () => {
      return `n${id}: the durable log has changed on its disk`;
    });
    const all = replay(batches);
    node.written = all.log;
    node.writtenHard = all.hard;
    // What survived un-synced becomes durable by the recovery's own sync.
    node.pending = batches.slice(node.durableBatches).map((batch) => ({ ...batch, seq: 0 }));
    node.commit = 0;
    node.applied = 0;
  }

  #applyWritten(node: GhostNode, { hard, entries }: GhostBatch): void {
    if (hard !== null) node.writtenHard = hard;
    for (const entry of entries) {
      const rewrites = node.written.last >= entry.index;
      must(!rewrites || entry.index > this.committed.last || this.#isCommitted(entry), "I8", () => {
        return `n${node.id} overwrites entry ${entry.index}, which is committed`;
      });
      this.mint(node, entry);
      node.written.put(entry.index, entry.term, entry.crc, `n${node.id} written`);
    }
  }

  #isCommitted(entry: Entry): boolean {
    return this.committed.termAt(entry.index) === entry.term && this.committed.crcAt(entry.index) === entry.crc;
  }

  /** I5: (index, term) names one payload for ever, minted by that term's leader: its first write or its first append. */
  mint(node: GhostNode, entry: Entry): void {
    const key = entry.index * 65536 + entry.term;
    const known = this.#payloads.get(key);
    if (known === undefined) {
      must(this.votesFor(node.id, entry.term) >= this.majority, "I5", () => {
        return `n${node.id} makes entry (${entry.index}, term ${entry.term}) without having been elected in that term`;
      });
      this.#payloads.set(key, entry.crc);
      this.#entries.set(key, entry);
    }
    must(known === undefined || known === entry.crc, "I5", () => {
      return `n${node.id}: (${entry.index}, term ${entry.term}) names two payloads`;
    });
  }

  #applyDurable(node: GhostNode, { hard, entries }: GhostBatch): void {
    node.durableBatches += 1;
    if (hard !== null) {
      must(hard.term >= node.durableHard.term, "I3", () => {
        return `n${node.id}: the durable term falls from ${node.durableHard.term} to ${hard.term}`;
      });
      node.durableHard = hard;
      if (hard.vote !== 0) this.#vote(node.id, hard);
    }
    for (const { index, term, crc } of entries) node.durable.put(index, term, crc, `n${node.id} durable`);
  }

  /** I2: one vote per node and term. */
  #vote(voter: NodeId, { term, vote }: Hard): void {
    const key = term * 64 + voter;
    const before = this.#votes.get(key);
    must(before === undefined || before === vote, "I2", () => {
      return `n${voter} votes in term ${term} for n${before} and for n${vote}`;
    });
    this.#votes.set(key, vote);
  }

  // --- the committed prefix

  /** `log`, a leader's, says what is committed from now on. */
  extendCommitted(id: NodeId, log: RaftLog, index: number): void {
    for (let at = this.committed.last + 1; at <= index; at++) {
      const { term, crc } = log.entryAt(at);
      const entry = this.#entries.get(at * 65536 + term);
      if (entry?.crc !== crc) throw new Violation("I5", `n${id} commits entry ${at}, which nobody was seen to make`);
      this.committed.put(at, term, crc, "committed");
      this.#committedIn.push(log.termAt(index));
      this.#machine.apply(entry);
    }
  }

  /** The last index that was committed before `term`. */
  committedBefore(term: Term): number {
    return this.#committedIn.findLastIndex((committedIn) => committedIn < term);
  }

  /** The state's digest after the committed entry `index`. */
  digestAt(index: number): number | undefined {
    return this.#machine.digests[index];
  }
}

/** The WAL batch in a write, or null for another file's bytes. */
function decodeBatch(file: string, bytes: Uint8Array): GhostBatch | null {
  if (segmentNumber(file) === null) return null;
  return recordsOf(bytes, { offset: 0, bytes: bytes.length, records: readU32(bytes, 12) });
}

function recordsOf(bytes: Uint8Array, header: Pick<BatchHeader, "offset" | "bytes" | "records">): GhostBatch {
  let hard: Hard | null = null;
  const entries: Entry[] = [];
  readRecords(
    bytes,
    header,
    (hardState) => (hard = { ...hardState }),
    (entry) => entries.push(entry),
  );
  return { hard, entries };
}

function batchAt(bytes: Uint8Array, segment: number, offset: number): { batch: GhostBatch; end: number } | null {
  if (bytes.length - offset < batchHeaderBytes) return null;
  const storeId = new Reader(bytes, offset + 48, offset + 64).id();
  const header = checkBatch(bytes, segment, offset, storeId);
  if (typeof header === "string") return null;
  return { batch: recordsOf(bytes, header), end: offset + header.bytes };
}

/** Every batch from the front up to the first byte that is none. */
function survivingBatches(contents: ReadonlyMap<string, Uint8Array>): (GhostBatch & { file: string })[] {
  const batches: (GhostBatch & { file: string })[] = [];
  const segments = [...contents].map(([file, bytes]) => ({ file, bytes, number: segmentNumber(file) ?? -1 }));
  for (const { file, bytes, number } of segments.filter((s) => s.number >= 0).toSorted((a, b) => a.number - b.number)) {
    let offset = 0;
    while (offset < bytes.length) {
      const found = batchAt(bytes, number, offset);
      if (found === null) return batches;
      batches.push({ ...found.batch, file });
      offset = found.end;
    }
  }
  return batches;
}

function replay(batches: readonly GhostBatch[]): { log: GhostLog; hard: Hard } {
  const log = new GhostLog();
  let hard: Hard = { term: 0, vote: 0 };
  for (const batch of batches) {
    if (batch.hard !== null) hard = batch.hard;
    for (const { index, term, crc } of batch.entries) log.put(index, term, crc, "surviving");
  }
  return { log, hard };
}
