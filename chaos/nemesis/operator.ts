/** An operator's requests about members, through whichever member answers. */
import { HttpClient, type Reply } from "../http.ts";
import { problemOf } from "../store/meta-store.ts";
import type { World } from "../world/world.ts";

const requestMs = 15_000;
const pauseMs = 300;

/** One for each run. It never repairs by itself what a member should. */
export class Operator {
  readonly #world: World;
  readonly #http = new HttpClient();

  constructor(world: World) {
    this.#world = world;
  }

  /** One request to one member. */
  ask(member: number, method: string, path: string, body?: string): Promise<Reply> {
    const ask = body === undefined ? { method, path } : { method, path, body };
    return this.#http.ask(this.#world.member(member).port, ask, requestMs);
  }

  /** Asks in turn all but `not` until one does it; whether one did within `patienceMs`. */
  async must(
    method: string,
    path: string,
    body: string | undefined,
    not: number,
    patienceMs: number,
  ): Promise<boolean> {
    const until = performance.now() + patienceMs;
    for (let k = 0; performance.now() < until && !this.#world.isHurried; k++) {
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

  close(): void {
    this.#http.close();
  }
}
