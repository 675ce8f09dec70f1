/**
 * The HTTP API: translations between requests and the node, no logic. It runs over any node, a simulated one too,
 * through `app.request(...)`. Paths are taken from the raw request target, so that nothing tidies a key.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Context, Hono } from "hono";
import type { Node } from "../../core/node/node.ts";
import type { ReadOutcome, WriteOutcome } from "../../core/node/options.ts";
import type { Command } from "../../core/kv/command.ts";
import { readBody } from "./body.ts";
import { bareKey, decodeKey, rawPath } from "./key.ts";
import { badRequest, failureProblem, type Problem, problemResponse } from "./problem.ts";

export type ApiOptions = { readonly valueBytesMax: number; readonly version: string };
/** What the HTTP server adds to a request; absent under `app.request`. */
type Bindings = { readonly incoming?: IncomingMessage; readonly outgoing?: ServerResponse };
type Ctx = Context<{ Bindings: Bindings }>;

const keyMethods = "GET, HEAD, PUT, DELETE";
const kvPrefix = "/v1/kv/";

export function createApi(node: Node, options: ApiOptions): Hono<{ Bindings: Bindings }> {
  const app = new Hono<{ Bindings: Bindings }>({
    getPath: (request, context) => rawPath(context?.env?.incoming?.url ?? pathOfUrl(request.url)),
  });
  app.get("/livez", (c) => c.text("ok\n"));
  app.get("/readyz", (c) => {
    const { leader, role } = node.status();
    return leader === 0
      ? problemResponse({
          status: 503,
          code: "no-leader",
          detail: `The node is ${role} and knows no leader.`,
          definite: true,
        })
      : c.text("ok\n");
  });
  app.get("/v1/status", (c) => c.json({ version: options.version, ...node.status() }));
  app.all("*", (c) => {
    const { path } = c.req;
    if (path.startsWith(kvPrefix)) return onKey(c, node, options, decodeKey(path.slice(kvPrefix.length)));
    if (path === "/") return onRoot(c);
    if (/^\/(livez|readyz|v1\/status)$/.test(path)) return methodNotAllowed("GET, HEAD");
    const key = bareKey(path);
    const isMember = /^\/[1-9][0-9]{0,14}$/.test(path);
    if (c.req.method === "POST")
      return isMember
        ? notYet("Adding members")
        : problemResponse(badRequest("no-member-id", "POST takes /{id}, with a peer URL as the body."));
    if (c.req.method === "DELETE" && isMember) return notYet("Removing members");
    return onKey(c, node, options, key);
  });
  app.onError((error) => problemResponse({ status: 500, code: "internal", detail: error.message, definite: false }));
  return app;
}

/** The path of a URL as it was written, for requests that come without a socket. */
function pathOfUrl(url: string): string {
  return url.replace(/^[a-z]+:\/\/[^/?#]*/i, "") || "/";
}

function onRoot(c: Ctx): Response {
  if (c.req.method === "GET")
    return problemResponse({ status: 404, code: "not-found", detail: "There is no page here.", definite: true });
  return problemResponse(badRequest("empty-key", "A key has at least one byte."));
}

function onKey(c: Ctx, node: Node, options: ApiOptions, key: string | Problem): Response | Promise<Response> {
  const { method } = c.req;
  if (!keyMethods.split(", ").includes(method)) return methodNotAllowed(keyMethods);
  if (typeof key !== "string") return problemResponse(key);
  if (method === "GET" || method === "HEAD") return onGet(c, node, key);
  for (const header of ["If-Match", "If-None-Match", "Idempotency-Key"]) {
    // Never ignored: the writer relies on it.
    if (c.req.header(header) !== undefined) return notYet(`${header} on a write`);
  }
  return method === "PUT" ? onPut(c, node, options, key) : write(c, node, { op: "delete", key });
}

async function onPut(c: Ctx, node: Node, options: ApiOptions, key: string): Promise<Response> {
  const value = await readBody(c.req.raw, c.env?.incoming, options.valueBytesMax);
  if (value !== null) return write(c, node, { op: "put", key, value });
  const detail = `A value has at most ${options.valueBytesMax} bytes.`;
  return problemResponse({ status: 413, code: "value-too-large", detail, definite: true }, { Connection: "close" });
}

async function write(c: Ctx, node: Node, command: Command): Promise<Response> {
  const outcome = await new Promise<WriteOutcome>((resolve) => {
    const handle = node.write(command, resolve);
    // A client that goes away leaves no write behind that has not been proposed.
    c.env?.outgoing?.once("close", () => node.cancelWrite(handle));
  });
  if (!outcome.ok) return problemResponse(failureProblem(outcome));
  const revision = String(outcome.revision);
  const headers: Record<string, string> = { "Metastore-Revision": revision };
  if (command.op === "put") headers["ETag"] = `"${revision}"`;
  return new Response(null, { status: 204, headers });
}

async function onGet(c: Ctx, node: Node, key: string): Promise<Response> {
  const consistency =
    new URLSearchParams(/\?(.*)$/s.exec(c.env?.incoming?.url ?? c.req.url)?.[1]).get("consistency") ?? "linearizable";
  if (!["linearizable", "lease", "stale"].includes(consistency)) {
    return problemResponse(badRequest("bad-consistency", "consistency is linearizable, lease or stale."));
  }
  const outcome = await new Promise<ReadOutcome>((resolve) => {
    if (consistency === "stale") node.readStale(key, resolve);
    else node.read(key, resolve);
  });
  if (!outcome.ok) return problemResponse(failureProblem(outcome));
  const headers: Record<string, string> = { "Metastore-Revision": String(outcome.revision) };
  const { row } = outcome;
  if (row === null)
    return problemResponse(
      { status: 404, code: "key-not-found", detail: "The key does not exist.", definite: true },
      headers,
    );
  headers["ETag"] = `"${row.modRevision}"`;
  if (c.req.header("If-None-Match") === headers["ETag"]) return new Response(null, { status: 304, headers });
  headers["Content-Type"] = "application/octet-stream";
  headers["Content-Length"] = String(row.value.length);
  return new Response(Buffer.from(row.value, "latin1"), { status: 200, headers });
}

function methodNotAllowed(allow: string): Response {
  return problemResponse(
    { status: 405, code: "method-not-allowed", detail: `Allowed here: ${allow}.`, definite: true },
    { Allow: allow },
  );
}

function notYet(what: string): Response {
  return problemResponse({ status: 501, code: "not-yet", detail: `${what} is not built yet.`, definite: true });
}
