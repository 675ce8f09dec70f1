import type { Failure } from "../../core/node/options.ts";

/** An answer that is not the one asked for: RFC 9457, with a stable `code` and whether it certainly did not happen. */
export type Problem = {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly definite: boolean;
};

/** What is read from a request: its value, or what is wrong with it. */
export type Parsed<Value> = { readonly ok: true; readonly value: Value } | Refusal;

/** A request is not understood, or not taken. */
export type Refusal = { readonly ok: false; readonly problem: Problem };

/** The request is refused for that. */
export function refusedFor(problem: Problem): Refusal {
  return { ok: false, problem };
}

/** The store's revision in every answer that knows it, so that clients can compare answers. */
export const revisionHeader = "Metastore-Revision";

/** The problem as an answer, with `headers` beside its own. */
export function problemResponse(problem: Problem, headers: Record<string, string> = {}): Response {
  const { status } = problem;
  return new Response(problemBody(problem), { status, headers: { ...problemHeaders(problem, 0), ...headers } });
}

/** JSON after RFC 9457, and a line feed. */
export function problemBody({ status, code, detail, definite }: Problem): string {
  return `${JSON.stringify({ type: "about:blank", status, code, detail, definite })}\n`;
}

/** `revision`: the store's now; 0 where it is not known. */
export function problemHeaders({ status }: Problem, revision: number): Record<string, string> {
  const retry: Record<string, string> = status === 503 ? { "Retry-After": "1" } : {};
  const store: Record<string, string> = revision === 0 ? {} : { [revisionHeader]: String(revision) };
  return { "Content-Type": "application/problem+json", ...retry, ...store };
}

const details: Readonly<Record<Failure["code"], string>> = {
  "no-leader": "No leader is known; a majority of the members may be unreachable.",
  refused: "The leader did not take the request; try again.",
  superseded: "Another leader took over before the request was committed; it never will be. Try again.",
  busy: "Too many requests are waiting; try again later.",
  stopping: "This node is stopping.",
  "not-ready": "This node does not serve yet: it is opening, joining, recovering or replaying; /readyz says which.",
  timeout: "The request time is over without an answer from the leader.",
};

/** 503 where it is certain that nothing happened, 504 where the outcome is unknown. */
export function failureProblem({ code, definite }: Failure): Problem {
  const unknown = definite ? "" : " The request may or may not take effect.";
  return { status: definite ? 503 : 504, code, detail: `${details[code]}${unknown}`, definite };
}

/** 400, and definite: a request that cannot be understood does nothing. */
export function badRequest(code: string, detail: string): Problem {
  return { status: 400, code, detail, definite: true };
}

/** 405. `allow`: the methods that the resource has, with commas. */
export function methodNotAllowed(allow: string): Response {
  const problem = { status: 405, code: "method-not-allowed", detail: `Allowed here: ${allow}.`, definite: true };
  return problemResponse(problem, { Allow: allow });
}

/** The client went away in the middle of its request: nobody reads the answer. */
export class ClientGone extends Error {
  override readonly name = "ClientGone";
}
