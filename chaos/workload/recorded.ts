/** Single writes and reads, in the history like those of clients, for callers that need to know the outcome. */
import type { Requests } from "../world/requests.ts";
import type { Member } from "../world/member.ts";
import type { Shop } from "./client.ts";

/** Their numbers in the history: each operation is a client of its own. */
const firstClient = 20_000_000;
let asked = 0;

/** Writes `value`, which nobody else writes. What is wrong, or an empty text where it was acknowledged. */
export async function recordedPut(
  { world, keys, recorder }: Pick<Shop, "world" | "keys" | "recorder">,
  requests: Requests,
  member: Member,
  key: string,
  value: string,
): Promise<string> {
  const { store } = world;
  keys.add(key);
  const put = { op: "put", key, value, expected: null, idempotency: null } as const;
  const client = firstClient + asked++;
  const pending = recorder.called({ client, key, call: recorder.now(), op: "put", value });
  const told = store.keyTold(put, await requests.ask(member, store.keyAsk(put), `put of ${key}`));
  const outcome = told.kind === "ok" ? "ok" : told.kind === "none" ? "none" : "unknown";
  recorder.answered(pending, outcome, null, told.kind === "ok" ? told.revision : undefined);
  return told.kind === "ok" ? "" : `a write: ${"why" in told ? told.why : told.kind}`;
}

/** Reads the key linearizably. What is wrong, or an empty text where it was answered. */
export async function recordedGet(
  { world, recorder }: Pick<Shop, "world" | "recorder">,
  requests: Requests,
  member: Member,
  key: string,
): Promise<string> {
  const { store } = world;
  const get = { op: "get", key, isStale: false } as const;
  const client = firstClient + asked++;
  const pending = recorder.called({ client, key, call: recorder.now(), op: "get", value: null });
  const told = store.keyTold(get, await requests.ask(member, store.keyAsk(get), `get of ${key}`));
  if (told.kind === "ok") recorder.answered(pending, "ok", told.value, told.revision);
  else recorder.answered(pending, "none", null, undefined);
  return told.kind === "ok" ? "" : `a read: ${"why" in told ? told.why : told.kind}`;
}
