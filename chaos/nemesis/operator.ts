/** An operator's requests about members, through whichever member answers. */
import type { Reply } from "../http.ts";
import { problemOf } from "../store/meta-store.ts";
import { Requests } from "../world/requests.ts";
import type { World } from "../world/world.ts";

const pauseMs = 300;

/** One for each run. It never repairs by itself what a member should. */
export class Operator {
  readonly #world: World;
  readonly #requests: Requests;

  constructor(world: World, onFinding: (kind: string, text: string) => void) {
    this.#world = world;
    this.#requests = new Requests(world, onFinding);
  }

  /** One request to one member. */
  ask(member: number, method: string, path: string, body?: string): Promise<Reply> {
    const ask = body === undefined ? { method, path } : { method, path, body };
    return this.#requests.ask(this.#world.member(member), ask, `${method} ${path}`);
  }

  /** Asks in turn all but `not` until one does it; whether one did within `patienceMs`. */
  async must(
    method: string,
    path: string,
    body: string | undefined,
    not: number,
    patienceMs: number,
  ): Promise<boolean> {
    const { pace } = this.#world;
    const until = pace.fairNow() + patienceMs;
    for (let k = 0; pace.fairNow() < until && !this.#world.isHurried; k++) {
      const others = this.#world.present.filter(({ id, isUp }) => id !== not && isUp);
      const member = others[k % Math.max(1, others.length)];
      if (member !== undefined) {
        const reply = await this.ask(member.id, method, path, body);
        if (reply.kind === "answer" && reply.status === 204) return true;
        if (reply.kind === "answer" && problemOf(reply.body)?.code === "last-voter") return false;
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    return false;
  }

  async close(): Promise<void> {
    await this.#requests.close();
  }
}
