/** Requests of operators: who belongs to the cluster, and who leads it. */
import type { Node } from "../../core/node/node.ts";
import { type ChangeRefused, type ChangeResult, isRefusedChange, type ReadOutcome } from "../../core/node/options.ts";
import type { Change } from "../../core/protocol/configuration.ts";
import { parsePeerUrl } from "../peer-url.ts";
import { bodyRefused, readBody } from "./body.ts";
import type { Ctx } from "./context.ts";
import { refusedPrecondition } from "./preconditions.ts";
import {
  badRequest,
  failureProblem,
  methodNotAllowed,
  type Parsed,
  type Problem,
  problemResponse,
  refusedFor,
  revisionHeader,
} from "./problem.ts";

const bodyBytesMax = 4096;
/** As it is shown: `busy` is that another change is under way. In core that is a node with too much to do. */
type RefusalCode = Exclude<ChangeRefused, "other-change"> | "busy";
/** A sentence for each refusal. */
type Details = Readonly<Record<RefusalCode, string>>;

const problems: Readonly<Record<RefusalCode, Omit<Problem, "code" | "definite">>> = {
  busy: { status: 409, detail: "Another change of the membership is not finished yet." },
  "member-exists": { status: 409, detail: "The id is in use with another URL; POST /v1/members/{id} changes it." },
  "url-in-use": { status: 409, detail: "The URL is in use by another member." },
  "unknown-member": { status: 404, detail: "There never was a member with that id." },
  "last-voter": { status: 409, detail: "The last voter cannot be removed." },
  "no-majority-left": {
    status: 409,
    detail: "Those that answer and wait for no snapshot would be no majority of what is left.",
  },
  "not-bound": { status: 409, detail: "The node has not been heard of yet: start it with --join." },
  "no-voter": { status: 409, detail: "Only a voter can lead." },
  "not-caught-up": {
    status: 409,
    detail: "The member does not answer, or does not hold what the leader's log begins with yet: try again later.",
  },
};

async function ask(c: Ctx, node: Node, change: Change): Promise<Response> {
  const refusal = refusedPrecondition(c, "");
  if (refusal !== null) return problemResponse(refusal);
  return answerOf(node, await outcomeOf(node, change, node.requestDeadline()));
}

function outcomeOf(node: Node, change: Change, deadline: number): Promise<ChangeResult> {
  return new Promise((resolve) => node.change(change, resolve, deadline));
}

/** `details`: what to say in the place of the usual sentences. */
function answerOf(node: Node, result: ChangeResult, details: Partial<Details> = {}): Response {
  if (result.ok) return new Response(null, { status: 204, headers: revisionOf(node) });
  const { code, definite } = result;
  if (!isRefusedChange(code)) return problemResponse(failureProblem({ ok: false, code, definite }));
  const shown = code === "other-change" ? "busy" : code;
  const { status, detail } = problems[shown];
  const unknown = definite
    ? ""
    : " The leader before this one was asked too, and may have made it: look at /v1/members.";
  return problemResponse({ status, code: shown, detail: `${details[shown] ?? detail}${unknown}`, definite });
}

/** The header that says how far the store is; empty where that is not known. */
export function revisionOf(node: Node): Record<string, string> {
  const { appliedIndex } = node.status();
  return appliedIndex === 0 ? {} : { [revisionHeader]: String(appliedIndex) };
}

/** POST /{id}: the body is the peer URL, or JSON with "url" and "autoPromote". An id in use keeps its URL. */
export async function addMember(c: Ctx, node: Node, id: number): Promise<Response> {
  const read = await readMember(c);
  return read.ok ? ask(c, node, { kind: "add", id, ...read.member }) : read.answer;
}

/** POST /v1/members/{id}, with the same body: adds the member, or changes where it is reached; then whether it is promoted. */
async function putMember(c: Ctx, node: Node, id: number): Promise<Response> {
  const refusal = refusedPrecondition(c, "");
  if (refusal !== null) return problemResponse(refusal);
  const read = await readMember(c);
  if (!read.ok) return read.answer;
  const { member } = read;
  const deadline = node.requestDeadline();
  const added = await outcomeOf(node, { kind: "add", id, ...member }, deadline);
  if (added.ok || added.code !== "member-exists") return answerOf(node, added);
  const moved = await outcomeOf(node, { kind: "move", id, url: member.url }, deadline);
  if (!moved.ok || member.autoPromote === null) return answerOf(node, moved);
  const set = await outcomeOf(node, { kind: "add", id, ...member }, deadline);
  // It has been moved already.
  return answerOf(node, set.ok ? set : { ...set, definite: false });
}

/** `autoPromote` null: the body says nothing of it. */
type AskedMember = { readonly url: string; readonly autoPromote: boolean | null };
type ReadMember =
  | { readonly ok: true; readonly member: AskedMember }
  | { readonly ok: false; readonly answer: Response };

