import { type Checked, refused, type Refused } from "../core/result.ts";

/** `http://host:port` and nothing else, as members are named; or what is wrong with `text`. */
export function parsePeerUrl(text: string): Checked<string> {
  const wrong = (what: string): Refused => refused(`peer URL "${text}" ${what}; write it as http://host:port`);
  // new URL would drop the one, and read the other as a slash.
  if (/[\s\\]/.test(text)) return wrong("contains white space or a backslash");
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return wrong("is malformed");
  }
  if (url.protocol === "https:") return refused(`peer URL "${text}": TLS between peers is not built yet`);
  if (url.protocol !== "http:") return wrong("is not http");
  if (url.username !== "" || url.password !== "" || text.includes("@")) return wrong("carries a user");
  if (!/^http:\/\/[^/?#]+\/?$/i.test(text)) return wrong("carries a path, a query or a fragment");
  if (!/:\d+\/?$/.test(text)) return wrong("lacks a port");
  if (url.port === "0") return wrong("has port 0, which no peer can reach");
  // new URL drops a default port; it was written, so it is kept.
  return { ok: true, value: `http://${url.hostname}:${url.port === "" ? "80" : url.port}` };
}
