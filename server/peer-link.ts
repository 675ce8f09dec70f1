/**
 * The stream on which this node sends to one peer. The peer has several URLs, in order of trust: they are tried in turn,
 * and from the first again after each connection. A listener that takes no part in the cluster, or takes part as an
 * incarnation that this node does not know, may be the peer on its way in, or a stranger that has its address by now:
 * the link talks to it for a while, and then tries the next URL. A peer that cannot be reached is dialled for ever,
 * with a growing pause of a few seconds at most.
 */
import { request } from "node:http";
import type { Socket } from "node:net";
import { type Dialler, type FinalVerdict, Outbound } from "../core/protocol/connection.ts";
import type { Handshake } from "../core/protocol/frame.ts";
import type { Envelope } from "../core/protocol/message.ts";
import type { NodeId } from "../core/units.ts";
import type { Log } from "./log.ts";
import { isNonce, isSameProof, newNonce, type PeerSecret } from "./peer-secret.ts";

/** What an HTTP request must ask to be upgraded to. */
export const protocolName = "metastore-peer";
/** The nonce of the end that sends it; only where peers share a secret. */
export const nonceHeader = "metastore-nonce";
/** The proof of the end that sends it, in hex; only where peers share a secret. */
export const proofHeader = "metastore-proof";
/** After all URLs were tried in vain, and then twice as long each time. */
const redialMsMin = 200;
const redialMsMax = 3_000;
/** A connection that has held for so long is no failure when it ends. */
const soundMs = 3_000;
const handshakeMs = 3_000;
/** How long a listener not known as the peer is spoken to, if there are other URLs; longer than an answer takes. */
const unsureMs = 3_000;
/** A peer that is spoken to all the time and says nothing for so long is dialled again: TCP would wait for minutes. */
const silenceMs = 5_000;
/** A peer that is spoken to less often than that is not spoken to all the time. */
const pauseMs = 1_000;
/** Bytes given to a socket and not yet taken by the kernel. */
const unsentBytesMax = 256 * 1024;
const queueBytesMax = 8 * 1024 * 1024;

const finalWords: Readonly<Record<FinalVerdict, string>> = {
  removed: "it says that this node was removed from the cluster",
  "outdated-copy": "it knows a later state of this directory",
  "lost-entries": "it has been told of entries that this directory does not hold",
};

/** What a link needs of the node that it carries for. */
export interface LinkNode extends Pick<Dialler, "checkListener" | "isBound"> {
  /** Whether `theirs`, who says that it is a member, may be somebody else: see core/node/node.ts. */
  isDoubtful(theirs: Handshake): boolean;
  /** Takes an answer of the listener at `url`. */
  receive(envelope: Envelope, url: string): void;
  handshake(to: NodeId): Handshake | null;
  /** The member `by` has refused this node for good. */
  onVerdict(verdict: FinalVerdict, by: NodeId): void;
}

/** One for each peer that is known, for as long as it is. It dials by itself, again and again. */
export class PeerLink {
  readonly #id: NodeId;
  readonly #node: LinkNode;
  readonly #secret: PeerSecret | null;
  readonly #log: Log;
  #urls: readonly string[];
  /** Which of them is dialled, or was last. */
  #at = 0;
  #outbound: Outbound | null = null;
  #socket: Socket | null = null;
  /** Ends the attempt that is under way; what comes of it afterwards counts for nothing. */
  #abandon: () => void = () => undefined;
  #redial: NodeJS.Timeout | null = null;
  #redialMs = redialMsMin;
  #closed = false;
  #flushDue = false;
  /** When it was last sent something; and since when it has been sent something and nothing was heard. */
  #sentAt = -Infinity;
  #unheardSince = 0;
  /** What was last told of each URL. */
  readonly #complaints = new Map<string, string>();

  constructor(id: NodeId, urls: readonly string[], node: LinkNode, secret: PeerSecret | null, log: Log) {
    this.#id = id;
    this.#urls = urls;
    this.#node = node;
    this.#secret = secret;
    this.#log = log;
    this.#dial();
  }

