/** What a write's headers ask for, beside its body: compare-and-set by revision, exactly-once by session. */
import { always, type Condition } from "../../core/kv/command.ts";
import { noSession, type SessionKey } from "../../core/node/options.ts";
import { badRequest, type Problem } from "./problem.ts";

/** `If-Match: "<revision>"` or `*` (there); `If-None-Match: *` (absent). Nothing else is understood, and nothing is ignored. */
export function conditionOf(ifMatch: string | undefined, ifNoneMatch: string | undefined): Condition | Problem {
  if (ifMatch !== undefined && ifNoneMatch !== undefined) {
    return badRequest("bad-precondition", "If-Match and If-None-Match do not go together.");
  }
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch.trim() === "*") return { kind: "absent" };
    return badRequest("bad-precondition", "A write takes If-None-Match: * and no other.");
  }
  if (ifMatch === undefined) return always;
  if (ifMatch.trim() === "*") return { kind: "present" };
  const revision = /^"([1-9]\d{0,14})"$/.exec(ifMatch.trim())?.[1];
  if (revision !== undefined) return { kind: "revision", revision: Number(revision) };
  return badRequest("bad-precondition", 'If-Match takes one ETag, as in If-Match: "17", or *.');
}

/** `Idempotency-Key: <session>.<sequence>`. */
export function sessionOf(header: string | undefined): SessionKey | Problem {
  if (header === undefined) return noSession;
  const match = /^([1-9]\d{0,14})\.([1-9]\d{0,14})$/.exec(header.trim());
  if (match !== null) return { session: Number(match[1]), sequence: Number(match[2]) };
  const detail = "An Idempotency-Key is <session>.<sequence>, of a session from POST /v1/sessions.";
  return badRequest("bad-idempotency-key", detail);
}
