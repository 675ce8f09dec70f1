/** Requests for one key: GET, HEAD, PUT, DELETE; and the opening of sessions. */
import type { Node } from "../../core/node/node.ts";
import { noSession, type ReadOutcome, type SessionKey, type WriteOutcome } from "../../core/node/options.ts";
import type { Command } from "../../core/kv/command.ts";
import type { Applied, Row } from "../../core/kv/machine.ts";
import { bodyRefused, readBody } from "./body.ts";
import type { Ctx } from "./context.ts";
import { conditionOf, isRefusedByIfMatch, isUnchanged, refusedPrecondition, sessionOf } from "./preconditions.ts";
import { badRequest, failureProblem, methodNotAllowed, type Problem, problemResponse } from "./problem.ts";
import type { Uploads } from "./uploads.ts";

/** All others are answered with 405. */
export const keyMethods = ["GET", "HEAD", "PUT", "DELETE"];

/** What a key's requests are held to. */
export type KeyOptions = {
  readonly valueBytesMax: number;
  /** Room for the bodies of all requests together; null: unbounded. */
  readonly uploads?: Uploads | null;
};

/** Answers a request for `key`, which is a problem where the path names none. */
export function onKey(c: Ctx, node: Node, options: KeyOptions, key: string | Problem): Response | Promise<Response> {
  const { method } = c.req;
  if (!keyMethods.includes(method)) return methodNotAllowed(keyMethods.join(", "));
  if (typeof key !== "string") return problemResponse(key);
  if (method === "GET" || method === "HEAD") return onGet(c, node, key);
  const condition = conditionOf(c.req.header("If-Match"), c.req.header("If-None-Match"));
  if ("status" in condition) return problemResponse(condition);
  const session = sessionOf(c.req.header("Idempotency-Key"));
  if ("status" in session) return problemResponse(session);
  if (method === "DELETE") return write(c, node, { op: "delete", key, condition }, session);
  return onPut(c, node, options, session, (value) => ({ op: "put", key, value, condition }));
}

async function onPut(
  c: Ctx,
  node: Node,
  { valueBytesMax, uploads }: KeyOptions,
  session: SessionKey,
  command: (value: string) => Command,
): Promise<Response> {
  const value = await readBody(c, valueBytesMax, uploads ?? null);
  if (typeof value !== "string") return bodyRefused(value);
  return write(c, node, command(value), session);
}

function submit(c: Ctx, node: Node, command: Command, session: SessionKey): Promise<WriteOutcome> {
  return new Promise((resolve) => {
    const handle = node.write(command, session, resolve);
    // A client that goes away leaves no write behind that has not been proposed.
    c.env?.outgoing?.once("close", () => node.cancelWrite(handle));
  });
}

async function write(c: Ctx, node: Node, command: Command, session: SessionKey): Promise<Response> {
  const outcome = await submit(c, node, command, session);
  if (!outcome.ok) return problemResponse(failureProblem(outcome));
  const applied = outcome.value;
  if (applied.code === "mismatch") {
    const wantsValue = /(^|,)\s*return=representation\s*(,|$)/i.test(c.req.header("Prefer") ?? "");
    return preconditionFailed(applied.revision, applied.row, wantsValue);
  }
  if (applied.code !== "done") return problemResponse(sessionProblem(applied.code));
  const revision = String(applied.revision);
  const headers: Record<string, string> = { "Metastore-Revision": revision };
  if (command.op === "put") headers["ETag"] = `"${revision}"`;
  return new Response(null, { status: 204, headers });
}

/** 412, with what the key holds now: its ETag, and its value where that was asked for. */
function preconditionFailed(revision: number, row: Row | null, wantsValue: boolean): Response {
  const headers: Record<string, string> = { "Metastore-Revision": String(revision) };
  if (row !== null) headers["ETag"] = `"${row.modRevision}"`;
  if (row !== null && wantsValue)
    return valueResponse(row, 412, { ...headers, "Preference-Applied": "return=representation" });
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

async function onGet(c: Ctx, node: Node, key: string): Promise<Response> {
  const query = new URLSearchParams(/\?(.*)$/s.exec(c.env?.incoming?.url ?? c.req.url)?.[1]);
  const consistency = query.get("consistency") ?? "linearizable";
  if (!["linearizable", "lease", "stale"].includes(consistency)) {
    return problemResponse(badRequest("bad-consistency", "consistency is linearizable, lease or stale."));
  }
  const outcome = await new Promise<ReadOutcome>((resolve) => {
    if (consistency === "stale") node.readStale(key, resolve);
    else node.read(key, consistency === "lease", resolve);
  });
  if (!outcome.ok) return problemResponse(failureProblem(outcome));
  const { row, revision } = outcome.value;
  const headers: Record<string, string> = { "Metastore-Revision": String(revision) };
  const etag = row === null ? null : `"${row.modRevision}"`;
  if (isRefusedByIfMatch(c.req.header("If-Match"), etag)) return preconditionFailed(revision, row, false);
  if (row === null || etag === null) {
    const problem = { status: 404, code: "key-not-found", detail: "The key does not exist.", definite: true };
    return problemResponse(problem, headers);
  }
  headers["ETag"] = etag;
  if (isUnchanged(c.req.header("If-None-Match"), etag)) return new Response(null, { status: 304, headers });
  return valueResponse(row, 200, headers);
}

function valueResponse({ value }: Row, status: number, headers: Record<string, string>): Response {
  const type = { "Content-Type": "application/octet-stream", "Content-Length": String(value.length) };
  return new Response(Buffer.from(value, "latin1"), { status, headers: { ...headers, ...type } });
}

/** POST /v1/sessions. */
export async function openSession(c: Ctx, node: Node): Promise<Response> {
  const refusal = refusedPrecondition(c, "");
  if (refusal !== null) return problemResponse(refusal);
  const outcome = await submit(c, node, { op: "open-session" }, noSession);
  if (!outcome.ok) return problemResponse(failureProblem(outcome));
  if (outcome.value.code !== "done") throw new Error("a session is opened, or the request fails");
  const { revision } = outcome.value;
  return c.json({ session: revision }, 201, { "Metastore-Revision": String(revision) });
}
