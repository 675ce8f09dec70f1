/** What has happened to a machine's directory while no process ran in it, and what the next process must make of it. */
import { assert } from "../../core/assert.ts";
import type { Identity, LogExtent } from "../../core/storage/identity.ts";
import { segmentName, segmentNumber } from "../../core/storage/wal-record.ts";
import type { Term } from "../../core/units.ts";
import type { SimDisk } from "./disk.ts";
import { batchCount, durableOffsetBelowWatermark } from "./durable-offset.ts";
import { identityIn, identityName, ofNewerFormat } from "./identity-file.ts";
import type { SimKv } from "./ordered-kv.ts";

/** Whose directory it is. The disk is another one once the machine was replaced. */
export interface DirectoryHost {
  readonly disk: SimDisk;
  readonly snapshotDisk: SimDisk;
  /** Its rows, if they outlive the process. */
  readonly kv: SimKv | null;
  /** An integer in [0, bound), drawn for this machine and its boot. */
  drawDamage(bound: number): number;
}

/** All bytes of a directory at one moment, as a backup of a stopped process would have them. */
export type DirectoryCopy = {
  readonly disk: ReadonlyMap<string, Uint8Array>;
  readonly snapshots: ReadonlyMap<string, Uint8Array>;
  readonly rows: ReadonlyMap<string, Uint8Array>;
};

type LogState =
  | { readonly kind: "whole" }
  /** Lost under `storeId`. `isMisread`: it will be read wrongly once, and is whole until the process has set it aside. */
  | { readonly kind: "lost"; readonly storeId: string | null; readonly isMisread: boolean }
  /** Its process takes part, as another incarnation, and counts for nothing until it holds the entry that says so. */
  | { readonly kind: "rebinding" };

/** Put back from an older copy: where everybody can tell; or where perhaps nobody can, and it takes part as it is. */
type CopyState = "none" | "judged" | "unjudged";

/** One for each machine, through all its processes. */
export class Directory {
  readonly #host: DirectoryHost;
  #log: LogState = { kind: "whole" };
  #copy: CopyState = "none";
  /** Its last process stopped in good order: all that is in its log is told to be durable. */
  #isSealed = false;
  /** A newer program has written its identity: what it was before that. */
  #ownIdentity: Uint8Array | null = null;

  constructor(host: DirectoryHost) {
    this.#host = host;
  }

  /** Its log was lost, and its process has not found that out yet, or has not taken part since. */
  get mustRecover(): boolean {
    return this.#log.kind === "lost";
  }

  /** Its log was lost, and it counts for nothing until it holds the entry that rebinds it. */
  get isRecovering(): boolean {
    return this.#log.kind !== "whole";
  }

  /** It takes part again after a loss, and does not hold yet the entry that rebinds it. */
  get isRebinding(): boolean {
    return this.#log.kind === "rebinding";
  }

  /** It was put back from an older copy, and goes by a state that is over: nobody lets it take part before it is told so. */
  get isOlderCopy(): boolean {
    return this.#copy === "judged";
  }

  /** It was put back from an older copy, whether or not anybody can tell. */
  get isAnyCopy(): boolean {
    return this.#copy !== "none";
  }

  get isOfNewerFormat(): boolean {
    return this.#ownIdentity !== null;
  }

  /** It is empty now. */
  wipe(): void {
    this.#log = { kind: "whole" };
    this.#copy = "none";
    this.#ownIdentity = null;
  }

  /** Its process, which has taken part, has stopped in good order. */
  sealed(): void {
    this.#isSealed = true;
  }

  /** A process begins. */
  started(): void {
    this.#isSealed = false;
  }

