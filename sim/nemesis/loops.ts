/**
 * Marks how often the loops of the product over pages, blocks and batches ran: once, twice, many times, and whether the last
 * pass was exactly full. It is seen from outside: by messages, files, pages of a map, and the applied index.
 */
import { readU32, readU64 } from "../../core/bytes.ts";
import type { Fact } from "../../core/ports.ts";
import type { Envelope, SnapshotChunk } from "../../core/protocol/message.ts";
import { sessionRange } from "../../core/storage/ordered-format.ts";
import { segmentNumber } from "../../core/storage/wal-record.ts";
import type { NodeId } from "../../core/units.ts";
import type { Subscriber } from "../bus.ts";
import type { Plan } from "../plan/plan.ts";
import type { Host } from "../world/host.ts";
import type { Page } from "../world/ordered-kv.ts";

/** What goes round, and what one pass of it takes. */
const loops = [
  "appends of a turn by entries",
  "appends of a turn by bytes",
  "forwards of a turn by bytes",
  "chunks of a snapshot",
  "slices of a snapshot",
  "pages of rows in a snapshot",
  "pages of sessions in a snapshot",
  "blocks of a page of rows by bytes",
  "batches of entries applied",
  "pages of rows swept",
  "pages of sessions at an open",
  "segments of a log",
  "live sessions",
  "waiting requests",
] as const;
type Loop = (typeof loops)[number];

/** How often, and how full the last pass was. */
const passes = ["once", "twice", "many", "exactly full"] as const;

/** The marks of each loop, in the order of `passes`: they are set many times in every run. */
const marks = new Map(loops.map((loop) => [loop, passes.map((pass) => `loop | ${loop} | ${pass}`)]));

/** A log has no last pass that could be full. */
const neverFull: readonly Loop[] = ["segments of a log"];

/** Every mark of a loop. */
export const loopMarks: readonly string[] = loops.flatMap((loop) =>
  passes
    .filter((pass) => pass !== "exactly full" || !neverFull.includes(loop))
    .map((pass) => `loop | ${loop} | ${pass}`),
);

/** Bytes of a snapshot's file besides the contents of its blocks: at its start, and before each block. */
const magicBytes = 4;
const blockHeaderBytes = 8;

/** One for each run. It only counts: no draw depends on it. */
export class LoopCoverage implements Subscriber {
  readonly #reached: Set<string>;
  readonly #plan: Plan;
  /** Of the turn under way: appends with entries by receiver, and forwards. */
  readonly #appends = new Map<NodeId, number>();
  #forwards = 0;
  /** By machine: what was last applied; null after a start or an install. */
  readonly #applied = new Map<NodeId, number | null>();
  readonly #batches = new Map<NodeId, number>();
  readonly #swept = new Map<NodeId, number>();
  readonly #scanned = new Map<NodeId, number>();
  readonly #segments = new Map<NodeId, Set<string>>();
  /** Snapshots that were looked at, by machine and name. */
  readonly #seen = new Set<string>();

  constructor(reached: Set<string>, plan: Plan) {
    this.#reached = reached;
    this.#plan = plan;
  }