  /** Keeps a connection to a URL that is still listed; to a node that takes no part, only if the URL is the first. */
  setUrls(urls: readonly string[]): void {
    if (urls.join() === this.#urls.join()) return;
    const current = this.#urls[this.#at]!;
    this.#urls = urls;
    for (const url of this.#complaints.keys()) if (!urls.includes(url)) this.#complaints.delete(url);
    const at = urls.indexOf(current);
    const isPeer = this.#outbound?.open === true || (this.#outbound?.answered === true && at === 0);
    if (at >= 0 && isPeer) this.#at = at;
    else this.restart();
  }

  /** Ends the connection, and dials the first URL now. */
  restart(): void {
    this.#abandon();
    this.#abandon = () => undefined;
    if (this.#redial !== null) clearTimeout(this.#redial);
    this.#redial = null;
    this.#at = 0;
    this.#dial();
  }

  /** False: the message certainly never left. */
  send(envelope: Envelope): boolean {
    if (this.#outbound === null) return false;
    const now = performance.now();
    if (now - this.#sentAt > pauseMs) this.#unheardSince = now;
    this.#sentAt = now;
    if (now - this.#unheardSince > silenceMs) {
      this.#socket?.destroy(new Error("it says nothing"));
      return false;
    }
    const isTaken = this.#outbound.send(envelope);
    if (this.#flushDue) return isTaken;
    this.#flushDue = true;
    process.nextTick(() => {
      this.#flushDue = false;
      this.#flush();
    });
    return isTaken;
  }

  /** It has said something. */
  heard(): void {
    this.#unheardSince = performance.now();
  }

  /** It has dialled this node: so it can probably be reached now. */
  wake(): void {
    if (this.#redial !== null) this.restart();
  }

  get connected(): boolean {
    return this.#outbound?.open === true;
  }

  close(): void {
    this.#closed = true;
    if (this.#redial !== null) clearTimeout(this.#redial);
    this.#abandon();
  }

  #flush(): void {
    if (this.#socket === null || this.#outbound === null || this.#socket.writableLength > unsentBytesMax) return;
    const bytes = this.#outbound.take();
    if (bytes !== null) this.#socket.write(bytes);
  }

  #dial(): void {
    if (this.#closed) return;
    const ours = this.#node.handshake(this.#id);
    const url = this.#urls[this.#at]!;
    if (ours === null) return this.#later();
    const { hostname, port } = new URL(url);
    const nonce = newNonce();
    const offer = this.#secret === null ? {} : { [nonceHeader]: nonce };
    const headers = { Connection: "Upgrade", Upgrade: protocolName, ...offer };
    const host = hostname.replace(/^\[|\]$/g, "");
    const dialling = request({ host, port, headers, timeout: handshakeMs, agent: false });
    let isOver = false;
    const fail = (complaint: string): void => {
      if (isOver) return;
      isOver = true;
      this.#complain(url, complaint);
      this.#next();
    };
    this.#abandon = () => {
      isOver = true;
      dialling.destroy();
    };
    dialling.on("timeout", () => dialling.destroy(new Error("it does not answer")));
    dialling.on("error", (error: NodeJS.ErrnoException) => fail(wordsOf(error)));
    dialling.on("response", (response) => {
      response.destroy();
      if (response.statusCode === 401) fail("it wants the secret that its peers share: --peer-secret-file");
      else fail(`it answered ${response.statusCode}: not a metaStore peer port`);
    });
    dialling.on("upgrade", (response, socket: Socket, head) => {
      if (isOver) return void socket.destroy();
      isOver = true;
      const theirs = response.headers[nonceHeader];
      if (this.#secret === null) return this.#converse(url, socket, head, ours, null);
      const given = Buffer.from(String(response.headers[proofHeader] ?? ""), "hex");
      if (isNonce(theirs) && isSameProof(given, this.#secret.proof("listener", nonce, theirs))) {
        return this.#converse(url, socket, head, ours, this.#secret.proof("dialler", nonce, theirs));
      }
      socket.on("error", () => undefined);
      socket.destroy();
      this.#complain(url, "it does not know the secret of --peer-secret-file");
      this.#next();
    });
    dialling.end();
  }

  #converse(url: string, socket: Socket, head: Buffer, ours: Handshake, proof: Buffer | null): void {
    let listener = null as Handshake | null;
    const outbound = new Outbound(
      ours,
      {
        checkListener: (theirs, accepts) => {
          listener = theirs;
          return this.#node.checkListener(theirs, accepts);
        },
        isBound: (theirs) => this.#node.isBound(theirs),
        receive: (envelope) => {
          this.heard();
          this.#node.receive(envelope, url);
        },
      },
      queueBytesMax,
    );
    this.#socket = socket;
    this.#outbound = outbound;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 15_000);
    socket.setTimeout(handshakeMs, () => socket.destroy(new Error("it does not answer the handshake")));
    let [complaint, openedAt, isAbandoned, wasMember] = ["the connection was closed", Infinity, false, false];
    const unsureTimer = setInterval(() => {
      if (this.#urls.length === 1 || performance.now() - openedAt < unsureMs) return;
      const isDoubtful = listener !== null && this.#node.isDoubtful(listener);
      if (wasMember && !isDoubtful) return;
      wasMember = false;
      const doubt = isDoubtful ? "it is not known here as that member" : "it takes no part in the cluster";
      complaint = `${doubt}; the peer's other addresses are tried too`;
      socket.destroy();
    }, unsureMs / 10);
    const detach = (): void => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      this.#outbound = null;
    };
    this.#abandon = () => {
      isAbandoned = true;
      detach();
      socket.destroy();
    };
    const take = (chunk: Buffer): void => {
      if (isAbandoned) return;
      const closing = outbound.receive(chunk);
      if (outbound.answered && openedAt === Infinity) {
        openedAt = performance.now();
        this.heard();
        wasMember = outbound.open;
        if (wasMember) this.#complaints.delete(url);
        socket.setTimeout(0);
      }
      if (closing === null) return;
      complaint = closing.kind === "other" ? closing.reason : finalWords[closing.kind];
      socket.destroy();
      if (closing.kind !== "other") this.#node.onVerdict(closing.kind, this.#id);
    };
    socket.on("data", take);
    socket.on("drain", () => this.#flush());
    // The peer says nothing more: the descriptor goes back at once.
    socket.on("end", () => socket.destroy());
    socket.on("error", (error: NodeJS.ErrnoException) => (complaint = wordsOf(error)));
    socket.on("close", () => {
      clearInterval(unsureTimer);
      detach();
      if (isAbandoned) return;
      this.#complain(url, complaint);
      if (performance.now() - openedAt > soundMs) this.#redialMs = redialMsMin;
      if (wasMember) this.#later();
      else this.#next();
    });
    if (proof !== null) socket.write(proof);
    if (head.length > 0) take(head);
    this.#flush();
  }

  /** Each trouble is told once, not at each try. */
  #complain(url: string, complaint: string): void {
    if (this.#closed || this.#complaints.get(url) === complaint) return;
    this.#complaints.set(url, complaint);
    this.#log("info", `node ${this.#id} at ${url}: ${complaint}`);
  }

  /** This URL leads nowhere. */
  #next(): void {
    if (this.#closed) return;
    if (this.#at + 1 >= this.#urls.length) return this.#later();
    this.#at += 1;
    this.#dial();
  }

  #later(): void {
    if (this.#closed || this.#redial !== null) return;
    this.#redial = setTimeout(() => {
      this.#redial = null;
      this.#at = 0;
      this.#dial();
    }, this.#redialMs);
    this.#redialMs = Math.min(2 * this.#redialMs, redialMsMax);
  }
}

/** Without what differs at each try. */
function wordsOf({ code, message }: NodeJS.ErrnoException): string {
  const words: Readonly<Record<string, string>> = {
    ECONNREFUSED: "nobody listens there",
    ECONNRESET: "the connection was reset",
    EPIPE: "the connection was closed",
    EMFILE: "this process has no file descriptor left",
    ENFILE: "this machine has no file descriptor left",
    ETIMEDOUT: "it does not answer",
  };
  return words[code ?? ""] ?? message;
}
