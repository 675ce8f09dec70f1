/**
 * Snapshots on their way: from a leader to followers whose next entry is gone from its log, chunk by chunk, each
 * answered with the offset that the receiver has reached. A lost chunk or answer is sent again; a new leader goes on
 * where the old one stopped, for snapshots of one index are the same bytes everywhere.
 */
import { assert } from "../assert.ts";
import { crc32 } from "../bytes.ts";
import type { DiskFile } from "../ports.ts";
import type { Message, SnapshotChunk, SnapshotReply } from "../protocol/message.ts";
import type { Raft } from "../raft/raft.ts";
import type { SnapshotFile } from "../storage/open-snapshots.ts";
import type { SnapshotStore } from "../storage/snapshot-store.ts";
import type { Index, Micros, NodeId, Term } from "../units.ts";
import type { ContextOf } from "./context.ts";
import type { SnapshotInstaller } from "./snapshot-install.ts";

/** Asked for by a node that has lost its rows: it must lead beyond `index`. Holds until the node asks again. */
type Wanted = { readonly index: Index; readonly until: Micros };

type Sending = {
  readonly snapshot: SnapshotFile;
  readonly term: Term;
  offset: number;
  /** When the receiver last got further. */
  progressAt: Micros;
  sentAt: Micros;
  reading: boolean;
  /** So much of the file was read from its front, and the CRC-32 of it. */
  checkedBytes: number;
  crc: number;
};

type SenderContext = ContextOf<"onDiskError" | "send", "heartbeatMicros" | "snapshotChunkBytes" | "snapshotTriesMax">;

/** One for each boot. It sends only while its node leads, to any number of peers, each at its own pace. */
export class SnapshotSender {
  readonly #context: SenderContext;
  readonly #snapshots: SnapshotStore;
  readonly #raft: Raft;
  readonly #resendMicros: Micros;
  /** So long a chunk is sent in vain. */
  readonly #patienceMicros: Micros;
  readonly #sending = new Map<NodeId, Sending>();
  readonly #wanted = new Map<NodeId, Wanted>();
  /** The receivers that did not get further, and until when each rests. */
  readonly #resting = new Map<NodeId, Micros>();
  /** A newer snapshot than there is would help somebody: what it must reach; else 0. */
  #wantedIndex: Index = 0;

  constructor(context: SenderContext, snapshots: SnapshotStore, raft: Raft) {
    this.#context = context;
    this.#snapshots = snapshots;
    this.#raft = raft;
    this.#resendMicros = 4 * context.options.heartbeatMicros;
    this.#patienceMicros = context.options.snapshotTriesMax * this.#resendMicros;
  }

  get wantedIndex(): Index {
    return this.#wantedIndex;
  }

  get isIdle(): boolean {
    return this.#sending.size === 0;
  }