  /** The process writes its log, or takes part: a misread log is set aside by now. Returns whether it was misread. */
  setMisreadAside(): boolean {
    if (this.#log.kind !== "lost" || !this.#log.isMisread) return false;
    this.#log = { ...this.#log, isMisread: false };
    return true;
  }

  /** Its process takes part. */
  takesPart(): void {
    if (this.#log.kind !== "lost") return;
    assert(!this.#log.isMisread, "a misread log is set aside before its process takes part");
    this.#log = { kind: "rebinding" };
  }

  /** Its process holds, durably, the entry that rebinds it. */
  rebound(): void {
    assert(this.#log.kind === "rebinding", "a directory is rebound after its process has taken part again");
    this.#log = { kind: "whole" };
  }

  /** Its process has been told that it goes by a state that is over. */
  toldThatItIsOver(): void {
    assert(this.#copy !== "none", "only an older copy is told so");
    this.#copy = "none";
  }

  /** All of it, as it is now. */
  copy(): DirectoryCopy {
    const rows = new Map(this.#host.kv?.contents);
    return { disk: copyOf(this.#host.disk), snapshots: copyOf(this.#host.snapshotDisk), rows };
  }

  /** No process of the run has been in it: it is what an earlier life of the cluster has left. */
  begin(lived: DirectoryCopy): void {
    this.#replaceBy(lived);
  }

  /** While no process runs in it: what has been since `copy` is gone, and it counts as a log that is lost. */
  putBack(copy: DirectoryCopy): void {
    this.#replaceBy(copy);
    this.#copy = "judged";
    this.#lose(false);
  }

  /** The same, where perhaps nobody can tell: what it has forgotten is counted as a lie of its disk. */
  putBackUnjudged(copy: DirectoryCopy): void {
    this.#replaceBy(copy);
    this.#copy = "unjudged";
  }

  #replaceBy({ disk, snapshots, rows }: DirectoryCopy): void {
    this.#host.disk.putBack(disk);
    this.#host.snapshotDisk.putBack(snapshots);
    this.#host.kv?.putBack(rows);
  }

  /** What its identity says, or null. */
  get identity(): Identity | null {
    return identityIn(this.#ownIdentity ?? this.#host.disk.contents().get(identityName));
  }

  /** The term at which it was bound, as a power cut would leave that; 0: it is of a founder. */
  get boundTerm(): Term {
    return identityIn(this.#host.disk.mediaContents().get(identityName))?.sinceTerm ?? 0;
  }

  /** The store id that its identity holds, or null. */
  get storeId(): string | null {
    return this.identity?.storeId ?? null;
  }

  /** Whether it takes part under the store id whose log it has lost: the log must not begin again as if nothing had been. */
  get runsOnLostLog(): boolean {
    return this.#log.kind === "lost" && !this.#log.isMisread && this.storeId === this.#log.storeId;
  }

  /** Damages the log below what had been synced; false where there is nothing of that. */
  damageLog(): boolean {
    const place = this.#offsetBelowWatermark();
    if (place === null) return false;
    this.#host.disk.damage(place.name, place.offset);
    this.#lose(false);
    return true;
  }

  /** Removes every segment of the log; false where nothing in it had been synced. */
  removeLog(): boolean {
    if (this.#offsetBelowWatermark() === null) return false;
    const { disk } = this.#host;
    for (const name of disk.contents().keys()) if (segmentNumber(name) !== null) disk.unlink(name);
    this.#lose(false);
    return true;
  }

  /** Removes one segment, and returns its number. Call it where `hasSegment`. */
  removeSegment(): number {
    const numbers = this.#toldSegments;
    // The first, one in the middle, or the last: each as likely as the others.
    const at = [0, this.#host.drawDamage(numbers.length), numbers.length - 1][this.#host.drawDamage(3)]!;
    this.#host.disk.unlink(segmentName(numbers[at]!));
    this.#lose(false);
    return numbers[at]!;
  }

  /** Whether the log has a segment that is surely missed. */
  get hasSegment(): boolean {
    return this.#toldSegments.length > 0;
  }

  /** Those that hold more than a head, or are named by the identity, also after a power cut: a new one may not be named yet. */
  get #toldSegments(): number[] {
    const { disk } = this.#host;
    const extent = this.#toldExtent;
    if (extent === null) return [];
    const { firstSegment, lastSegment, storeId } = extent;
    const told = [...disk.mediaContents()].flatMap(([name, bytes]) => {
      const number = disk.has(name) ? segmentNumber(name) : null;
      if (number === null || number < firstSegment) return [];
      return number <= lastSegment || batchCount(bytes, number, storeId) > 1 ? [number] : [];
    });
    return told.toSorted((a, b) => a - b);
  }

  /** What its identity says of the log, now and after a power cut; null where that is nothing. */
  get #toldExtent(): (LogExtent & { readonly storeId: string }) | null {
    const [seen, kept] = [this.identity, identityIn(this.#host.disk.mediaContents().get(identityName))];
    if (seen?.storeId !== kept?.storeId || seen?.log == null || kept?.log == null) return null;
    if (seen.genesis === null || kept.genesis === null) return null;
    return {
      firstSegment: Math.max(seen.log.firstSegment, kept.log.firstSegment),
      lastSegment: Math.min(seen.log.lastSegment, kept.log.lastSegment),
      durableThrough: Math.min(seen.log.durableThrough, kept.log.durableThrough),
      storeId: kept.storeId,
    };
  }

  /** The log, whole as it is, will be read wrongly at the next start; false where that might not be noticed. */
  misreadLog(): boolean {
    const place = this.#offsetBelowWatermark();
    if (place === null || this.storeId === null) return false;
    this.#host.disk.misreadOnce(place.name, place.offset);
    this.#lose(true);
    return true;
  }

  #offsetBelowWatermark(): ReturnType<typeof durableOffsetBelowWatermark> {
    // Older ones are being removed.
    const firstSegment = this.identity?.log?.firstSegment ?? 0;
    const durableThrough = this.#isSealed ? Infinity : (this.#toldExtent?.durableThrough ?? 0);
    const told = { firstSegment, durableThrough };
    return durableOffsetBelowWatermark(this.#host.disk, told, (bound) => this.#host.drawDamage(bound));
  }

  #lose(isMisread: boolean): void {
    this.#log = { kind: "lost", storeId: this.storeId, isMisread };
  }

  /**
   * Before a start: a process that was to misread the log may have ended before it had set it aside. Then the log is whole,
   * and nothing has happened.
   */
  settleMisread(): void {
    if (this.#log.kind !== "lost" || !this.#log.isMisread) return;
    if (this.#host.disk.willMisread || this.storeId !== this.#log.storeId) return;
    this.#log = { kind: "whole" };
  }

  /** A newer program has run here, and has left; false where nothing has been founded here. */
  writeFutureFormat(): boolean {
    const own = this.#host.disk.contents().get(identityName);
    if (own === undefined || this.#ownIdentity !== null) return false;
    this.#ownIdentity = own.slice();
    this.#host.disk.replace(identityName, ofNewerFormat(own));
    return true;
  }

  /** This program's format is there again. */
  restoreFormat(): void {
    if (this.#ownIdentity !== null) this.#host.disk.replace(identityName, this.#ownIdentity);
    this.#ownIdentity = null;
  }
}

function copyOf(disk: SimDisk): Map<string, Uint8Array> {
  return new Map([...disk.contents()].map(([name, bytes]) => [name, bytes.slice()]));
}
