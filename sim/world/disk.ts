/**
 * A node's disk: what the process sees (page cache) against what a power cut leaves (media). Writes since the last
 * completed sync survive a power cut in any subset, each torn at 512 bytes; names since the last directory sync survive
 * as a prefix. A process that dies leaves the page cache as it is. A failed sync drops the dirty pages.
 */
import type { Disk, DiskError, DiskFile } from "../../core/ports.ts";
import type { Micros } from "../../core/units.ts";
import { closedFileMustNotBeUsed } from "../laws/limits.ts";

const sectorBytes = 512;

type Change = { readonly seq: number; readonly offset: number; readonly bytes: Uint8Array | null };

/** One file: the seen bytes, the bytes on the media, and the changes between them. A change with null bytes cuts at `offset`. */
class FileState {
  seen = new Uint8Array(0);
  seenBytes = 0;
  media = new Uint8Array(0);
  mediaBytes = 0;
  dirty: Change[] = [];
  /** A sync has lied about the changes up to there. */
  promisedThrough = -1;
  /** Writes that the disk has put elsewhere: the page cache hides it until the power goes. */
  readonly misdirected: { readonly change: Change; readonly before: Uint8Array; readonly to: number }[] = [];
}

function grown(bytes: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer> {
  if (size <= bytes.length) return bytes;
  const larger = new Uint8Array(Math.max(size, bytes.length * 2, 256));
  larger.set(bytes);
  return larger;
}

type NameChange =
  | { readonly kind: "link"; readonly name: string; readonly file: FileState }
  | { readonly kind: "remove"; readonly name: string }
  | { readonly kind: "rename"; readonly from: string; readonly to: string };

function applyName(names: Map<string, FileState>, change: NameChange): void {
  if (change.kind === "link") names.set(change.name, change.file);
  else if (change.kind === "remove") names.delete(change.name);
  else {
    const file = names.get(change.from);
    if (file === undefined) return;
    names.delete(change.from);
    names.set(change.to, file);
  }
}

/** What may go wrong with a disk, and how: by chance, keyed by the occasion. */
export interface DiskChance {
  syncFails(occasion: number): boolean;
  /** Whether a sync says that it has done what it has not. */
  syncLies(occasion: number): boolean;
  /** Where in a file of so many bytes a write lands instead, or null: where it should. */
  misdirects(seq: number, fileBytes: number): number | null;
  readFails(occasion: number): boolean;
  /** How many of `length` bytes a write leaves that fails (the disk is full, or broken), or null: it does not. */
  writeFails(occasion: number, length: number): number | null;
  /** Of a power cut: whether this change survives (and which of its sectors). */
  survives(seq: number): boolean;
  sectorSurvives(seq: number, sector: number): boolean;
  namesSurviving(count: number): number;
}

/** What the disk asks of the world around it: time, chance, and somebody who looks. */
export interface DiskWorld {
  readonly chance: DiskChance;
  /** Completes `done` after a latency of its own, in a turn of the node's, if this life of it lasts so long. */
  complete(role: DiskRole, occasion: number, done: () => void): void;
  /** A power cut has taken a change of `file` that a sync had promised. */
  lieTold(file: string): void;
  wrote(file: string, offset: number, bytes: Uint8Array, seq: number): void;
  synced(file: string, throughSeq: number): void;
  removed(file: string): void;
  /** The process has cut `file` to so many bytes. */
  truncated(file: string, bytes: number): void;
  /** Names are durable now; `media` is what a power cut would leave of every file. */
  namesSynced(media: () => ReadonlyMap<string, Uint8Array>): void;
}
/** What a call waits for, which decides its latency. */
export type DiskRole = "sync" | "names" | "read";

/** One disk, which outlives its processes. Every read gets what was written, but for faults that were drawn. */
export class SimDisk {
  readonly #world: DiskWorld;
  #names = new Map<string, FileState>();
  #mediaNames = new Map<string, FileState>();
  #nameChanges: NameChange[] = [];
  #seq: number;
  #reads: number;
  #misread: { readonly name: string; readonly offset: number } | null = null;
  counters = { writes: 0, syncs: 0, syncFailures: 0, readFailures: 0, writeFailures: 0, changesLost: 0, tornWrites: 0 };

  /** `firstSeq` keeps the draws of two disks of one host apart. */
  constructor(world: DiskWorld, firstSeq: number) {
    this.#world = world;
    this.#seq = firstSeq;
    this.#reads = firstSeq;
  }

  /** A view for one boot of the process; the host drops completions of an earlier boot. */
  open(): Disk {
    return {
      list: (done) => this.#world.complete("read", 1, () => done(null, [...this.#names.keys()])),
      open: (name, create, done) => {
        if (!this.#names.has(name) && create) this.#changeName({ kind: "link", name, file: new FileState() });
        const file = this.#names.get(name);
        const error = file === undefined ? { code: "ENOENT", message: `${name} does not exist` } : null;
        this.#world.complete("read", 2, () => done(error, file === undefined ? null : this.#handle(name, file)));
      },
      rename: (from, to, done) => {
        this.#changeName({ kind: "rename", from, to });
        // Set aside, on purpose: what is written under that name from now on is another file.
        this.#world.removed(from);
        this.#world.complete("names", this.#seq, () => done(null));
      },
      remove: (name, done) => {
        this.#changeName({ kind: "remove", name });
        this.#world.removed(name);
        this.#world.complete("names", this.#seq, () => done(null));
      },
      syncDirectory: (done) => this.#syncDirectory(done),
    };
  }

  /** Bits rot: the byte at `offset` of `name` is another one from now on. */
  damage(name: string, offset: number): void {
    const file = this.#names.get(name)!;
    file.seen[offset]! ^= 0x5a;
    file.media[offset]! ^= 0x5a;
  }

  /** The next read of that byte gives another one; what is on the disk stays as it is. */
  misreadOnce(name: string, offset: number): void {
    this.#misread = { name, offset };
  }

  get willMisread(): boolean {
    return this.#misread !== null;
  }

  /** Somebody else has removed `name`, for good. */
  unlink(name: string): void {
    this.#names.delete(name);
    this.#mediaNames.delete(name);
    this.#nameChanges = this.#nameChanges.filter((change) => change.kind === "rename" || change.name !== name);
  }

  /** Another program has written `name` again. */
  replace(name: string, bytes: Uint8Array): void {
    const file = this.#names.get(name)!;
    [file.seen, file.media] = [bytes.slice(), bytes.slice()];
    file.seenBytes = file.mediaBytes = bytes.length;
  }

  /** While no process runs: every file is what it was in `copy`, durably, and there is no other. */
  putBack(copy: ReadonlyMap<string, Uint8Array>): void {
    this.#nameChanges = [];
    for (const name of this.#names.keys()) this.#world.removed(name);
    this.#names = new Map([...copy].map(([name]) => [name, new FileState()]));
    this.#mediaNames = new Map(this.#names);
    for (const [name, bytes] of copy) this.replace(name, bytes);
  }

  /** The bytes of every file as the process would see them now. */
  contents(): Map<string, Uint8Array> {
    return new Map([...this.#names].map(([name, file]) => [name, file.seen.subarray(0, file.seenBytes)]));
  }

  /** Whether the process sees such a file. */
  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** What an honest disk would hold after a power cut. */
  mediaContents(): Map<string, Uint8Array> {
    return new Map([...this.#mediaNames].map(([name, file]) => [name, honest(file)]));
  }

  /** The power goes: the page cache is gone, and of what was not synced some legal part has reached the media. */
  cutPower(): void {
    const surviving = this.#world.chance.namesSurviving(this.#nameChanges.length);
    for (const change of this.#nameChanges.slice(0, surviving)) applyName(this.#mediaNames, change);
    this.#nameChanges = [];
    this.#names = new Map(this.#mediaNames);
    for (const [name, file] of this.#names) {
      for (const { change, before, to } of file.misdirected.splice(0)) {
        this.#world.lieTold(name);
        file.media.set(before, change.offset);
        applyChange(file, { ...change, offset: to });
      }
      for (const change of file.dirty) this.#settle(name, file, change);
      file.dirty = [];
      file.seen = file.media.slice();
      file.seenBytes = file.mediaBytes;
    }
  }

  #settle(name: string, file: FileState, change: Change): void {
    if (!this.#world.chance.survives(change.seq)) {
      this.counters.changesLost += 1;
      if (change.seq <= file.promisedThrough) this.#world.lieTold(name);
      return;
    }
    if (change.bytes === null) {
      applyChange(file, change);
      return;
    }
    let torn = false;
    let at = 0;
    while (at < change.bytes.length) {
      const offset = change.offset + at;
      const length = Math.min(change.bytes.length - at, sectorBytes - (offset % sectorBytes));
      const part = change.bytes.subarray(at, at + length);
      if (this.#world.chance.sectorSurvives(change.seq, Math.floor(offset / sectorBytes))) {
        applyChange(file, { seq: change.seq, offset, bytes: part });
      } else torn = true;
      at += length;
    }
    if (!torn) return;
    this.counters.tornWrites += 1;
    if (change.seq <= file.promisedThrough) this.#world.lieTold(name);
  }

  #changeName(change: NameChange): void {
    this.#seq += 1;
    this.#nameChanges.push(change);
    applyName(this.#names, change);
  }

  #syncDirectory(done: (error: DiskError | null) => void): void {
    const count = this.#nameChanges.length;
    this.#world.complete("names", this.#seq, () => {
      for (const change of this.#nameChanges.splice(0, count)) applyName(this.#mediaNames, change);
      this.#world.namesSynced(() => this.mediaContents());
      done(null);
    });
  }

  #writeBack(file: FileState, change: Change): void {
    const { seq, offset, bytes } = change;
    const to = bytes === null ? null : this.#world.chance.misdirects(seq, file.mediaBytes);
    if (bytes !== null && to !== null) {
      const before = file.media.slice(offset, offset + bytes.length);
      file.misdirected.push({ change, before, to });
    }
    applyChange(file, change);
  }

  #handle(name: string, file: FileState): DiskFile {
    let isClosed = false;
    const mustBeOpen = (call: string): void => closedFileMustNotBeUsed(name, call, isClosed);
    return {
      get sizeBytes() {
        return file.seenBytes;
      },
      read: (offset, length, done) => {
        mustBeOpen("a read");
        const bytes = file.seen.slice(offset, Math.min(offset + length, file.seenBytes));
        if (this.#world.chance.readFails(++this.#reads)) {
          this.counters.readFailures += 1;
          // It fails, or gives less than there is.
          const [code, part] = this.#reads % 2 === 0 ? ["EIO", bytes] : ["SHORT", bytes.subarray(0, bytes.length / 2)];
          return this.#world.complete("read", 3, () => done({ code, message: `a read of ${name} failed` }, part));
        }
        if (this.#misread?.name === name && this.#misread.offset - offset in bytes) {
          bytes[this.#misread.offset - offset]! ^= 0x5a;
          this.#misread = null;
        }
        const short = bytes.length < length ? { code: "SHORT", message: `${name} ends early` } : null;
        this.#world.complete("read", 3, () => done(short, bytes));
      },
      write: (offset, bytes) => {
        mustBeOpen("a write");
        this.counters.writes += 1;
        this.#seq += 1;
        const part = this.#world.chance.writeFails(this.#seq, bytes.length);
        const change = { seq: this.#seq, offset, bytes: bytes.slice(0, part ?? bytes.length) };
        file.dirty.push(change);
        const end = offset + change.bytes.length;
        file.seen = grown(file.seen, end);
        file.seen.set(change.bytes, offset);
        file.seenBytes = Math.max(file.seenBytes, end);
        if (part !== null) {
          this.counters.writeFailures += 1;
          return { code: "ENOSPC", message: `a write to ${name} failed` };
        }
        this.#world.wrote(name, offset, change.bytes, this.#seq);
        return null;
      },
      sync: (done) => {
        mustBeOpen("a sync");
        this.#sync(name, file, done);
      },
      truncate: (size, done) => {
        mustBeOpen("a truncation");
        this.#seq += 1;
        file.dirty.push({ seq: this.#seq, offset: size, bytes: null });
        file.seen.fill(0, size);
        file.seenBytes = Math.min(file.seenBytes, size);
        this.#world.truncated(name, size);
        this.#world.complete("names", this.#seq, () => done(null));
      },
      close: () => {
        mustBeOpen("a close");
        isClosed = true;
      },
    };
  }

  #sync(name: string, file: FileState, done: (error: DiskError | null) => void): void {
    const through = this.#seq;
    this.#world.complete("sync", through, () => {
      this.counters.syncs += 1;
      if (this.#world.chance.syncFails(through)) {
        this.counters.syncFailures += 1;
        for (const { seq } of file.dirty) if (seq <= file.promisedThrough) this.#world.lieTold(name);
        file.dirty = [];
        file.seen = file.media.slice();
        file.seenBytes = file.mediaBytes;
        return done({ code: "EIO", message: `fsync of ${name} failed` });
      }
      if (this.#world.chance.syncLies(through)) {
        // It says that all is durable, and nothing is.
        file.promisedThrough = through;
        this.#world.synced(name, through);
        return done(null);
      }
      const kept = file.dirty.filter((change) => change.seq > through);
      for (const change of file.dirty) if (change.seq <= through) this.#writeBack(file, change);
      file.dirty = kept;
      this.#world.synced(name, through);
      done(null);
    });
  }
}

/** What an honest disk would hold: also what a sync has promised and not done. */
function honest(file: FileState): Uint8Array {
  if (file.promisedThrough < 0) return file.media.subarray(0, file.mediaBytes);
  const whole = new FileState();
  whole.media = file.media.slice();
  whole.mediaBytes = file.mediaBytes;
  for (const change of file.dirty) if (change.seq <= file.promisedThrough) applyChange(whole, change);
  return whole.media.subarray(0, whole.mediaBytes);
}

function applyChange(file: FileState, { offset, bytes }: Change): void {
  if (bytes === null) {
    file.media.fill(0, offset);
    file.mediaBytes = Math.min(file.mediaBytes, offset);
    return;
  }
  file.media = grown(file.media, offset + bytes.length);
  file.media.set(bytes, offset);
  file.mediaBytes = Math.max(file.mediaBytes, offset + bytes.length);
}

/** How long a disk may take, by what it does. */
export const readMicros: Micros = 50;
