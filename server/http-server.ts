/**
 * The listener for clients: HTTP/1.1 and 1.0 over Node's server. It keeps the requests of a connection in their order,
 * refuses what is no request, bounds connections, and ends them one by one when the node stops. What a request means is
 * not known here.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { ClientBound, isShortage, machineDescriptors } from "./descriptors.ts";
import type { Problem } from "./api/problem.ts";
import {
  answerProblem,
  answerServerOptions,
  discard,
  endAndDiscard,
  endWithProblem,
  parserRefusal,
  refused,
  requestRefusal,
} from "./http-refusal.ts";
import type { Log } from "./log.ts";

/** Bounds of the connections of clients; peers have a listener of their own. */
export type ClientServerOptions = {
  /** How long an idle connection stays open. */
  readonly keepAliveMs: number;
  /** 0: as many as the limit on descriptors gives. */
  readonly connectionsMax: number;
};

/** Answers one request; everything it does to `outgoing` may be later. */
export type Answer = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

/** Requests that wait for an earlier one of their connection, over all connections. */
const queuedMax = 4_096;
/** How long the client port is closed after accept() has found no descriptor. */
const acceptPauseMs = 1_000;
const requestMsMin = 60_000;
/** How long a client may take for reading an answer. */
const answerMsMax = 300_000;
const sweepMs = 1_000;
const busy = refused(503, "busy", "Too many requests of one connection are waiting; send fewer before their answers.");
const tooMany = refused(503, "too-many-connections", "Too many clients are connected; try again later.");

/** The client port of one node, from its listening to its stop. */
export class ClientServer {
  readonly #server: Server;
  readonly #answer: Answer;
  readonly #revision: () => number;
  readonly #log: Log;
  readonly #bound: ClientBound;
  /** Each connection with its latest answer, finished or not; the oldest connection first. */
  readonly #connections = new Map<Socket, ServerResponse | null>();
  /** Sockets on which nothing is answered any more. */
  readonly #ending = new WeakSet<Socket>();
  /** Requests of a connection that wait for their turn. */
  readonly #queued = new Map<Socket, number>();
  #queuedCount = 0;
  /** Connections that are told that there are too many, until they are closed. */
  readonly #refused = new Set<Socket>();
  #isStopping = false;
  #listenAgain: NodeJS.Timeout | null = null;
  readonly #sweep: NodeJS.Timeout;
  /** Answers of which a part is not taken yet, and when that was first seen. */
  readonly #untaken = new WeakMap<ServerResponse, number>();
  /** Answers whose request a handler has. */
  readonly #handled = new WeakSet<ServerResponse>();
  /** Answers whose request is being discarded. */
  readonly #discarded = new WeakSet<ServerResponse>();

