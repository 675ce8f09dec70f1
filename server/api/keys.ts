/** Requests for one key: GET, HEAD, PUT, DELETE; and the opening of sessions. */
import type { ServerResponse } from "node:http";
import type { Node } from "../../core/node/node.ts";
import { noSession, type ReadOutcome, type SessionKey, type WriteOutcome } from "../../core/node/options.ts";
import type { Command } from "../../core/kv/command.ts";
import type { Applied, Row } from "../../core/kv/machine.ts";
import { bodyRefused, readBody } from "./body.ts";
import type { Ctx } from "./context.ts";
import {
  badSession,
  conditionOf,
  isRefusedByIfMatch,
  isUnchanged,
  refusedPrecondition,
  sessionOf,
} from "./preconditions.ts";
import { badRequest, failureProblem, methodNotAllowed, type Parsed, type Problem, problemResponse } from "./problem.ts";
import type { Downloads } from "./downloads.ts";
import type { Uploads } from "./uploads.ts";

/** All others are answered with 405. */
export const keyMethods = ["GET", "HEAD", "PUT", "DELETE"];

/** What a key's requests are held to. */
export type KeyOptions = {
  readonly valueBytesMax: number;
  /** Room for the bodies of all requests together; null: unbounded. */
  readonly uploads?: Uploads | null;
  /** Room for the values that all clients are sent; null: unbounded. */
  readonly downloads?: Downloads | null;
};

/** A shorter wait for room is not counted against a request. */
const noticedMs = 50;

/** Shorter values need no room: a connection holds as much for its headers. */
const freeBytesMax = 16 * 1024;
const crowded: Problem = {
  status: 503,
  code: "busy",
  detail: "Values on their way to other clients take all the room; try again later.",
  definite: true,
};

/** Answers a request for the key that `named` has, if the path names one. */
export function onKey(c: Ctx, node: Node, options: KeyOptions, named: Parsed<string>): Response | Promise<Response> {
  const { method } = c.req;
  if (!keyMethods.includes(method)) return methodNotAllowed(keyMethods.join(", "));
  if (!named.ok) return problemResponse(named.problem);
  const key = named.value;
  if (method === "GET" || method === "HEAD") return onGet(c, node, options, key);
  const condition = conditionOf(c.req.header("If-Match"), c.req.header("If-None-Match"));
  if (condition.kind === "malformed") return problemResponse(condition.problem);
  const session = sessionOf(c.req.header("Idempotency-Key"));
  if (session === null) return problemResponse(badSession);
  if (method === "DELETE") return write(c, node, options, { op: "delete", key, condition }, session);
  if (c.req.header("Content-Range") !== undefined) {
    return problemResponse(badRequest("bad-request", "A PUT takes the whole value: Content-Range is not for it."));
  }
  return onPut(c, node, options, session, (value) => ({ op: "put", key, value, condition }));
}

async function onPut(
  c: Ctx,
  node: Node,
  options: KeyOptions,
  session: SessionKey,
  command: (value: string) => Command,
): Promise<Response> {
  const uploads = options.uploads ?? null;
  const room = { waitedMs: 0 };
  const body = await readBody(c, options.valueBytesMax, uploads, room);
  if (!body.ok) return bodyRefused(body.problem);
  const leftMs = uploads === null || room.waitedMs < noticedMs ? null : uploads.options.waitMs - room.waitedMs;
  return write(c, node, options, command(body.value), session, leftMs);
}

/** `leftMs`: of the request time, where some of it is over; null: all of it. */
function submit(
  c: Ctx,
  node: Node,
  command: Command,
  session: SessionKey,
  leftMs: number | null,
): Promise<WriteOutcome> {
  return new Promise((resolve) => {
    const handle = node.write(command, session, resolve);
    // A client that goes away leaves no write behind that has not been proposed.
    c.env?.outgoing?.once("close", () => node.cancelWrite(handle));
    if (leftMs === null) return;
    setTimeout(() => {
      // Without effect where it has been answered.
      resolve({ ok: false, code: "timeout", definite: node.cancelWrite(handle) });
    }, leftMs);
  });
}

async function write(
  c: Ctx,
  node: Node,
  options: KeyOptions,
  command: Command,
  session: SessionKey,
  leftMs: number | null = null,
): Promise<Response> {
  const outcome = await submit(c, node, command, session, leftMs);
  if (!outcome.ok) return problemResponse(failureProblem(outcome));
  const applied = outcome.value;
  if (applied.code === "mismatch") {
    const wantsValue = /(^|,)\s*return=representation\s*(,|$)/i.test(c.req.header("Prefer") ?? "");
    const { revision, row } = applied;
    // Without room the preference is not applied, as RFC 7240 allows.
    const download = wantsValue && row !== null ? downloadOf(c, options, row.value.length) : null;
    const hasRoom = download === null || download.downloads.tryHold(row!.value.length, download.outgoing);
    return preconditionFailed(c, options, revision, row, wantsValue && hasRoom);
  }
  if (applied.code !== "done") return problemResponse(sessionProblem(applied.code));
  const revision = String(applied.revision);
  const headers: Record<string, string> = { "Metastore-Revision": revision };
  if (command.op === "put") headers["ETag"] = `"${revision}"`;
  return new Response(null, { status: 204, headers });
}

/** 412, with what the key holds now: its ETag, and its value where that was asked for. */
function preconditionFailed(
  c: Ctx,
  options: KeyOptions,
  revision: number,
  row: Row | null,
  wantsValue: boolean,
): Response {
  const headers: Record<string, string> = { "Metastore-Revision": String(revision) };
  if (row !== null) headers["ETag"] = `"${row.modRevision}"`;
  if (row !== null && wantsValue)
    return valueResponse(c, options, row, 412, { ...headers, "Preference-Applied": "return=representation" });
  const detail = row === null ? "The key does not exist." : `The key's revision is ${row.modRevision}.`;
  return problemResponse({ status: 412, code: "precondition-failed", detail, definite: true }, headers);
}