  /** Whether `id` has said lately that it has lost its rows. */
  isWantedBy(id: NodeId, now: Micros): boolean {
    return (this.#wanted.get(id)?.until ?? 0) > now;
  }

  onWanted(from: NodeId, index: Index, now: Micros): void {
    const until = now + 2 * this.#resendMicros;
    assert(until >= (this.#wanted.get(from)?.until ?? 0), "time never goes back within a boot");
    this.#wanted.set(from, { index, until });
  }

  /** What a snapshot for `to` must reach to be of use; 0: it needs none. */
  #needOf(to: NodeId, now: Micros): Index {
    const peer = this.#raft.progressOf(to);
    const since = now - this.#patienceMicros;
    if (peer === null || peer.heardAt < since || (this.#resting.get(to) ?? 0) > now) return 0;
    const asked = this.isWantedBy(to, now) ? this.#wanted.get(to)!.index : 0;
    return Math.max(asked, this.#raft.needsSnapshot(to) ? this.#raft.log.baseIndex : 0);
  }

  /** Begins, goes on and ends whatever is due: call it every turn. */
  advance(now: Micros): void {
    const { peers, term } = this.#raft;
    this.#wantedIndex = 0;
    for (const [to, sending] of this.#sending) {
      assert(sending.term <= term, "terms rise");
      const need = this.#needOf(to, now);
      const isOver = need === 0 || need > sending.snapshot.index || sending.term !== term;
      if (isOver || this.#hasStalled(to, sending, now)) this.#end(to, sending);
      else if (now >= sending.sentAt + this.#resendMicros) this.#chunk(to, sending, now);
    }
    for (const to of peers) {
      const snapshot = this.#snapshots.latest;
      const need = this.#needOf(to, now);
      if (need === 0 || this.#sending.has(to)) continue;
      if (snapshot === null || snapshot.index < need) {
        this.#wantedIndex = Math.max(this.#wantedIndex, need);
        continue;
      }
      this.#snapshots.hold(snapshot);
      const sending = {
        snapshot,
        term,
        offset: 0,
        progressAt: now,
        sentAt: now,
        reading: false,
        checkedBytes: 0,
        crc: 0,
      };
      this.#sending.set(to, sending);
      this.#chunk(to, sending, now);
    }
  }

  /**
   * A receiver that does not get further must not keep a snapshot, and the log after it, for ever. It rests, so that
   * both can go, before it is tried again. A receiver that has got everything is busy installing it.
   */
  #hasStalled(to: NodeId, { offset, snapshot, progressAt }: Sending, now: Micros): boolean {
    const pause = this.#patienceMicros;
    if (offset === snapshot.sizeBytes || now < progressAt + pause) return false;
    assert(this.#sending.has(to), "only who was being sent a snapshot rests from it");
    this.#resting.set(to, now + pause);
    return true;
  }

  /** What is being sent must stay reachable from the log: the lowest index of those, or Infinity. */
  get keepAfter(): Index {
    let keep = Infinity;
    for (const { snapshot } of this.#sending.values()) keep = Math.min(keep, snapshot.index);
    return keep;
  }

  nextDeadline(): Micros {
    let deadline = Infinity;
    for (const { sentAt } of this.#sending.values()) deadline = Math.min(deadline, sentAt + this.#resendMicros);
    return deadline;
  }

  onReply(from: NodeId, { index, offset }: SnapshotReply, now: Micros): void {
    const sending = this.#sending.get(from);
    if (sending?.snapshot.index !== index || offset > sending.snapshot.sizeBytes) return;
    const isNews = offset !== sending.offset;
    sending.offset = offset;
    assert(sending.offset <= sending.snapshot.sizeBytes, "an offset lies within its snapshot");
    if (isNews) sending.progressAt = now;
    if (isNews && offset < sending.snapshot.sizeBytes) this.#chunk(from, sending, now);
  }

  end(): void {
    for (const [to, sending] of this.#sending) this.#end(to, sending);
    assert(this.isIdle, "nothing is sent after the end");
  }

  #end(to: NodeId, sending: Sending): void {
    assert(this.#sending.get(to) === sending, "a transfer ends once");
    this.#sending.delete(to);
    if (!sending.reading) this.#snapshots.release(sending.snapshot);
  }

  #chunk(to: NodeId, sending: Sending, now: Micros): void {
    sending.sentAt = now;
    if (sending.reading) return;
    assert(sending.offset <= sending.snapshot.sizeBytes, "a chunk begins within its snapshot");
    sending.reading = true;
    const { snapshot, offset, term } = sending;
    // At the end an empty chunk asks whether the receiver has got that far.
    const length = Math.min(this.#context.options.snapshotChunkBytes, snapshot.sizeBytes - offset);
    snapshot.file.read(offset, length, (error, bytes) => {
      sending.reading = false;
      if (this.#sending.get(to) !== sending) return this.#snapshots.release(snapshot);
      if (error !== null) return this.#context.onDiskError(error);
      if (!this.#isWhole(sending, offset, bytes)) return this.#setAside(snapshot);
      const { index, term: lastTerm, sizeBytes: totalBytes, crc } = snapshot;
      const message = { kind: "snapshot-chunk", term, index, lastTerm, totalBytes, crc, offset, bytes } as const;
      this.#context.send({ to, message });
    });
  }

  /** False where the whole file was read and is not what was written: the receiver would ask for it again, for ever. */
  #isWhole(sending: Sending, offset: number, bytes: Uint8Array): boolean {
    if (offset === 0) [sending.checkedBytes, sending.crc] = [0, 0];
    if (offset === sending.checkedBytes) {
      sending.crc = crc32(bytes, sending.crc);
      sending.checkedBytes += bytes.length;
    }
    assert(sending.checkedBytes <= sending.snapshot.sizeBytes, "no more is read of a file than it holds");
    return sending.checkedBytes < sending.snapshot.sizeBytes || sending.crc === sending.snapshot.crc;
  }

  /** Another one is written from the state, since somebody still needs one. */
  #setAside(snapshot: SnapshotFile): void {
    for (const [to, sending] of this.#sending) if (sending.snapshot === snapshot) this.#end(to, sending);
    if (this.#snapshots.latest !== snapshot) return;
    this.#snapshots.setAside(snapshot.name, "its checksum is wrong; it is written again", () => undefined);
  }
}

type Incoming = {
  readonly index: Index;
  readonly lastTerm: Term;
  readonly totalBytes: number;
  readonly totalCrc: number;
  file: DiskFile | null;
  received: number;
  crc: number;
};

type ReceiverContext = ContextOf<"onDiskError" | "trace">;

/**
 * One for each boot. It takes one snapshot at a time; a peer's chunk that does not fit is answered with where the next
 * begins.
 */
export class SnapshotReceiver {
  readonly #context: ReceiverContext;
  readonly #snapshots: SnapshotStore;
  readonly #installer: Pick<SnapshotInstaller, "isBusy" | "offer">;
  #incoming: Incoming | null = null;
  /** A complete snapshot is being made durable. */
  #isAdopting = false;

  /** `installer` gets each snapshot that is whole and durable; while it is busy no other is taken. */
  constructor(
    context: ReceiverContext,
    snapshots: SnapshotStore,
    installer: Pick<SnapshotInstaller, "isBusy" | "offer">,
  ) {
    this.#context = context;
    this.#snapshots = snapshots;
    this.#installer = installer;
  }

  /** Takes a chunk of a snapshot that leads beyond the log's commit index; answers through `reply`, now or later. */
  onChunk(chunk: SnapshotChunk, reply: (message: Message) => void): void {
    if (this.#isAdopting || this.#installer.isBusy) return;
    const { index, lastTerm, totalBytes, crc } = chunk;
    const current = this.#incoming;
    // Two that empty one file must not overlap.
    if (current !== null && current.file === null) return;
    const isSame =
      current?.index === index &&
      current.lastTerm === lastTerm &&
      current.totalBytes === totalBytes &&
      current.totalCrc === crc;
    if (!isSame) {
      const incoming: Incoming = { index, lastTerm, totalBytes, totalCrc: crc, file: null, received: 0, crc: 0 };
      this.#incoming = incoming;
      current?.file?.close();
      this.#snapshots.createIncoming((file) => {
        if (this.#incoming !== incoming) return file.close();
        assert(incoming.received === 0, "a new snapshot begins at offset 0");
        incoming.file = file;
        this.#take(incoming, file, chunk, reply);
      });
      return;
    }
    this.#take(current, current.file!, chunk, reply);
  }

  #take(incoming: Incoming, file: DiskFile, chunk: SnapshotChunk, reply: (message: Message) => void): void {
    const { offset, bytes, term, index } = chunk;
    if (offset === incoming.received && offset + bytes.length <= incoming.totalBytes) {
      const error = bytes.length === 0 ? null : file.write(offset, bytes);
      if (error !== null) return this.#context.onDiskError(error);
      incoming.received += bytes.length;
      incoming.crc = crc32(bytes, incoming.crc);
    }
    assert(incoming.received <= incoming.totalBytes, "no more is taken of a snapshot than it has");
    if (incoming.received === incoming.totalBytes) {
      if (incoming.crc === incoming.totalCrc) this.#complete(incoming, file);
      else {
        this.#context.trace.note("warn", `the snapshot at entry ${index} came damaged; it is asked for again`);
        incoming.received = 0;
        incoming.crc = 0;
      }
    }
    reply({ kind: "snapshot-reply", term, index, offset: incoming.received });
  }

  #complete({ index, lastTerm: term, totalBytes: sizeBytes, crc }: Incoming, file: DiskFile): void {
    assert(!this.#isAdopting && !this.#installer.isBusy, "one snapshot at a time is installed");
    this.#incoming = null;
    this.#isAdopting = true;
    this.#snapshots.adoptIncoming({ index, term, sizeBytes, crc, file }, (snapshot) => {
      this.#isAdopting = false;
      this.#installer.offer(snapshot);
    });
  }
}
