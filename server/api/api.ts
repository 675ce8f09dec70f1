/**
 * The HTTP API: translations between requests and the node, no logic. It runs over any node, a simulated one too,
 * through `app.request(...)`. Paths are taken from the raw request target, so that nothing tidies a key.
 */
import { Hono } from "hono";
import type { Node } from "../../core/node/node.ts";
import { bareKey, decodeKey, rawPath } from "./key.ts";
import type { Bindings, Ctx } from "./context.ts";
import { keyMethods, type KeyOptions, onKey, openSession } from "./keys.ts";
import { addMember, moveLeader, onMembers, removeMemberUnlessKey, revisionOf } from "./members.ts";
import { badRequest, ClientGone, methodNotAllowed, problemResponse, revisionHeader } from "./problem.ts";

/** What the API is told beside its node. `version`: of this program, for the status. */
export type ApiOptions = KeyOptions & {
  readonly version: string;
  /** Told of each request whose handler has thrown. */
  readonly onInternalError?: (error: Error) => void;
};

const kvPrefix = "/v1/kv/";
const membersPrefix = "/v1/members";

/** Every route of the API. It holds no state: two of them over one node answer alike. */
export function createApi(node: Node, options: ApiOptions): Hono<{ Bindings: Bindings }> {
  const app = new Hono<{ Bindings: Bindings }>({
    getPath: (request, context) => rawPath(context?.env?.incoming?.url ?? pathOfUrl(request.url)),
  });
  app.get("/livez", (c) => c.text("ok\n", 200, revisionOf(node)));
  app.get("/readyz", (c) => {
    const readiness = node.readiness();
    if (readiness.ready) return c.text("ok\n", 200, revisionOf(node));
    const { code, detail } = readiness;
    return problemResponse({ status: 503, code, detail, definite: true }, revisionOf(node));
  });
  app.get("/v1/status", (c) => c.json({ version: options.version, ...node.status() }, 200, revisionOf(node)));
  app.post("/v1/sessions", (c) => openSession(c, node));
  app.post("/v1/leader", (c) => moveLeader(c, node));
  app.all("*", (c) => {
    const { path } = c.req;
    if (path.startsWith(kvPrefix)) return onKey(c, node, options, decodeKey(path.slice(kvPrefix.length)));
    if (path === membersPrefix || path.startsWith(`${membersPrefix}/`)) {
      return onMembers(c, node, path.slice(membersPrefix.length));
    }
    if (/^\/(livez|readyz|v1\/status)$/.test(path)) return methodNotAllowed("GET, HEAD");
    if (/^\/v1\/(sessions|leader)$/.test(path)) return methodNotAllowed("POST");
    return onBarePath(c, node, options, path);
  });
  app.onError((error) => {
    if (!(error instanceof ClientGone)) options.onInternalError?.(error);
    return problemResponse({ status: 500, code: "internal", detail: error.message, definite: false });
  });
  const answer = app.fetch;
  app.fetch = (request, env, context) => {
    const response = answer(request, env, context);
    return response instanceof Promise ? response.then((settled) => stamped(settled, node)) : stamped(response, node);
  };
  return app;
}

/** Every failure says how far the store is, where that is known. What succeeds says it by itself: it knows better. */
function stamped(response: Response, node: Node): Response {
  if (response.status < 400 || response.headers.has(revisionHeader)) return response;
  for (const [name, value] of Object.entries(revisionIfKnown(node))) response.headers.set(name, value);
  return response;
}

/** After a bug, what has thrown may throw again. The bug is told already, and its answer is to leave. */
function revisionIfKnown(node: Node): Record<string, string> {
  try {
    return revisionOf(node);
  } catch {
    return {};
  }
}

/** `/{id}` for POST and DELETE is a member; everything else is a key. */
function onBarePath(c: Ctx, node: Node, options: ApiOptions, path: string): Response | Promise<Response> {
  const { method } = c.req;
  const id = Number(/^\/([1-9]\d{0,14})$/.exec(path)?.[1] ?? 0);
  if (method === "POST") {
    if (id > 0) return addMember(c, node, id);
    return problemResponse(badRequest("no-member-id", "POST takes /{id}, with a peer URL as the body."));
  }
  if (id > 0 && !keyMethods.includes(method)) return methodNotAllowed([...keyMethods, "POST"].join(", "));
  if (method === "DELETE" && id > 0) return removeMemberUnlessKey(c, node, id);
  if (path === "/" && (method === "GET" || method === "HEAD")) {
    return problemResponse({ status: 404, code: "not-found", detail: "There is no page here.", definite: true });
  }
  return onKey(c, node, options, bareKey(path));
}

/** The path of a URL as it was written, for requests that come without a socket. */
function pathOfUrl(url: string): string {
  return url.replace(/^[a-z]+:\/\/[^/?#]*/i, "") || "/";
}
