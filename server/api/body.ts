/** Request bodies, as one-byte characters. */
import type { IncomingMessage } from "node:http";
import type { Ctx } from "./context.ts";
import { ClientGone, type Parsed, type Problem, problemResponse, refusedFor } from "./problem.ts";
import type { Uploads } from "./uploads.ts";

/** Shorter bodies are let in at once: a connection holds as much for its headers. */
const freeBytesMax = 16 * 1024;

/** How long a request has waited for room in memory: what is left of its time is the node's. */
export type RoomWait = { waitedMs: number };

/** How long a body may send nothing where no `uploads` say it. */
const stallMsUsual = 10_000;

const stalled: Problem = {
  status: 408,
  code: "upload-stalled",
  detail: "The rest of the body did not come in time.",
  definite: true,
};
const crowded: Problem = {
  status: 503,
  code: "busy",
  detail: "The bodies of other requests take all the room; try again later.",
  definite: true,
};

/**
 * The body, or why it is not read: 413 where it is longer than `bytesMax`, 408, 503. Its room in `uploads` (null:
 * unbounded) is given back when the request is answered; `room` is told how long that was waited for. Rejects with
 * ClientGone where the client goes away.
 */
export async function readBody(
  c: Ctx,
  bytesMax: number,
  uploads: Uploads | null,
  room: RoomWait = { waitedMs: 0 },
): Promise<Parsed<string>> {
  const incoming = c.env?.incoming;
  const length = c.req.header("Content-Length");
  if (Number(length ?? 0) > bytesMax) return refusedFor(tooLong(bytesMax));
  if (incoming === undefined) {
    const body = Buffer.from(await c.req.raw.arrayBuffer());
    return body.length > bytesMax ? refusedFor(tooLong(bytesMax)) : { ok: true, value: body.toString("latin1") };
  }
  const bytes = length === undefined ? bytesMax : Number(length);
  const { outgoing } = c.env;
  const isFree = uploads === null || outgoing === undefined || bytes <= freeBytesMax;
  if (!isFree) {
    const beganMs = performance.now();
    if (!(await uploads.hold(bytes, outgoing))) return refusedFor(crowded);
    room.waitedMs = performance.now() - beganMs;
  }
  // A client of HTTP/1.0 does not know of interim answers (RFC 9110, 10.1.1).
  if (incoming.headers.expect !== undefined && incoming.httpVersion !== "1.0") outgoing?.writeContinue();
  return readStream(incoming, bytesMax, isFree ? null : { bytes, uploads }, uploads?.options.stallMs ?? stallMsUsual);
}

/** The answer to a body that is not read. Its rest may still be on the way: the connection ends after it. */
export function bodyRefused(problem: Problem): Response {
  return problemResponse(problem, { Connection: "close" });
}

function tooLong(bytesMax: number): Problem {
  const detail = `A body has at most ${bytesMax} bytes here.`;
  return { status: 413, code: "value-too-large", detail, definite: true };
}

/**
 * Straight from the socket's stream: a web Request's arrayBuffer() costs a third of the throughput. A body that sends
 * nothing for `stallMs` is given up; so is a slow body that holds room (`held`) for which others wait.
 */
function readStream(
  incoming: IncomingMessage,
  bytesMax: number,
  held: { readonly bytes: number; readonly uploads: Uploads } | null,
  stallMs: number,
): Promise<Parsed<string>> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let bytes = 0;
    const giveUp = (problem: Problem): void => {
      chunks = [];
      bytes = Infinity;
      end();
      resolve(refusedFor(problem));
    };
    const timer = setTimeout(() => giveUp(stalled), stallMs);
    const upload = held?.uploads.began(held.bytes, () => giveUp(stalled));
    const end = (): void => {
      clearTimeout(timer);
      if (upload !== undefined) held!.uploads.ended(upload);
    };
    const onGone = (): void => {
      end();
      reject(new ClientGone("the client went away"));
    };
    incoming.on("data", (chunk: Buffer) => {
      if (bytes === Infinity) return;
      timer.refresh();
      if (upload !== undefined) upload.receivedBytes += chunk.length;
      bytes += chunk.length;
      if (bytes <= bytesMax) chunks.push(chunk);
      else giveUp(tooLong(bytesMax));
    });
    incoming.on("end", () => {
      end();
      // "close" follows here too, at every request, and an error costs a tenth of a request: its stack.
      incoming.off("close", onGone);
      const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
      resolve({ ok: true, value: body.toString("latin1") });
    });
    incoming.on("error", onGone);
    incoming.on("close", onGone);
    if (incoming.destroyed) onGone();
  });
}
