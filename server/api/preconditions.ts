/** What a write's headers ask for, beside its body: compare-and-set by revision, exactly-once by session. */
import { always, type Condition } from "../../core/kv/command.ts";
import { noSession, type SessionKey } from "../../core/node/options.ts";
import type { Ctx } from "./context.ts";
import { badRequest, type Problem } from "./problem.ts";

/** Headers that ask for no condition that a write can have. */
type BadCondition = { readonly kind: "malformed"; readonly problem: Problem };

function malformed(detail: string): BadCondition {
  return { kind: "malformed", problem: badRequest("bad-precondition", detail) };
}

/** The condition of a key's write, as its headers say. Nothing is ignored. */
export function conditionOf(ifMatch: string | undefined, ifNoneMatch: string | undefined): Condition | BadCondition {
  if (ifMatch !== undefined && ifNoneMatch !== undefined) {
    return malformed("If-Match and If-None-Match do not go together.");
  }
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch.trim() === "*") return { kind: "absent" };
    return malformed("A write takes If-None-Match: * and no other.");
  }
  if (ifMatch === undefined) return always;
  const tags = parseTags(ifMatch);
  if (tags === "*") return { kind: "present" };
  if (tags === null) return malformed('If-Match takes ETags, as in If-Match: "17", or *.');
  const revisions = [...new Set(tags.filter((tag) => /^"[1-9]\d{0,14}"$/.test(tag)))];
  if (revisions.length > 1) {
    return malformed("If-Match of a write names one revision.");
  }
  // A weak tag, or a tag that this store never gave out, matches nothing (RFC 9110, 13.1.1): nor does revision 0.
  return { kind: "revision", revision: revisions.length === 0 ? 0 : Number(revisions[0]!.slice(1, -1)) };
}

/** If-Match of a read, by strong comparison. `etag`: the key's; null where it is absent. */
export function isRefusedByIfMatch(header: string | undefined, etag: string | null): boolean {
  if (header === undefined) return false;
  const tags = parseTags(header);
  return etag === null || (tags !== "*" && tags?.includes(etag) !== true);
}

/** If-None-Match of a read, by weak comparison (RFC 9110, 13.1.2). A header that cannot be read matches nothing. */
export function isUnchanged(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  const tags = parseTags(header);
  return tags === "*" || tags?.some((tag) => tag.replace(/^W\//, "") === etag) === true;
}

const tagList = /^[\s,]*(?:(?:W\/)?"[^"]*"\s*(?:,[\s,]*|$))+$/;

/** The entity tags of a header, as they are written; null where it is malformed. */
function parseTags(header: string): readonly string[] | "*" | null {
  if (header.trim() === "*") return "*";
  return tagList.test(header) ? (header.match(/(?:W\/)?"[^"]*"/g) ?? []) : null;
}

/** A request that changes no key has no revision to compare with: a precondition on it is refused. */
export function refusedPrecondition(c: Ctx, instead: string): Problem | null {
  const name = ["If-Match", "If-None-Match"].find((header) => c.req.header(header) !== undefined);
  if (name === undefined) return null;
  return badRequest("precondition-unsupported", `${name} is for keys${instead}.`);
}

/** What a header says that `sessionOf` cannot read. */
export const badSession: Problem = badRequest(
  "bad-idempotency-key",
  "An Idempotency-Key is <session>.<sequence>, of a session from POST /v1/sessions.",
);

/** `Idempotency-Key: <session>.<sequence>`; null where it is written otherwise. */
export function sessionOf(header: string | undefined): SessionKey | null {
  if (header === undefined) return noSession;
  const match = /^([1-9]\d{0,14})\.([1-9]\d{0,14})$/.exec(header.trim());
  return match === null ? null : { session: Number(match[1]), sequence: Number(match[2]) };
}
