/**
 * The HTTP API: translations between requests and the node, no logic. It runs over any node, a simulated one too,
 * through `app.request(...)`. Paths are taken from the raw request target, so that nothing tidies a key.
 */
import { Hono } from "hono";
import type { Node } from "../../core/node/node.ts";
import { bareKey, decodeKey, rawPath } from "./key.ts";
import { type Bindings, type Ctx, onKey, openSession } from "./keys.ts";
import { addMember, moveLeader, onMembers, removeMember } from "./members.ts";
import { badRequest, methodNotAllowed, problemResponse } from "./problem.ts";

export type ApiOptions = { readonly valueBytesMax: number; readonly version: string };

const kvPrefix = "/v1/kv/";
const membersPrefix = "/v1/members";

export function createApi(node: Node, options: ApiOptions): Hono<{ Bindings: Bindings }> {
  const app = new Hono<{ Bindings: Bindings }>({
    getPath: (request, context) => rawPath(context?.env?.incoming?.url ?? pathOfUrl(request.url)),
  });
  app.get("/livez", (c) => c.text("ok\n"));
  app.get("/readyz", (c) => {
    const readiness = node.readiness();
    if (readiness.ready) return c.text("ok\n");
    return problemResponse({ status: 503, code: readiness.code, detail: readiness.detail, definite: true });
  });
  app.get("/v1/status", (c) => c.json({ version: options.version, ...node.status() }));
  app.post("/v1/sessions", (c) => openSession(c, node));
  app.post("/v1/leader", (c) => moveLeader(c, node));
  app.all("*", (c) => {
    const { path } = c.req;
    if (path.startsWith(kvPrefix)) return onKey(c, node, options.valueBytesMax, decodeKey(path.slice(kvPrefix.length)));
    if (path === membersPrefix || path.startsWith(`${membersPrefix}/`)) {
      return onMembers(c, node, path.slice(membersPrefix.length));
    }
    if (path === "/") return onRoot(c);
    if (/^\/(livez|readyz|v1\/status)$/.test(path)) return methodNotAllowed("GET, HEAD");
    if (/^\/v1\/(sessions|leader)$/.test(path)) return methodNotAllowed("POST");
    return onBarePath(c, node, options, path);
  });
  app.onError((error) => problemResponse({ status: 500, code: "internal", detail: error.message, definite: false }));
  return app;
}

/** `/{id}` for POST and DELETE is a member; everything else is a key. */
function onBarePath(c: Ctx, node: Node, options: ApiOptions, path: string): Response | Promise<Response> {
  const { method } = c.req;
  const id = Number(/^\/([1-9]\d{0,14})$/.exec(path)?.[1] ?? 0);
  if (method === "POST") {
    if (id > 0) return addMember(c, node, id);
    return problemResponse(badRequest("no-member-id", "POST takes /{id}, with a peer URL as the body."));
  }
  if (method === "DELETE" && id > 0) return removeMember(node, id);
  return onKey(c, node, options.valueBytesMax, bareKey(path));
}

/** The path of a URL as it was written, for requests that come without a socket. */
function pathOfUrl(url: string): string {
  return url.replace(/^[a-z]+:\/\/[^/?#]*/i, "") || "/";
}

function onRoot(c: Ctx): Response {
  if (c.req.method === "GET") {
    return problemResponse({ status: 404, code: "not-found", detail: "There is no page here.", definite: true });
  }
  return problemResponse(badRequest("empty-key", "A key has at least one byte."));
}
