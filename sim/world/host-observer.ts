import type { Ending } from "../../core/node/options.ts";
import type { Fact } from "../../core/ports.ts";
import type { Envelope } from "../../core/protocol/message.ts";
import type { NodeId } from "../../core/units.ts";
import type { DiskStrike } from "./disk-chance.ts";
import type { Host } from "./host.ts";

/** Somebody who watches: the simulator. All calls come inside the host's turn, but `turnEnded`, which closes it. */
export interface HostObserver {
  sent(from: NodeId, to: NodeId, envelope: Envelope): void;
  received(host: Host, envelope: Envelope): void;
  fact(host: Host, fact: Fact, a: number, b: number, c: number): void;
  wrote(host: Host, file: string, bytes: Uint8Array, seq: number): void;
  synced(host: Host, file: string, throughSeq: number): void;
  removed(host: Host, file: string): void;
  /** What a power cut would leave of the directory of snapshots, whose names were just made durable. */
  snapshotsSynced(host: Host, media: ReadonlyMap<string, Uint8Array>): void;
  /** The rows of `host` as they are now survive a power cut. */
  rowsSynced(host: Host): void;
  turnEnded(host: Host): void;
  /** A process is about to start on what its disk holds. */
  starting(host: Host): void;
  ended(host: Host, ending: Ending): void;
  /** What a sync had promised is gone with the power. */
  lieTold(id: NodeId, file: string): void;
  /** Its disk stalls, or fails. */
  struck(what: DiskStrike, id: NodeId): void;
}
