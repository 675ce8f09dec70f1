/** The end of a run: with every fault healed each member must serve, and every key must hold what was acknowledged. */
import type { Ask } from "../http.ts";
import type { Shop } from "../workload/client.ts";
import { recordedGet, recordedPut } from "../workload/recorded.ts";
import type { Member } from "../world/member.ts";
import { Requests } from "../world/requests.ts";

const readsAtOnce = 8;
/** A member that is late is waited for so many times the limit, to say whether it serves at all. */
const lateTimes = 2;

/**
 * Waits until each member has answered a write and a linearizable read. Returns how long the slowest took, in
 * milliseconds; Infinity: a member never did. A member that needs more than `limitMs` of fair time is a finding, also
 * if it serves later.
 */
export async function serve(shop: Shop, limitMs: number): Promise<number> {
  const { world, recorder, onFinding } = shop;
  const { pace } = world;
  const beganMs = pace.fairNow();
  const requests = new Requests(world, onFinding);
  const serveOnce = async (member: Member): Promise<string> => {
    const key = `liveness.${member.id}`;
    const wrong = await recordedPut(shop, requests, member, key, `${recorder.now()}`);
    return wrong === "" ? recordedGet(shop, requests, member, key) : wrong;
  };
  const times = await Promise.all(
    world.present.map(async (member) => {
      let last = "";
      const serves = async (): Promise<boolean> => {
        last = await serveOnce(member);
        return last === "";
      };
      if (await world.until(serves, limitMs)) return pace.fairNow() - beganMs;
      const isServing = last === "" || (await world.until(serves, lateTimes * limitMs));
      const tookMs = isServing ? Math.round(pace.fairNow() - beganMs) : Infinity;
      const words = isServing ? `serves only after ${tookMs} ms` : `does not serve: ${last}`;
      onFinding("liveness", `n${member.id} must serve ${limitMs} ms after all is healed, and ${words}`);
      return tookMs;
    }),
  );
  await requests.close();
  return Math.round(Math.max(...times));
}

/**
 * Asks every member once for each sort of answer. During the run faults strike most members within the time that a
 * request may take; now no fault does, so every request that hangs is a finding.
 */
export async function askEverySort({ world, onFinding }: Pick<Shop, "world" | "onFinding">): Promise<void> {
  const { store, present } = world;
  const requests = new Requests(world, onFinding);
  const sorts: readonly (readonly [string, Ask | null])[] = [
    ["the opening of a session", store.sessionAsk],
    ["a stale read", store.keyAsk({ op: "get", key: "liveness.1", isStale: true })],
    ["the question whether it is ready", store.readyAsk],
    ["the question for its status", store.statusAsk],
  ];
  const asked = present.flatMap((member) =>
    sorts.map(async ([what, ask]) => (ask === null ? null : requests.ask(member, ask, what))),
  );
  await Promise.all(asked);
  await requests.close();
}

/** Reads every key that was ever used, so that the checker sees what has become of it. */
export async function readAll(shop: Shop): Promise<void> {
  const { world, keys, isOver } = shop;
  const requests = new Requests(world, shop.onFinding);
  const left = [...keys];
  const { present } = world;
  const read = async (k: number): Promise<void> => {
    for (let turn = k; ; turn++) {
      const key = left.pop();
      if (key === undefined) return;
      const member = present[turn % present.length]!;
      if ((await recordedGet(shop, requests, member, key)) !== "") await recordedGet(shop, requests, member, key);
    }
  };
  if (isOver()) await Promise.all(Array.from({ length: readsAtOnce }, (_, k) => read(k)));
  await requests.close();
}
