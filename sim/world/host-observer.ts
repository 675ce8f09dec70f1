import type { Ending } from "../../core/node/options.ts";
import type { Fact } from "../../core/ports.ts";
import type { Envelope } from "../../core/protocol/message.ts";
import type { NodeId } from "../../core/units.ts";
import type { DiskStrike } from "./disk-chance.ts";
import type { Page } from "./ordered-kv.ts";

/**
 * An observer of machines: the simulator. All calls come inside the host's turn, but `turnEnded`, which closes it.
 * `Machine`: what the observer is shown of the calling machine.
 */
export interface HostObserver<Machine> {
  sent(from: NodeId, to: NodeId, envelope: Envelope): void;
  received(host: Machine, envelope: Envelope): void;
  fact(host: Machine, fact: Fact, a: number, b: number, c: number): void;
  wrote(host: Machine, file: string, offset: number, bytes: Uint8Array, seq: number): void;
  synced(host: Machine, file: string, throughSeq: number): void;
  removed(host: Machine, file: string): void;
  /** `file`, beside the rows and the snapshots, is cut to so many bytes. */
  truncated(host: Machine, file: string, bytes: number): void;
  /** A snapshot has been removed, or has another name now. */
  snapshotRemoved(host: Machine): void;
  /** What a power cut would leave of the directory of snapshots, whose names were just made durable. */
  snapshotsSynced(host: Machine, media: ReadonlyMap<string, Uint8Array>): void;
  /** The rows of `host` as they are now survive a power cut. */
  rowsSynced(host: Machine): void;
  pageRead(host: Machine, page: Page): void;
  turnEnded(host: Machine): void;
  /** A process is about to start on what its disk holds. */
  starting(host: Machine): void;
  ended(host: Machine, ending: Ending): void;
  /** What a sync had promised is gone with the power. */
  lieTold(id: NodeId, file: string): void;
  /** Its disk stalls, or fails. */
  struck(what: DiskStrike, id: NodeId): void;
}
