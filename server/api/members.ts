/** Requests of operators: who belongs to the cluster, and who leads it. */
import type { Node } from "../../core/node/node.ts";
import type { ChangeResult } from "../../core/node/options.ts";
import type { Change } from "../../core/raft/membership.ts";
import { parsePeerUrl } from "../peer-url.ts";
import { readBody } from "./body.ts";
import type { Ctx } from "./keys.ts";
import { badRequest, failureProblem, methodNotAllowed, type Problem, problemResponse } from "./problem.ts";

const bodyBytesMax = 4096;
type Outcome = Extract<ChangeResult, { ok: true }>["outcome"];

const problems: Readonly<Record<Exclude<Outcome, "done">, { readonly status: number; readonly detail: string }>> = {
  busy: { status: 409, detail: "Another change of the membership is not finished yet." },
  "member-exists": { status: 409, detail: "The id is in use with another URL; POST /v1/members/{id} changes it." },
  "url-in-use": { status: 409, detail: "The URL is in use by another member." },
  "unknown-member": { status: 404, detail: "There never was a member with that id." },
  "last-voter": { status: 409, detail: "The last voter cannot be removed." },
  "no-majority-left": { status: 409, detail: "Those that can be reached would be no majority of what is left." },
  "not-bound": { status: 409, detail: "The node has not been heard of yet: start it with --join." },
  "no-voter": { status: 409, detail: "Only a voter can lead." },
};

async function outcomeOf(node: Node, change: Change): Promise<ChangeResult> {
  return new Promise<ChangeResult>((resolve) => node.change(change, resolve));
}

async function ask(node: Node, change: Change): Promise<Response> {
  return answerOf(await outcomeOf(node, change));
}

function answerOf(result: ChangeResult): Response {
  if (!result.ok) return problemResponse(failureProblem(result));
  if (result.outcome === "done") return new Response(null, { status: 204 });
  return problemResponse({ ...problems[result.outcome], code: result.outcome, definite: true });
}

/** POST /{id}: the body is the peer URL, or JSON with "url" and "autoPromote". An id in use keeps its URL. */
export async function addMember(c: Ctx, node: Node, id: number): Promise<Response> {
  const wish = await readWish(c);
  return "status" in wish ? problemResponse(wish) : ask(node, { kind: "add", id, ...wish });
}

/** POST /v1/members/{id}, with the same body: adds the member, or changes where it is reached. */
async function putMember(c: Ctx, node: Node, id: number): Promise<Response> {
  const wish = await readWish(c);
  if ("status" in wish) return problemResponse(wish);
  const added = await outcomeOf(node, { kind: "add", id, ...wish });
  if (!added.ok || added.outcome !== "member-exists") return answerOf(added);
  return ask(node, { kind: "move", id, url: wish.url });
}

async function readWish(c: Ctx): Promise<{ readonly url: string; readonly autoPromote: boolean } | Problem> {
  const body = await readBody(c.req.raw, c.env?.incoming, bodyBytesMax);
  return body === null ? badRequest("bad-url", "The body is a peer URL.") : parseWish(body.trim());
}

function parseWish(body: string): { readonly url: string; readonly autoPromote: boolean } | Problem {
  let text: unknown = body;
  let autoPromote: unknown = true;
  if (body.startsWith("{")) {
    try {
      const parsed = JSON.parse(body) as Record<string, unknown>;
      text = parsed["url"];
      autoPromote = parsed["autoPromote"] ?? true;
    } catch {
      return badRequest("bad-json", "The body is not JSON.");
    }
  }
  if (typeof text !== "string" || typeof autoPromote !== "boolean") {
    return badRequest("bad-json", 'The body is {"url": "http://host:port", "autoPromote": true}.');
  }
  const parsed = parsePeerUrl(text);
  return "wrong" in parsed ? badRequest("bad-url", `${parsed.wrong}.`) : { url: parsed.url, autoPromote };
}

export function removeMember(node: Node, id: number): Promise<Response> {
  return ask(node, { kind: "remove", id });
}

/** Everything under /v1/members; `rest` is what follows it in the path. */
export function onMembers(c: Ctx, node: Node, rest: string): Response | Promise<Response> {
  const { method } = c.req;
  if (rest === "") {
    if (method !== "GET" && method !== "HEAD") return methodNotAllowed("GET, HEAD");
    return c.json({ members: node.status().members });
  }
  const [, idText, promote] = /^\/([1-9]\d{0,14})(\/promote)?$/.exec(rest) ?? [];
  if (idText === undefined) return problemResponse(badRequest("no-member-id", "Members are named /v1/members/{id}."));
  const id = Number(idText);
  if (promote !== undefined) return method === "POST" ? ask(node, { kind: "promote", id }) : methodNotAllowed("POST");
  if (method === "POST") return putMember(c, node, id);
  if (method === "DELETE") return removeMember(node, id);
  if (method !== "GET" && method !== "HEAD") return methodNotAllowed("GET, HEAD, POST, DELETE");
  const member = node.status().members.find((one) => one.id === id);
  if (member !== undefined) return c.json(member);
  return problemResponse({ status: 404, code: "unknown-member", detail: "There is no such member.", definite: true });
}

/** POST /v1/leader with {"id": N}: hands the leadership over. */
export async function moveLeader(c: Ctx, node: Node): Promise<Response> {
  const body = (await readBody(c.req.raw, c.env?.incoming, bodyBytesMax)) ?? "";
  const id = /^\s*\{\s*"id"\s*:\s*([1-9]\d{0,14})\s*\}\s*$/.exec(body)?.[1];
  if (id === undefined) return problemResponse(badRequest("bad-json", 'The body is {"id": 2}.'));
  return ask(node, { kind: "lead", id: Number(id) });
}
