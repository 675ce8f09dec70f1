/**
 * One end of a peer stream, as a pure state machine: bytes in, messages out, and back. The host owns the socket and
 * does what `Outbound` and `Inbound` say; nothing here waits, times or retries.
 *
 * A stream carries messages from the dialler to the listener: each node dials every peer. Both ends begin with a
 * handshake. After it the listener only answers questions, on the stream that brought them (`answerKinds`): so a
 * verdict about a node comes only from a URL that the node itself has dialled, never from somebody who dials it.
 */
import { BadBytes, latin1, latin1Bytes, type Reader, Writer } from "../bytes.ts";
import { type Checked, passed, refused } from "../result.ts";
import {
  decodeHandshake,
  encodeHandshake,
  frameBytesMax,
  FrameReader,
  type Handshake,
  handshakeBytesMax,
  protocolVersion,
  writeFrame,
} from "./frame.ts";
import { decodeEnvelope, encodeEnvelope } from "./message-codec.ts";
import { answerKinds, type Envelope, guestKinds } from "./message.ts";

/**
 * What a listener makes of a dialler. `member`: it takes part, and may say everything. `guest`: one of the two does not
 * take part yet, so that there is nothing to say but `guestKinds`. `removed`: a committed configuration no longer has
 * the dialler. `outdated-copy`: a later start of the dialler's directory is known. `lost-entries`: the dialler has
 * acknowledged entries that it does not hold.
 */
export type Verdict =
  | { readonly kind: "member" | "guest" | FinalVerdict; readonly ours: Handshake }
  /** `isPassing`: the dialler is expected to be taken a moment later; nobody need hear of it. */
  | { readonly kind: "refused"; readonly reason: string; readonly isPassing?: true };

const verdictCodes = { member: 1, guest: 2, removed: 3, "outdated-copy": 4, refused: 5, "lost-entries": 6 } as const;
/** Verdicts on the dialling node itself, which no later attempt changes: it acts on them. */
export type FinalVerdict = "removed" | "outdated-copy" | "lost-entries";
const finalCodes: ReadonlyMap<number, FinalVerdict> = new Map(
  (["removed", "outdated-copy", "lost-entries"] as const).map((kind) => [verdictCodes[kind], kind]),
);
/** Why the dialler's end must be closed: a verdict on its node, or anything else, with a `reason` for its operator. */
export type Closing = { readonly kind: FinalVerdict } | { readonly kind: "other"; readonly reason: string };
const refusalBytesMax = 1024;
/** No guest's message, and no answer, is longer. */
const smallFrameBytesMax = 16 * 1024;
/** What a listener has answered and the host has not taken yet. */
const answerBytesMax = 64 * 1024;

function closingFor(reason: string): Closing {
  return { kind: "other", reason };
}

/** Whether `theirs` may talk to `ours`. A reason has words for both sides. `ours.to` is not looked at. */
export function checkCompatible(ours: Handshake, theirs: Handshake): Checked {
  if (theirs.versionMin > protocolVersion || theirs.versionMax < protocolVersion) {
    return refused(`protocol versions ${theirs.versionMin} to ${theirs.versionMax} do not include ${protocolVersion}`);
  }
  if (theirs.to !== ours.node) return refused(`this is node ${ours.node}, not node ${theirs.to}`);
  if (theirs.node === ours.node) return refused(`node ${theirs.node} is this node's own id`);
  // The cluster's id is not told to somebody who does not know it.
  const isOther = theirs.cluster !== "" && ours.cluster !== "" && theirs.cluster !== ours.cluster;
  if (isOther) return refused(`node ${theirs.node} is of another cluster than node ${ours.node}`);
  if (theirs.takesPart && theirs.cluster === "") return refused(`node ${theirs.node} does not name its cluster`);
  return passed;
}

/** What a stranger, who does not name the cluster, may know of a listener. */
export function anonymous(ours: Handshake): Handshake {
  return { ...ours, cluster: "", incarnation: 0, boot: 0, nonce: 0, storeId: "", takesPart: false, url: "" };
}