type Refused = Exclude<Applied["code"], "done" | "mismatch">;
const sessionProblems: Readonly<Record<Refused, { readonly status: number; readonly detail: string }>> = {
  "session-gone": {
    status: 410,
    detail: "The session is not live; whether an earlier try took effect is not known any more.",
  },
  "sequence-too-old": { status: 409, detail: "The sequence is older than the results that the session keeps." },
  "other-command": { status: 422, detail: "This Idempotency-Key was used for another request." },
};

function sessionProblem(code: Refused): Problem {
  return { ...sessionProblems[code], code, definite: false };
}

const consistencies = ["linearizable", "lease", "stale"] as const;
type Consistency = (typeof consistencies)[number];

function read(node: Node, key: string, consistency: Consistency): Promise<ReadOutcome> {
  return new Promise((resolve) => {
    if (consistency === "stale") node.readStale(key, resolve);
    else node.read(key, consistency === "lease", resolve);
  });
}

async function onGet(c: Ctx, node: Node, options: KeyOptions, key: string): Promise<Response> {
  const query = new URLSearchParams(/\?(.*)$/s.exec(c.env?.incoming?.url ?? c.req.url)?.[1]);
  const asked = query.get("consistency") ?? "linearizable";
  const consistency = consistencies.find((one) => one === asked);
  if (consistency === undefined) {
    return problemResponse(badRequest("bad-consistency", "consistency is linearizable, lease or stale."));
  }
  const beganMs = performance.now();
  const outcome = await read(node, key, consistency);
  const bytes = bytesToSend(c, outcome);
  const download = downloadOf(c, options, bytes);
  if (download === null) return answerOf(c, options, outcome);
  const { downloads, outgoing } = download;
  if (downloads.tryHold(bytes, outgoing)) return answerOf(c, options, outcome);
  // The value is let go while it waits, or what waits would be without bound; then it is read again.
  const endMs = beganMs + downloads.options.waitMs;
  const bytesMax = Math.max(bytes, options.valueBytesMax);
  if (!(await downloads.hold(bytesMax, outgoing, endMs - performance.now()))) return problemResponse(crowded);
  const again = await inTime(read(node, key, consistency), endMs - performance.now());
  return again === null ? problemResponse(crowded) : answerOf(c, options, again);
}

/** What `promised` gives, or null where it takes longer. */
async function inTime<T>(promised: Promise<T>, waitMs: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => (timer = setTimeout(() => resolve(null), waitMs)));
  const first = await Promise.race([promised, late]);
  clearTimeout(timer);
  return first;
}

/** Of the value, where the answer is to have it. */
function bytesToSend(c: Ctx, outcome: ReadOutcome): number {
  if (!outcome.ok || outcome.value.row === null || c.req.method === "HEAD") return 0;
  const { value, modRevision } = outcome.value.row;
  return isUnchanged(c.req.header("If-None-Match"), `"${modRevision}"`) ? 0 : value.length;
}

/** Where a value of so many bytes has to find room, and until the end of which answer; null: it needs none. */
function downloadOf(
  c: Ctx,
  { downloads }: KeyOptions,
  bytes: number,
): { readonly downloads: Downloads; readonly outgoing: ServerResponse } | null {
  const outgoing = c.env?.outgoing;
  if (downloads === undefined || downloads === null || outgoing === undefined || bytes <= freeBytesMax) return null;
  return { downloads, outgoing };
}

function answerOf(c: Ctx, options: KeyOptions, outcome: ReadOutcome): Response {
  if (!outcome.ok) return problemResponse(failureProblem(outcome));
  const { row, revision } = outcome.value;
  const headers: Record<string, string> = { "Metastore-Revision": String(revision) };
  const etag = row === null ? null : `"${row.modRevision}"`;
  if (isRefusedByIfMatch(c.req.header("If-Match"), etag)) return preconditionFailed(c, options, revision, row, false);
  if (row === null || etag === null) {
    const problem = { status: 404, code: "key-not-found", detail: "The key does not exist.", definite: true };
    return problemResponse(problem, headers);
  }
  headers["ETag"] = etag;
  if (isUnchanged(c.req.header("If-None-Match"), etag)) return new Response(null, { status: 304, headers });
  return valueResponse(c, options, row, 200, headers);
}

function valueResponse(
  c: Ctx,
  options: KeyOptions,
  { value }: Row,
  status: number,
  headers: Record<string, string>,
): Response {
  const type = { "Content-Type": "application/octet-stream", "Content-Length": String(value.length) };
  const init = { status, headers: { ...headers, ...type } };
  if (c.req.method === "HEAD") return new Response(null, init);
  const download = downloadOf(c, options, value.length);
  if (download === null) return new Response(Buffer.from(value, "latin1"), init);
  return new Response(download.downloads.bodyOf(value, download.outgoing), init);
}

/** POST /v1/sessions. */
export async function openSession(c: Ctx, node: Node): Promise<Response> {
  const refusal = refusedPrecondition(c, "");
  if (refusal !== null) return problemResponse(refusal);
  const outcome = await submit(c, node, { op: "open-session" }, noSession, null);
  if (!outcome.ok) return problemResponse(failureProblem(outcome));
  if (outcome.value.code !== "done") throw new Error("a session is opened, or the request fails");
  const { revision } = outcome.value;
  return c.json({ session: revision }, 201, { "Metastore-Revision": String(revision) });
}