  #ran(loop: Loop, times: number): void {
    if (times > 0) this.#reached.add(marks.get(loop)![Math.min(times, 3) - 1]!);
  }

  #wasFull(loop: Loop): void {
    this.#reached.add(marks.get(loop)!.at(-1)!);
  }

  /** A loop over `count` things, `atOnce` in each pass. */
  #over(loop: Loop, count: number, atOnce: number): void {
    this.#ran(loop, Math.ceil(count / atOnce));
    if (count > 0 && count % atOnce === 0) this.#wasFull(loop);
  }

  sent(_from: NodeId, to: NodeId, { message }: Envelope): void {
    if (message.kind === "append" && message.entries.length > 0) {
      this.#appends.set(to, (this.#appends.get(to) ?? 0) + 1);
      if (message.entries.length === this.#plan.entriesPerAppendMax) this.#wasFull("appends of a turn by entries");
      let bytes = 0;
      for (const entry of message.entries) bytes += entry.bytes.length;
      if (bytes === this.#plan.limits.bytesPerAppendMax) this.#wasFull("appends of a turn by bytes");
    } else if (message.kind === "forward") {
      this.#forwards += 1;
      let bytes = 0;
      for (const { payload } of message.proposals) bytes += payload.length;
      if (bytes === this.#plan.limits.bytesPerForwardMax) this.#wasFull("forwards of a turn by bytes");
    } else if (message.kind === "snapshot-chunk") this.#chunk(message);
  }

  #chunk({ offset, bytes, totalBytes }: SnapshotChunk): void {
    if (bytes.length > 0 && offset + bytes.length === totalBytes)
      this.#over("chunks of a snapshot", totalBytes, this.#plan.snapshotChunkBytes);
  }

  turnEnded({ node, store }: Host): void {
    if (this.#appends.size > 0) {
      for (const count of this.#appends.values()) {
        this.#ran("appends of a turn by entries", count);
        if (this.#plan.limits.bytesPerAppendMax <= appendBytesSmall) this.#ran("appends of a turn by bytes", count);
      }
      this.#appends.clear();
    }
    this.#ran("forwards of a turn by bytes", this.#forwards);
    this.#forwards = 0;
    const replica = node?.replica ?? null;
    if (replica === null) return;
    const waiting = replica.requests.count;
    this.#ran("waiting requests", waiting);
    if (waiting === this.#plan.limits.waitingMax) this.#wasFull("waiting requests");
    const { count } = store.sessions;
    this.#ran("live sessions", count);
    if (count === this.#plan.sessionLimits.sessionsMax) this.#wasFull("live sessions");
  }

  starting({ id }: Host): void {
    this.#applied.set(id, null);
    this.#batches.set(id, 0);
    this.#swept.set(id, 0);
    this.#scanned.set(id, 0);
  }

  fact({ id }: Host, fact: Fact, a: number): void {
    if (fact !== "applied" && fact !== "installed") return;
    const before = this.#applied.get(id) ?? null;
    this.#applied.set(id, a);
    if (fact === "installed" || before === null) return;
    const count = (this.#batches.get(id) ?? 0) + 1;
    const isFull = a - before === this.#plan.entriesPerApplyMax;
    if (isFull) this.#wasFull("batches of entries applied");
    this.#ran("batches of entries applied", count);
    this.#batches.set(id, isFull ? count : 0);
  }

  pageRead({ id }: Host, { first, end, asked, got }: Page): void {
    if (first === sessionRange[0]) this.#page("pages of sessions at an open", this.#scanned, id, asked, got);
    else if (
      asked === this.#plan.limits.rowsPerSweepMax &&
      asked !== this.#plan.limits.snapshotBlockItems &&
      end > first
    )
      this.#page("pages of rows swept", this.#swept, id, asked, got);
  }

  #page(loop: Loop, counts: Map<NodeId, number>, id: NodeId, asked: number, got: number): void {
    const before = counts.get(id) ?? 0;
    if (got === 0 && before > 0) this.#wasFull(loop);
    if (got > 0) this.#ran(loop, before + 1);
    counts.set(id, got === asked ? before + 1 : 0);
  }

  wrote({ id }: Host, file: string): void {
    if (segmentNumber(file) === null) return;
    const segments = this.#segments.get(id) ?? new Set<string>();
    this.#segments.set(id, segments.add(file));
    this.#ran("segments of a log", segments.size);
  }

  removed({ id }: Host, file: string): void {
    this.#segments.get(id)?.delete(file);
  }

  emptied({ id }: Host): void {
    this.#segments.delete(id);
  }

  snapshotsSynced({ id }: Host, media: ReadonlyMap<string, Uint8Array>): void {
    for (const [name, bytes] of media) {
      if (!name.endsWith(".snap") || this.#seen.has(`${id} ${name}`)) continue;
      this.#seen.add(`${id} ${name}`);
      this.#file(bytes);
    }
  }

  /** The counts stand at the end of the first block. */
  #file(bytes: Uint8Array): void {
    const { snapshotBlockBytes, snapshotBlockItems, snapshotSliceBytes } = this.#plan.limits;
    this.#over("slices of a snapshot", bytes.length, snapshotSliceBytes);
    const lengths: number[] = [];
    let sessions = 0;
    let rows = 0;
    for (let at = magicBytes; at + blockHeaderBytes <= bytes.length;) {
      const length = readU32(bytes, at);
      const end = at + blockHeaderBytes + length;
      if (end > bytes.length) return;
      if (lengths.length === 0) [sessions, rows] = [readU64(bytes, end - 16), readU64(bytes, end - 8)];
      lengths.push(length);
      at = end;
    }
    this.#over("pages of sessions in a snapshot", sessions, snapshotBlockItems);
    this.#over("pages of rows in a snapshot", rows, snapshotBlockItems);
    const pages = Math.ceil(rows / snapshotBlockItems);
    const ofRows = lengths.slice(1 + Math.ceil(sessions / snapshotBlockItems), -1);
    if (pages > 0) this.#ran("blocks of a page of rows by bytes", Math.ceil(ofRows.length / pages));
    if (ofRows.includes(snapshotBlockBytes)) this.#wasFull("blocks of a page of rows by bytes");
  }
}

/** Bytes of an append that entries of a run can reach. */
const appendBytesSmall = 1_000;
