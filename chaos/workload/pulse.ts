/** A small write at a steady pace, so that gaps of availability are seen to a few hundredths of a second. */
import type { Member } from "../world/member.ts";
import { Requests } from "../world/requests.ts";
import { epochKey, noteDenial, type Shop } from "./client.ts";

const beatMs = 60;
/** Writes that wait at one member: a member that answers late does not hold up what the others show. */
const outstandingMax = 8;
/** Its numbers in the history: each write is a client of its own. */
const firstClient = 10_000_000;

/** Writes until the run is over; completes when each write has its answer, or has had its time. */
export async function pulse(shop: Shop): Promise<void> {
  const { world, recorder, keys, refused, isOver } = shop;
  const requests = new Requests(world, shop.onFinding);
  const { store } = world;
  const outstanding = new Map<Member, number>();
  const count = (member: Member, more: number): void =>
    void outstanding.set(member, (outstanding.get(member) ?? 0) + more);
  for (let k = 0; !isOver(); k++) {
    await new Promise((resolve) => setTimeout(resolve, beatMs));
    const up = world.present.filter(({ isUp }) => isUp);
    const member = up[k % Math.max(1, up.length)];
    if (member === undefined || (outstanding.get(member) ?? 0) >= outstandingMax) continue;
    count(member, 1);
    const key = epochKey("pulse", recorder.now());
    keys.add(key);
    const value = `p${k}`;
    const call = { client: firstClient + k, key, call: recorder.now(), op: "put", value } as const;
    const pending = recorder.called(call);
    const ask = { op: "put", key, value, expected: null, idempotency: null } as const;
    const { process: asked } = member;
    const sinceMs = performance.now();
    void requests.ask(member, store.keyAsk(ask), `put of ${key}`).then((reply) => {
      count(member, -1);
      const told = store.keyTold(ask, reply);
      noteDenial(shop, member, { asked, sinceMs, reply, told });
      if (told.kind === "ok") return recorder.answered(pending, "ok", null, told.revision);
      if (told.kind === "none") refused.add(value);
      return recorder.answered(pending, told.kind === "none" ? "none" : "unknown", null, undefined);
    });
  }
  await requests.close();
}
