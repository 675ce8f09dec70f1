import { keyBytesMax } from "../../core/kv/command.ts";
import { badRequest, type Parsed, refusedFor } from "./problem.ts";

/** The path of a raw request target: up to the query, nothing tidied. A target with a "#" is refused before. */
export function rawPath(target: string): string {
  const end = target.indexOf("?");
  const path = end < 0 ? target : target.slice(0, end);
  // An absolute-form target (RFC 9112, 3.2.2) names scheme and host before the path.
  const absolute = /^https?:\/\/[^/]*/i.exec(path);
  return absolute === null ? path : path.slice(absolute[0].length) || "/";
}

/** A percent-decoded key as its bytes, one char each; or what is wrong with it. */
export function decodeKey(raw: string): Parsed<string> {
  const broken = /%(?![0-9a-fA-F]{2})/.exec(raw);
  if (broken !== null)
    return wrong("bad-key", `The key has a "%" at ${broken.index} that two hex digits do not follow.`);
  const key = raw.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  if (key.length === 0) return wrong("empty-key", "A key has at least one byte.");
  if (key.length > keyBytesMax)
    return wrong("key-too-long", `A key has at most ${keyBytesMax} bytes, this one ${key.length}.`);
  return { ok: true, value: key };
}

function wrong(code: string, detail: string): Parsed<string> {
  return refusedFor(badRequest(code, detail));
}

const reserved = new Set(["v1", "metrics", "livez", "readyz"]);

/** The bare key of `/{key}`; the first segment of our own paths is refused, with the way to address such a key. */
export function bareKey(path: string): Parsed<string> {
  const raw = path.slice(1);
  if (!reserved.has(raw.split("/", 1)[0]!)) return decodeKey(raw);
  return wrong("reserved-key", `Keys that begin with this segment are addressed as /v1/kv/${raw}.`);
}
