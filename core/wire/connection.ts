/**
 * One end of a peer stream, as a pure state machine: bytes in, messages out, and back. The host owns the socket and
 * does what `Outbound` and `Inbound` say; nothing here waits, times or retries.
 *
 * A stream carries messages one way, from the dialler to the listener: each node dials every peer. The listener
 * answers with its handshake, or with a refusal in words, and nothing else.
 */
import { BadBytes, latin1, latin1Bytes, Reader, Writer } from "../bytes.ts";
import type { Envelope } from "../raft/messages.ts";
import { decodeHandshake, encodeHandshake, FrameReader, type Handshake, protocolVersion, writeFrame } from "./frame.ts";
import { decodeEnvelope, encodeEnvelope } from "./message-codec.ts";

const verdicts = { welcome: 1, refused: 2, removed: 3 } as const;
/** The judgement on a member that a committed configuration is without; it ends itself when it hears it. */
export const removedVerdict = "removed";
const refusalBytesMax = 1024;
/** A handshake is this small; more bytes than this before one is complete are a stranger's. */
const handshakeBytesMax = 512;

/** Why `theirs` may not talk to `ours`, in words, or null. `ours.to` is not looked at. */
export function handshakeRefusal(ours: Handshake, theirs: Handshake): string | null {
  if (theirs.versionMin > protocolVersion || theirs.versionMax < protocolVersion) {
    return `protocol versions ${theirs.versionMin} to ${theirs.versionMax} do not include ${protocolVersion}`;
  }
  if (theirs.to !== ours.node) return `this is node ${ours.node}, not node ${theirs.to}`;
  if (theirs.node === ours.node) return `node ${theirs.node} is this node's own id`;
  const bothFounded = theirs.cluster !== "" && ours.cluster !== "";
  if (bothFounded && theirs.cluster !== ours.cluster) {
    return `cluster ${theirs.cluster} is not this node's cluster ${ours.cluster}`;
  }
  return null;
}

/** The dialler's end. */
export class Outbound {
  readonly #queue = new Writer();
  readonly #queueBytesMax: number;
  readonly #frames = new FrameReader();
  #state: "greeting" | "open" | "closed" = "greeting";
  /** Messages that found the queue full. */
  dropped = 0;

  constructor(ours: Handshake, queueBytesMax: number) {
    this.#queueBytesMax = queueBytesMax;
    writeFrame(this.#queue, () => encodeHandshake(this.#queue, ours));
  }

  get open(): boolean {
    return this.#state === "open";
  }

  /**
   * Queues a message. False where the stream is not open or the peer does not keep up: a slow peer costs messages, never
   * memory; the message never leaves.
   */
  send(envelope: Envelope): boolean {
    if (this.#state !== "open" || this.#queue.length > this.#queueBytesMax) {
      this.dropped += 1;
      return false;
    }
    writeFrame(this.#queue, () => encodeEnvelope(this.#queue, envelope));
    return true;
  }

  /** The bytes to put on the socket now; they are the caller's. */
  take(): Uint8Array | null {
    if (this.#queue.length === 0) return null;
    const bytes = this.#queue.bytes().slice();
    this.#queue.reset();
    return bytes;
  }

  /** The listener's answer. Returns why the stream must be closed, or null. */
  receive(chunk: Uint8Array): string | null {
    try {
      let refusal: string | null = null;
      this.#frames.receive(chunk, (body) => {
        if (this.#state !== "greeting") throw new BadBytes("the listener speaks out of turn");
        const verdict = body.u8();
        if (verdict === verdicts.welcome) this.#state = "open";
        else if (verdict === verdicts.removed) refusal = removedVerdict;
        else refusal = `refused: ${latin1(body.raw(Math.min(body.left, refusalBytesMax)))}`;
      });
      if (refusal !== null) this.#state = "closed";
      return refusal;
    } catch (error) {
      this.#state = "closed";
      if (error instanceof BadBytes) return error.message;
      throw error;
    }
  }
}

/** The listener's end. */
export class Inbound {
  readonly #frames = new FrameReader();
  readonly #judge: (theirs: Handshake) => string | null;
  readonly #deliver: (envelope: Envelope) => void;
  #peer: Handshake | null = null;
  #reply: Uint8Array | null = null;

  /** `judge` says why a handshake is refused, or null; `deliver` takes each message of an accepted peer. */
  constructor(judge: (theirs: Handshake) => string | null, deliver: (envelope: Envelope) => void) {
    this.#judge = judge;
    this.#deliver = deliver;
  }

  get peer(): Handshake | null {
    return this.#peer;
  }

  /** Bytes to put on the socket: the answer to the handshake. */
  takeReply(): Uint8Array | null {
    const reply = this.#reply;
    this.#reply = null;
    return reply;
  }

  /** Returns why the stream must be closed (after the reply is sent), or null. */
  receive(chunk: Uint8Array): string | null {
    try {
      let refusal: string | null = null;
      this.#frames.receive(chunk, (body) => {
        if (refusal !== null) return;
        if (this.#peer === null) refusal = this.#greet(body);
        else this.#take(body, this.#peer);
      });
      if (refusal === null && this.#peer === null && this.#frames.heldBytes > handshakeBytesMax) {
        refusal = "no handshake";
      }
      return refusal;
    } catch (error) {
      if (error instanceof BadBytes) return error.message;
      throw error;
    }
  }

  #greet(body: Reader): string | null {
    const theirs = decodeHandshake(body);
    const refusal = this.#judge(theirs);
    if (refusal === null) this.#peer = theirs;
    const writer = new Writer();
    writeFrame(writer, () => {
      const { welcome, refused, removed } = verdicts;
      writer.u8(refusal === null ? welcome : refusal === removedVerdict ? removed : refused);
      if (refusal !== null) writer.raw(latin1Bytes(refusal));
    });
    this.#reply = writer.bytes().slice();
    return refusal;
  }

  #take(body: Reader, peer: Handshake): void {
    const envelope = decodeEnvelope(body);
    if (envelope.from !== peer.node) throw new BadBytes(`node ${peer.node} speaks for node ${envelope.from}`);
    this.#deliver(envelope);
  }
}
