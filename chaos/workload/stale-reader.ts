/** Stale reads of any member at any moment: also while it opens its directory, joins, recovers or stops. */
import { keyNames } from "../../sim/workload/generator.ts";
import { Requests } from "../world/requests.ts";
import { epochKey, type Shop } from "./client.ts";

const beatMs = 50;

/** Reads until the run is over. What it is told is noted, and judged later. */
export async function readStale(shop: Shop): Promise<void> {
  const { world, recorder, draws, isOver, onFinding } = shop;
  const requests = new Requests(world, onFinding);
  const { store } = world;
  for (let k = 0; !isOver(); k++) {
    await new Promise((resolve) => setTimeout(resolve, beatMs));
    const up = world.present.filter(({ isUp }) => isUp);
    const member = up[k % Math.max(1, up.length)];
    if (member === undefined) continue;
    const name = k % 2 === 0 ? "pulse" : keyNames[draws.below(keyNames.length, "reader", k, 1)]!;
    const key = epochKey(name, recorder.now());
    const ask = { op: "get", key, isStale: true } as const;
    const call = recorder.now();
    void requests.ask(member, store.keyAsk(ask), `a stale read of ${key}`).then((reply) => {
      const told = store.keyTold(ask, reply);
      if (told.kind === "wrong") onFinding("wrong answer", `a stale read at n${member.id}: ${told.why}`);
      if (told.kind !== "ok") return;
      const { value, revision } = told;
      recorder.stale.push({ member: member.id, key, value, revision, call, return: recorder.now() });
    });
  }
  await requests.close();
}
