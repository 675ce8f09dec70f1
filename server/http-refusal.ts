/** Answers that no handler gives: to bytes that are no request, and to connections and requests beyond a bound. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { type Problem, problemBody, problemHeaders, revisionHeader } from "./api/problem.ts";

/** After an answer that ends a connection, unread bytes are discarded within these bounds, so that it can be read. */
const discardBytesMax = 64 * 1024 * 1024;
const discardMsMax = 30_000;
const silenceMs = 5_000;
/** What some resource of this server takes. */
const serverMethods = "GET, HEAD, PUT, POST, DELETE";
const lookMs = 250;

/** What is wrong with a request that the parser takes and a server must not, or null. */
export function requestRefusal({ httpVersion, rawHeaders, headers, url }: IncomingMessage): Problem | null {
  if (httpVersion !== "1.1" && httpVersion !== "1.0") {
    if (httpVersion === "0.9") return refused(400, "bad-request", "A request line ends with HTTP/1.1 or HTTP/1.0.");
    return refused(505, "version-not-supported", "This server speaks HTTP/1.1 and HTTP/1.0.");
  }
  // A client that forgets to encode it would write "a" where it means "a#1" (RFC 9112, 3.2: no target has a fragment).
  if (url?.includes("#") === true) {
    return refused(400, "bad-target", 'A request target has no "#"; in a key it is written %23.');
  }
  let hosts = 0;
  for (let k = 0; k < rawHeaders.length; k += 2) {
    const name = rawHeaders[k]!;
    if (name.length === 4 && (name === "Host" || name.toLowerCase() === "host")) hosts += 1;
  }
  if (hosts > 1 || (hosts === 0 && httpVersion === "1.1")) {
    return refused(400, "bad-host", "A request has one Host header.");
  }
  const { expect, "transfer-encoding": coding } = headers;
  if (coding !== undefined && coding.toLowerCase() !== "chunked") {
    return refused(501, "coding-unsupported", "The only transfer coding that is understood is chunked.");
  }
  if (expect === undefined || /^100-continue$/i.test(expect)) return null;
  return refused(417, "bad-expectation", "The only expectation that is met is 100-continue.");
}

/** What the parser's error means for the client. */
export function parserRefusal(error: Error): Problem {
  const {
    code,
    reason,
    rawPacket,
    bytesParsed = 0,
  } = error as NodeJS.ErrnoException & {
    readonly reason?: string;
    readonly rawPacket?: Buffer;
    readonly bytesParsed?: number;
  };
  if (code === "HPE_HEADER_OVERFLOW") return refused(431, "headers-too-large", "The headers are longer than 16 KiB.");
  if (code === "HPE_CHUNK_EXTENSIONS_OVERFLOW")
    return refused(413, "chunk-too-large", "A chunk extension is too long.");
  if (code === "HPE_INVALID_METHOD" && isUnknownMethod(rawPacket?.toString("latin1", 0, bytesParsed + 1) ?? "")) {
    return refused(405, "method-not-allowed", `Allowed here: ${serverMethods}.`);
  }
  if (code === "HPE_INVALID_VERSION")
    return refused(505, "version-not-supported", "This server speaks HTTP/1.1 and HTTP/1.0.");
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return refused(408, "request-timeout", "The request did not come in time.");
  return refused(400, "bad-request", `This is no HTTP request: ${reason ?? code ?? "it cannot be read"}.`);
}

/** Whether bytes begin like a method that this server does not have. Those of TLS, for one, are none; nor is what follows other requests. */
function isUnknownMethod(bytes: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(bytes);
}

/** An answer that is definite: nothing of the request was or will be done. */
export function refused(status: number, code: string, detail: string): Problem {
  return { status, code, detail, definite: true };
}

/** Answers in the request's turn, and ends the connection after it. */
export function answerProblem(outgoing: ServerResponse, problem: Problem, revision: number): void {
  const body = problemBody(problem);
  outgoing.writeHead(problem.status, refusalHeaders(problem, body, revision));
  outgoing.end(body);
}

/** `OPTIONS *` asks what the server takes, of whatever resource. */
export function answerServerOptions(outgoing: ServerResponse, revision: number): void {
  const store: Record<string, string> = revision === 0 ? {} : { [revisionHeader]: String(revision) };
  outgoing.writeHead(204, { Allow: serverMethods, ...store });
  outgoing.end();
}

/** Answers past the HTTP server, where it has no request to answer, and ends the connection. */
export function endWithProblem(socket: Socket, problem: Problem, revision: number): void {
  if (!socket.writable) return void socket.destroy();
  const body = problemBody(problem);
  const lines = Object.entries(refusalHeaders(problem, body, revision)).map(([name, value]) => `${name}: ${value}\r\n`);
  const date = `Date: ${new Date().toUTCString()}\r\n`;
  const status = `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n`;
  socket.write(`${status}${lines.join("")}${date}\r\n${body}`);
  endAndDiscard(socket);
}

function refusalHeaders(problem: Problem, body: string, revision: number): Record<string, string> {
  const length = String(Buffer.byteLength(body));
  const allow: Record<string, string> = problem.status === 405 ? { Allow: serverMethods } : {};
  return { ...problemHeaders(problem, revision), ...allow, Connection: "close", "Content-Length": length };
}

/** Ends this side at once, and the socket when the client has ended too or the bounds are reached. */
export function endAndDiscard(socket: Socket): void {
  socket.end();
  discard(socket, () => false);
}

/** Lets the parser read on, for nobody, until `isOver`; beyond the bounds the socket is destroyed. */
export function discard(socket: Socket, isOver: () => boolean): void {
  const bytesBefore = socket.bytesRead;
  socket.resume();
  let [bytes, silentMs, allMs] = [bytesBefore, 0, 0];
  const timer = setInterval(() => {
    if (isOver()) return clearInterval(timer);
    silentMs = socket.bytesRead === bytes ? silentMs + lookMs : 0;
    bytes = socket.bytesRead;
    allMs += lookMs;
    const isTooMuch = bytes - bytesBefore > discardBytesMax || allMs >= discardMsMax || silentMs >= silenceMs;
    if (isTooMuch) socket.destroy();
  }, lookMs);
  socket.once("close", () => clearInterval(timer));
}
