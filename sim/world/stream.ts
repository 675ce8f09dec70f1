/** One directed stream between two machines, as a record of where its connection stands. What becomes of it is streams.ts. */
import { readU32 } from "../../core/bytes.ts";
import type { Inbound, Outbound } from "../../core/protocol/connection.ts";
import { frameHeaderBytes } from "../../core/protocol/frame.ts";
import type { Envelope } from "../../core/protocol/message.ts";
import type { Micros, NodeId } from "../../core/units.ts";
import { linkOf } from "../keys.ts";

/** From one node to another: one connection after the other, each to the machine that listens at one of the peer's addresses. */
export class Stream {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly link: number;
  /** Where the peer may be reached, in the order in which to try them; and which of them is dialled. */
  urls: readonly string[] = [];
  attempt = 0;
  /** The machine that listens where was dialled last. */
  at: NodeId;
  /** Raised when a connection ends: what belongs to it comes to nothing. */
  generation = 0;
  outbound: Outbound | null = null;
  inbound: Inbound | null = null;
  /** The listener's boot that has accepted this connection; 0: none yet; -1: none will. */
  acceptedBy = 0;
  isWanted = false;
  isRedialling = false;
  /** Whether the last connection was accepted. */
  wasOpen = false;
  /** Bytes given away that have not arrived. */
  unsentBytes = 0;
  lastArrival: Micros = 0;
  /** As lastArrival, of what the listener says. */
  lastAnswer: Micros = 0;
  pieces = 0;
  hasDamage = false;
  /** What this connection has taken, and not delivered yet. */
  readonly onItsWay: Envelope[] = [];

  constructor(from: NodeId, to: NodeId) {
    this.from = from;
    this.to = to;
    this.at = to;
    this.link = linkOf(from, to);
  }

  close(): void {
    this.generation += 1;
    this.outbound = null;
    this.inbound = null;
    this.acceptedBy = 0;
    this.unsentBytes = 0;
    this.pieces = 0;
    this.hasDamage = false;
    this.onItsWay.length = 0;
  }
}

/** Comes to a host: bytes for the listener, the listener's answer, or that the connection is gone. */
export type StreamEvent = {
  readonly stream: Stream;
  readonly generation: number;
  readonly kind: "bytes" | "answer" | "closed";
  readonly bytes: Uint8Array;
};

/** Where the last frame of `bytes` begins: it was queued when so many bytes were. */
export function lastFrame(bytes: Uint8Array): number {
  let last = 0;
  for (let at = 0; at < bytes.length; at += frameHeaderBytes + readU32(bytes, at)) last = at;
  return last;
}