  /** `revision`: the store's now, 0 where it is not known; refusals carry it. */
  constructor(answer: Answer, revision: () => number, log: Log, options: ClientServerOptions) {
    this.#answer = answer;
    this.#revision = revision;
    this.#log = log;
    this.#bound = new ClientBound(machineDescriptors(), options.connectionsMax, () => performance.now());
    const requestMs = Math.max(options.keepAliveMs, requestMsMin);
    this.#server = createServer({
      keepAliveTimeout: options.keepAliveMs,
      // A connection that has said nothing yet is as good as an idle one.
      headersTimeout: requestMs,
      requestTimeout: requestMs,
      connectionsCheckingInterval: 5_000,
      requireHostHeader: false,
    });
    // Node would drop further headers, and with them what they ask for. The bound on bytes is enough.
    this.#server.maxHeadersCount = 0;
    this.#sweep = setInterval(() => this.#sweepConnections(), sweepMs).unref();
    // A client that has sent all it has to say is answered. Node has no public name for this.
    (this.#server as Server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true;
    const onRequest = (incoming: IncomingMessage, outgoing: ServerResponse): void =>
      this.#onRequest(incoming, outgoing);
    this.#server.on("connection", (socket) => this.#onConnection(socket));
    for (const event of ["request", "checkContinue", "checkExpectation"]) this.#server.on(event, onRequest);
    this.#server.on("connect", (_incoming, socket) =>
      this.#refuse(socket as Socket, refused(405, "method-not-allowed", "This server is no proxy.")),
    );
    this.#server.on("clientError", (error: NodeJS.ErrnoException, socket) =>
      this.#onClientError(error, socket as Socket),
    );
  }

  /** Clients that are connected and served. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Its port, once it listens. Rejects with the system's error. */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => {
        this.#server.off("error", reject);
        const bound = (this.#server.address() as { port: number }).port;
        this.#server.on("error", (error) => this.#onAcceptError(error, host, bound));
        resolve(bound);
      });
    });
  }

  /** The process has run out of descriptors: refused clients give up theirs, and idle ones. */
  onShortage(): void {
    this.#bound.onShortage(this.#connections.size + this.#refused.size);
    for (const socket of this.#refused) socket.destroy();
    this.#closeTooMany();
  }

  /** From now on every answer ends its connection. Others are still taken, and told what the node says. */
  drain(): void {
    this.#isStopping = true;
    for (const outgoing of this.#connections.values()) {
      if (outgoing !== null && !outgoing.headersSent) outgoing.setHeader("Connection", "close");
    }
  }

  /**
   * Takes no more connections, and ends idle ones at once. Completes when every answer has been taken by its client, at the
   * latest after `patienceMs`; nothing is open then.
   */
  async close(patienceMs: number): Promise<void> {
    this.drain();
    if (this.#listenAgain !== null) clearTimeout(this.#listenAgain);
    this.#server.close();
    this.#closeIdle(this.#connections.size);
    const until = performance.now() + patienceMs;
    while (this.#hasUnfinished() && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    clearInterval(this.#sweep);
    this.#server.closeAllConnections();
    for (const socket of this.#connections.keys()) socket.destroy();
  }

  #onConnection(socket: Socket): void {
    socket.on("error", () => undefined);
    if (!this.#bound.admits(this.#connections.size, this.#refused.size)) return this.#refuseConnection(socket);
    this.#connections.set(socket, null);
    const endNow = socket.destroySoon.bind(socket);
    // The server calls it after the last answer.
    socket.destroySoon = () => this.#endConnection(socket, endNow);
    socket.once("close", () => {
      this.#connections.delete(socket);
      this.#queuedCount -= this.#queued.get(socket) ?? 0;
      this.#queued.delete(socket);
    });
  }

  #refuseConnection(socket: Socket): void {
    this.#log("warn", "too many clients are connected: new ones are refused");
    this.#ending.add(socket);
    // Beyond that a client is closed without a word.
    if (this.#refused.size >= this.#bound.refusedMax) return void socket.destroy();
    this.#refused.add(socket);
    socket.once("close", () => this.#refused.delete(socket));
    endWithProblem(socket, tooMany, this.#revision());
  }

  #onRequest(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { socket } = incoming;
    if (this.#ending.has(socket)) return pauseSoon(socket);
    this.#connections.set(socket, outgoing);
    // The server gives each answer its socket when the one before is finished.
    if (outgoing.socket !== null) this.#run(incoming, outgoing);
    else this.#queue(incoming, outgoing);
  }

  #run(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const refusal = requestRefusal(incoming);
    if (refusal !== null) return answerProblem(outgoing, refusal, this.#revision());
    const isLast = this.#connections.get(incoming.socket) === outgoing;
    if (this.#isStopping && isLast) outgoing.setHeader("Connection", "close");
    if (incoming.method === "OPTIONS" && incoming.url === "*") return answerServerOptions(outgoing, this.#revision());
    // The scheme of an absolute target is case-insensitive (RFC 3986, 3.1); handlers know it in small letters.
    if (incoming.url?.startsWith("/") === false) {
      incoming.url = incoming.url.replace(/^https?:/i, (scheme) => scheme.toLowerCase());
    }
    this.#handled.add(outgoing);
    this.#answer(incoming, outgoing);
  }

  /** Runs the request after the answers before it. Meanwhile nothing more is read from its connection. */
  #queue(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { socket } = incoming;
    const isTooMuch = this.#queuedCount >= queuedMax;
    if (isTooMuch) this.#ending.add(socket);
    this.#count(socket, 1);
    pauseSoon(socket);
    outgoing.once("socket", () =>
      process.nextTick(() => {
        if (socket.destroyed) return;
        this.#count(socket, -1);
        if (this.#queued.has(socket)) pauseSoon(socket);
        else socket.resume();
        // The parser has given up on its body.
        const isBroken = this.#ending.has(socket) && !incoming.complete;
        if (isTooMuch) answerProblem(outgoing, busy, this.#revision());
        else if (!isBroken) this.#run(incoming, outgoing);
      }),
    );
  }

  #count(socket: Socket, change: 1 | -1): void {
    const count = (this.#queued.get(socket) ?? 0) + change;
    if (count === 0) this.#queued.delete(socket);
    else this.#queued.set(socket, count);
    this.#queuedCount += change;
  }

  /** Ends a connection after its last answer; what is left of the request is discarded, so that the answer is read. */
  #endConnection(socket: Socket, endNow: () => void): void {
    if (this.#connections.get(socket)?.req.complete !== false) return endNow();
    this.#ending.add(socket);
    endAndDiscard(socket);
  }

  /** Bounds what costs nothing to watch seldom: requests that go on after their answer, and answers that nobody takes. */
  #sweepConnections(): void {
    this.#closeTooMany();
    const nowMs = performance.now();
    for (const [socket, last] of this.#connections) {
      if (last === null || this.#ending.has(socket)) continue;
      if (last.writableFinished) {
        if (last.req.complete || this.#discarded.has(last)) continue;
        this.#discarded.add(last);
        discard(socket, () => last.req.complete || this.#ending.has(socket));
      } else if (last.headersSent) {
        const sinceMs = this.#untaken.get(last) ?? nowMs;
        this.#untaken.set(last, sinceMs);
        if (nowMs - sinceMs > answerMsMax) socket.destroy();
      }
    }
  }

  /** The parser gives up on a connection, or the socket has failed. */
  #onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
    if (this.#ending.has(socket)) return;
    if (error.code === "HPE_CLOSED_CONNECTION") return this.#ignoreRest(socket);
    const isOfParser = error.code?.startsWith("HPE_") === true || error.code === "ERR_HTTP_REQUEST_TIMEOUT";
    // A client that has sent nothing would take this for the answer to its first request.
    if (!isOfParser || socket.bytesRead === 0) return void socket.destroy();
    this.#refuse(socket, parserRefusal(error));
  }

  /** The client goes on after a request with Connection: close, whose answer is its last. */
  #ignoreRest(socket: Socket): void {
    this.#ending.add(socket);
    if (this.#connections.get(socket)?.writableFinished !== false) return endAndDiscard(socket);
    socket.destroySoon = () => endAndDiscard(socket);
  }

  /** Answers for the request that cannot be read, after those before it. */
  #refuse(socket: Socket, problem: Problem): void {
    this.#ending.add(socket);
    const last = this.#connections.get(socket) ?? null;
    const definite = problem.definite && !this.#mayHaveTakenEffect(last);
    const end = (): void => endWithProblem(socket, { ...problem, definite }, this.#revision());
    if (last === null) return end();
    const isOfLast = !last.req.complete;
    if (last.headersSent && isOfLast) return void socket.destroy();
    if (last.writableFinished || (isOfLast && last.socket !== null)) return end();
    if (isOfLast) return void last.once("socket", () => process.nextTick(end));
    let isEnded = false;
    const endOnce = (): void => {
      if (!isEnded) end();
      isEnded = true;
    };
    last.once("close", () => process.nextTick(endOnce));
    // Where the client has ended its side, the server closes the socket with the last answer.
    socket.destroySoon = endOnce;
  }

  /** Whether the request, of which the end has not come, may be carried out all the same. What PUT writes is its whole body. */
  #mayHaveTakenEffect(last: ServerResponse | null): boolean {
    if (last === null || last.req.complete || !this.#handled.has(last)) return false;
    return last.req.method === "DELETE" || last.req.method === "POST";
  }

  /** The node's own files and its peers may have come to need more. */
  #closeTooMany(): void {
    this.#closeIdle(this.#bound.excess(this.#connections.size, this.#refused.size));
  }

  /** Closes `count` idle connections: those that never asked for anything first, then the oldest. */
  #closeIdle(count: number): void {
    const idle = [...this.#connections].filter(([, last]) => last === null || last.writableFinished);
    const silent = idle.filter(([, last]) => last === null);
    const sockets = [...silent, ...idle.filter(([, last]) => last !== null)].map(([socket]) => socket);
    for (const socket of sockets.slice(0, Math.max(0, count))) {
      this.#ending.add(socket);
      socket.destroySoon();
    }
  }

  #hasUnfinished(): boolean {
    return [...this.#connections.values()].some((last) => last !== null && !last.writableFinished);
  }

  /** accept() has failed. Without a descriptor it would fail in every turn of the event loop: the port rests instead. */
  #onAcceptError(error: Error, host: string, port: number): void {
    this.#log("warn", `the client port cannot accept connections: ${error.message}`);
    if (isShortage(error)) this.onShortage();
    else if (this.#server.listening) return;
    if (this.#listenAgain !== null || this.#isStopping) return;
    this.#server.close();
    this.#listenAgain = setTimeout(() => {
      this.#listenAgain = null;
      this.#server.listen(port, host);
    }, acceptPauseMs);
  }
}

/** Pauses after what runs now: Node itself resumes a socket when a message is complete. */
function pauseSoon(socket: Socket): void {
  process.nextTick(() => socket.pause());
}