/** What the dialler's end needs of its node. */
export interface Dialler {
  /**
   * Whether the listener, which says that it is `theirs`, is the peer that was dialled. `accepts`: it takes this node for
   * a member.
   */
  checkListener(theirs: Handshake, accepts: boolean): Checked;
  /**
   * Whether `theirs` is the very directory that this node knows as that peer's. Any other listener at a peer's URL may
   * be taken for the peer, but only the known directory's word can end this node, or change its directory.
   */
  isBound(theirs: Handshake): boolean;
  /** Takes an answer (`answerKinds`). */
  receive(envelope: Envelope): void;
}

/** The dialler's end. */
export class Outbound {
  readonly #queue = new Writer();
  readonly #queueBytesMax: number;
  readonly #frames = new FrameReader(handshakeBytesMax + refusalBytesMax);
  readonly #ours: Handshake;
  readonly #dialler: Dialler;
  #state: "greeting" | "guest" | "member" | "closed" = "greeting";
  /** What the listener has said of itself; null before. */
  #theirs: Handshake | null = null;
  /** Messages that found the queue full, or the stream not open for them. */
  dropped = 0;

  constructor(ours: Handshake, dialler: Dialler, queueBytesMax: number) {
    this.#ours = ours;
    this.#dialler = dialler;
    this.#queueBytesMax = queueBytesMax;
    writeFrame(this.#queue, () => encodeHandshake(this.#queue, ours));
  }

  /** Both ends take part: any message may be sent. */
  get open(): boolean {
    return this.#state === "member";
  }

  /** The listener has answered the handshake, and has not refused it. */
  get answered(): boolean {
    return this.#state === "member" || this.#state === "guest";
  }

  /**
   * Queues a message. False where the stream is not open for it or the peer does not keep up: a slow peer costs messages,
   * never memory; the message never leaves.
   */
  send(envelope: Envelope): boolean {
    const maySend = this.open || (this.#state === "guest" && guestKinds.has(envelope.message.kind));
    if (!maySend || this.#queue.length > this.#queueBytesMax) {
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

  /** What the listener says. Returns why the stream must be closed, or null. */
  receive(chunk: Uint8Array): Closing | null {
    try {
      let closing: Closing | null = null;
      this.#frames.receive(chunk, (body) => {
        if (closing !== null) return;
        if (this.#state === "greeting") closing = this.#onVerdict(body);
        else closing = this.#onAnswer(body);
      });
      if (closing !== null) this.#state = "closed";
      return closing;
    } catch (error) {
      this.#state = "closed";
      if (error instanceof BadBytes) return closingFor(error.message);
      throw error;
    }
  }

  #onVerdict(body: Reader): Closing | null {
    const code = body.u8();
    if (code === verdictCodes.refused) {
      return closingFor(`refused: ${latin1(body.raw(Math.min(body.left, refusalBytesMax)))}`);
    }
    const theirs = decodeHandshake(body);
    const { to } = this.#ours;
    if (theirs.node !== to) return closingFor(`this is node ${theirs.node}, not node ${to}`);
    const compatible = checkCompatible(this.#ours, theirs);
    if (!compatible.ok) return closingFor(compatible.reason);
    const final = finalCodes.get(code);
    if (final !== undefined && !this.#dialler.isBound(theirs)) return this.#unbelieved(final);
    const checked = this.#dialler.checkListener(theirs, code === verdictCodes.member);
    if (!checked.ok) return closingFor(checked.reason);
    if (final !== undefined) return { kind: final };
    this.#theirs = theirs;
    switch (code) {
      case verdictCodes.member:
        if (!theirs.takesPart || !this.#ours.takesPart) throw new BadBytes("nobody is a member before it takes part");
        this.#state = "member";
        break;
      case verdictCodes.guest:
        this.#state = "guest";
        break;
      default:
        throw new BadBytes("a verdict that is not known");
    }
    this.#frames.bytesMax = smallFrameBytesMax;
    return null;
  }

  #onAnswer(body: Reader): Closing | null {
    const envelope = decodeEnvelope(body);
    if (!answerKinds.has(envelope.message.kind)) throw new BadBytes("the listener speaks out of turn");
    if (envelope.from !== this.#ours.to) throw new BadBytes(`node ${envelope.from} answers for node ${this.#ours.to}`);
    // A node that knows no cluster yet asks, and believes, whom its operator names.
    const isFinal = envelope.message.kind === "removed" && this.#ours.cluster !== "";
    if (isFinal && !this.#dialler.isBound(this.#theirs!)) return this.#unbelieved("removed");
    this.#dialler.receive(envelope);
    return null;
  }

  #unbelieved(verdict: FinalVerdict): Closing {
    return closingFor(
      `it says "${verdict}", and is not believed: its directory is not known here as node ${this.#ours.to}`,
    );
  }
}

/** What the listener's end needs of its node. */
export interface Listener {
  checkHandshake(theirs: Handshake): Verdict;
  /** Takes a message; `answer` puts a small one (`answerKinds`) on the stream that brought it, before this returns. */
  receive(envelope: Envelope, answer: (envelope: Envelope) => void): void;
}

/** The listener's end. */
export class Inbound {
  readonly #frames = new FrameReader(handshakeBytesMax);
  readonly #listener: Listener;
  readonly #reply = new Writer();
  #peer: Handshake | null = null;
  #isMember = false;
  #isRefusalPassing = false;

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  /** Who dials; null while its handshake has not been accepted. */
  get peer(): Handshake | null {
    return this.#peer;
  }

  /** Accepted, and both ends take part. */
  get isMember(): boolean {
    return this.#isMember;
  }

  /** Whether the dialler was refused, and is expected to be taken a moment later. */
  get isRefusalPassing(): boolean {
    return this.#isRefusalPassing;
  }

  /** Bytes to put on the socket: the answer to the handshake, and to questions. */
  takeReply(): Uint8Array | null {
    if (this.#reply.length === 0) return null;
    const bytes = this.#reply.bytes().slice();
    this.#reply.reset();
    return bytes;
  }

  /** Takes what the dialler says. Where it is refused, the stream must be closed after the reply is sent. */
  receive(chunk: Uint8Array): Checked {
    try {
      let checked = passed;
      this.#frames.receive(chunk, (body) => {
        if (!checked.ok) return;
        if (this.#peer === null) checked = this.#greet(body);
        else this.#take(body, this.#peer);
      });
      return checked;
    } catch (error) {
      if (error instanceof BadBytes) return refused(error.message);
      throw error;
    }
  }

  #greet(body: Reader): Checked {
    const theirs = decodeHandshake(body);
    const verdict = this.#listener.checkHandshake(theirs);
    writeFrame(this.#reply, () => {
      this.#reply.u8(verdictCodes[verdict.kind]);
      if (verdict.kind === "refused") this.#reply.raw(latin1Bytes(verdict.reason));
      else encodeHandshake(this.#reply, verdict.ours);
    });
    switch (verdict.kind) {
      case "refused":
        this.#isRefusalPassing = verdict.isPassing === true;
        return refused(verdict.reason);
      case "removed":
        return refused(`node ${theirs.node} was removed from the cluster`);
      case "outdated-copy":
        return refused(`node ${theirs.node} was started from an older copy of its directory`);
      case "lost-entries":
        return refused(`node ${theirs.node} has lost entries that it had acknowledged`);
      case "member":
      case "guest":
        this.#peer = theirs;
        this.#isMember = verdict.kind === "member";
        this.#frames.bytesMax = this.#isMember ? frameBytesMax : smallFrameBytesMax;
        return passed;
      default:
        return verdict satisfies never;
    }
  }

  #take(body: Reader, peer: Handshake): void {
    const envelope = decodeEnvelope(body);
    const { from, cluster, fromIncarnation, fromBoot, message } = envelope;
    if (from !== peer.node) throw new BadBytes(`node ${peer.node} speaks for node ${from}`);
    if (cluster !== peer.cluster) throw new BadBytes(`node ${from} speaks for another cluster`);
    if (fromIncarnation !== peer.incarnation || fromBoot !== peer.boot) {
      throw new BadBytes(`node ${from} speaks for another of its boots`);
    }
    const maySay = this.#isMember ? !answerKinds.has(message.kind) : guestKinds.has(message.kind);
    if (!maySay) throw new BadBytes(`node ${from} may not say ${message.kind}`);
    this.#listener.receive(envelope, (answer) => {
      if (this.#reply.length > answerBytesMax) return;
      writeFrame(this.#reply, () => encodeEnvelope(this.#reply, answer));
    });
  }
}
