/** A small write at a steady pace, so that gaps of availability are seen to a few hundredths of a second. */
import { HttpClient } from "../http.ts";
import { epochKey, noteDenial, type Shop } from "./client.ts";

const beatMs = 60;
const outstandingMax = 24;
/** Its numbers in the history: each write is a client of its own. */
const firstClient = 10_000_000;

/** Writes until the run is over; does not wait for answers that are still out. */
export async function pulse(shop: Shop): Promise<void> {
  const { world, recorder, keys, refused, isOver } = shop;
  const http = new HttpClient();
  const { store } = world;
  let outstanding = 0;
  for (let k = 0; !isOver(); k++) {
    await new Promise((resolve) => setTimeout(resolve, beatMs));
    const up = world.present.filter(({ isUp }) => isUp);
    const member = up[k % Math.max(1, up.length)];
    if (member === undefined || outstanding >= outstandingMax) continue;
    outstanding += 1;
    const key = epochKey("pulse", recorder.now());
    keys.add(key);
    const value = `p${k}`;
    const call = { client: firstClient + k, key, call: recorder.now(), op: "put", value } as const;
    const pending = recorder.called(call);
    const ask = { op: "put", key, value, expected: null, idempotency: null } as const;
    const { process: asked } = member;
    void http.ask(member.port, store.keyAsk(ask), store.requestMsMax + 1_000).then((reply) => {
      outstanding -= 1;
      const told = store.keyTold(ask, reply);
      noteDenial(shop, member, asked, reply, told);
      if (told.kind === "ok") return recorder.answered(pending, "ok", null, told.revision);
      if (told.kind === "none") refused.add(value);
      return recorder.answered(pending, told.kind === "none" ? "none" : "unknown", null, undefined);
    });
  }
  http.close();
}
