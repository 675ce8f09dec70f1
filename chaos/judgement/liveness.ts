/** The end of a run: with every fault healed each member must serve, and every key must hold what was acknowledged. */
import { HttpClient } from "../http.ts";
import type { Shop } from "../workload/client.ts";
import type { Member } from "../world/member.ts";

const askMs = 6_000;
const readsAtOnce = 8;
/** Its numbers in the history. */
const firstClient = 20_000_000;

/**
 * Waits until each member has answered a write and a linearizable read; how long the slowest took, in milliseconds; Infinity
 * where one has not within `limitMs`, which is a finding.
 */
export async function serve(shop: Shop, limitMs: number): Promise<number> {
  const { world, onFinding } = shop;
  const beganMs = performance.now();
  const http = new HttpClient();
  const times = await Promise.all(
    world.present.map(async (member) => {
      let last = "";
      const isServing = await world.until(async () => {
        last = await serveOnce(shop, http, member);
        return last === "";
      }, limitMs);
      if (!isServing) onFinding("liveness", `n${member.id} does not serve ${limitMs} ms after all is healed: ${last}`);
      return isServing ? performance.now() - beganMs : Infinity;
    }),
  );
  http.close();
  return Math.round(Math.max(...times));
}

/** What is wrong, or an empty text. */
async function serveOnce({ world, keys, recorder }: Shop, http: HttpClient, member: Member): Promise<string> {
  const { store } = world;
  const key = `liveness.${member.id}`;
  keys.add(key);
  const put = { op: "put", key, value: `${recorder.now()}`, expected: null, idempotency: null } as const;
  const client = firstClient + recorder.now();
  const call = { client, key, call: recorder.now(), op: "put", value: put.value } as const;
  const pending = recorder.called(call);
  const written = store.keyTold(put, await http.ask(member.port, store.keyAsk(put), askMs));
  const outcome = written.kind === "ok" ? "ok" : written.kind === "none" ? "none" : "unknown";
  recorder.answered(pending, outcome, null, written.kind === "ok" ? written.revision : undefined);
  if (written.kind !== "ok") return `a write: ${"why" in written ? written.why : written.kind}`;
  return readOnce({ world, recorder }, http, member, key);
}

async function readOnce(
  { world, recorder }: Pick<Shop, "world" | "recorder">,
  http: HttpClient,
  member: Member,
  key: string,
): Promise<string> {
  const { store } = world;
  const get = { op: "get", key, isStale: false } as const;
  const call = { client: firstClient + recorder.now(), key, call: recorder.now(), op: "get", value: null } as const;
  const pending = recorder.called(call);
  const read = store.keyTold(get, await http.ask(member.port, store.keyAsk(get), askMs));
  if (read.kind !== "ok") {
    recorder.answered(pending, "none", null, undefined);
    return `a read: ${"why" in read ? read.why : read.kind}`;
  }
  recorder.answered(pending, "ok", read.value, read.revision);
  return "";
}

/** Reads every key that was ever used, so that the checker sees what has become of it. */
export async function readAll(shop: Shop): Promise<void> {
  const { world, keys, isOver } = shop;
  const http = new HttpClient();
  const left = [...keys];
  const { present } = world;
  const read = async (k: number): Promise<void> => {
    for (let turn = k; ; turn++) {
      const key = left.pop();
      if (key === undefined) return;
      const member = present[turn % present.length]!;
      if ((await readOnce(shop, http, member, key)) !== "") await readOnce(shop, http, member, key);
    }
  };
  if (isOver()) await Promise.all(Array.from({ length: readsAtOnce }, (_, k) => read(k)));
  http.close();
}