async function readMember(c: Ctx): Promise<ReadMember> {
  const body = await readBody(c, bodyBytesMax, null);
  if (!body.ok) return { ok: false, answer: bodyRefused(body.problem) };
  // A body is read as one-byte characters; a host name may have others.
  const parsed = parseMember(Buffer.from(body.value, "latin1").toString("utf8").trim());
  return parsed.ok ? { ok: true, member: parsed.value } : { ok: false, answer: problemResponse(parsed.problem) };
}

function wrong(code: string, detail: string): Parsed<AskedMember> {
  return refusedFor(badRequest(code, detail));
}

function parseMember(body: string): Parsed<AskedMember> {
  let text: unknown = body;
  let autoPromote: unknown = null;
  if (body.startsWith("{")) {
    try {
      const parsed = JSON.parse(body) as Record<string, unknown>;
      text = parsed["url"];
      autoPromote = parsed["autoPromote"] ?? null;
      const unknown = Object.keys(parsed).find((name) => name !== "url" && name !== "autoPromote");
      if (unknown !== undefined) return wrong("bad-json", `The body has url and autoPromote, and no "${unknown}".`);
    } catch {
      return wrong("bad-json", "The body is not JSON.");
    }
  }
  if (typeof text !== "string" || (autoPromote !== null && typeof autoPromote !== "boolean")) {
    return wrong("bad-json", 'The body is {"url": "http://host:port", "autoPromote": true}.');
  }
  const url = parsePeerUrl(text);
  return url.ok ? { ok: true, value: { url: url.value, autoPromote } } : wrong("bad-url", `${url.reason}.`);
}

/**
 * DELETE /{id}: removes the member where no key has that name; else nothing, since either may be meant. Whether there is
 * such a key is asked of the cluster, as any linearizable read.
 */
export async function removeMemberUnlessKey(c: Ctx, node: Node, id: number): Promise<Response> {
  const refusal = refusedPrecondition(c, `: /v1/kv/${id} is the key, /v1/members/${id} the member`);
  if (refusal !== null) return problemResponse(refusal);
  const deadline = node.requestDeadline();
  const key = await new Promise<ReadOutcome>((resolve) => node.read(String(id), false, resolve));
  // A read changes nothing: its failure is definite.
  if (!key.ok) return problemResponse(failureProblem({ ...key, definite: true }));
  if (key.value.row !== null) {
    const detail = `A key has this name: DELETE /v1/kv/${id} deletes it, DELETE /v1/members/${id} removes the member.`;
    const headers = { [revisionHeader]: String(key.value.revision) };
    return problemResponse({ status: 409, code: "ambiguous", detail, definite: true }, headers);
  }
  const detail = `There never was a member /v1/members/${id}, and there is no key /v1/kv/${id}.`;
  return answerOf(node, await outcomeOf(node, { kind: "remove", id }, deadline), { "unknown-member": detail });
}

/** Everything under /v1/members; `rest` is what follows it in the path. */
export function onMembers(c: Ctx, node: Node, rest: string): Response | Promise<Response> {
  const { method } = c.req;
  if (rest === "") {
    if (method !== "GET" && method !== "HEAD") return methodNotAllowed("GET, HEAD");
    const { members } = node.status();
    return members.length === 0 ? membersUnknown() : c.json({ members }, 200, revisionOf(node));
  }
  const isPromotion = rest.endsWith("/promote");
  const allowed = isPromotion ? ["POST"] : ["GET", "HEAD", "POST", "DELETE"];
  if (!allowed.includes(method)) return methodNotAllowed(allowed.join(", "));
  const [, idText] = /^\/([1-9]\d{0,14})(?:\/promote)?$/.exec(rest) ?? [];
  if (idText === undefined) return problemResponse(badRequest("no-member-id", "Members are named /v1/members/{id}."));
  const id = Number(idText);
  if (isPromotion) return ask(c, node, { kind: "promote", id });
  if (method === "POST") return putMember(c, node, id);
  if (method === "DELETE") return ask(c, node, { kind: "remove", id });
  const { members } = node.status();
  if (members.length === 0) return membersUnknown();
  const member = members.find((one) => one.id === id);
  if (member !== undefined) return c.json(member, 200, revisionOf(node));
  return problemResponse({ status: 404, code: "unknown-member", detail: "There is no such member.", definite: true });
}

/** A node knows no member before it takes part, and once it has ended; a cluster has one at least. */
function membersUnknown(): Response {
  return problemResponse(failureProblem({ ok: false, code: "not-ready", definite: true }));
}

/** POST /v1/leader with {"id": N}: hands the leadership over. */
export async function moveLeader(c: Ctx, node: Node): Promise<Response> {
  const body = await readBody(c, bodyBytesMax, null);
  if (!body.ok) return bodyRefused(body.problem);
  const id = /^\s*\{\s*"id"\s*:\s*([1-9]\d{0,14})\s*\}\s*$/.exec(body.value)?.[1];
  if (id === undefined) return problemResponse(badRequest("bad-json", 'The body is {"id": 2}.'));
  return ask(c, node, { kind: "transfer-leader", id: Number(id) });
}
