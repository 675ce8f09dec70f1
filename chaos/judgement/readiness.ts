/**
 * Checks that members report readiness correctly, while all members and links are left alone. A member that was ready
 * before must say so again within three times the time to serve. A member that says so must answer a linearizable read
 * within the time to serve.
 */
import type { Member } from "../world/member.ts";
import { Requests } from "../world/requests.ts";
import type { World } from "../world/world.ts";

const beatMs = 2_000;
/** A process that starts, or opens its data, has so many times the time to serve. */
const startFactor = 3;
const probe = { op: "get", key: "readiness", isStale: false } as const;

type Known = {
  readyAtMs: number;
  /** When it last said anything else. */
  notReadyAtMs: number;
  servedAtMs: number;
  lastWords: string;
  isAsked: boolean;
  isTold: boolean;
};

/** One for each run. It concludes nothing while anything is broken or the machine is late. */
export class ReadinessWatch {
  readonly #world: World;
  readonly #serveMs: number;
  /** Whether every member should hold its data. */
  readonly #isWhole: () => boolean;
  readonly #onFinding: (kind: string, text: string) => void;
  readonly #requests: Requests;
  readonly #known = new Map<Member, Known>();
  /** When something was last seen to be done to a member or link. */
  #disturbedAtMs = performance.now();

  constructor(world: World, serveMs: number, isWhole: () => boolean, onFinding: (kind: string, text: string) => void) {
    this.#world = world;
    this.#serveMs = serveMs;
    this.#isWhole = isWhole;
    this.#onFinding = onFinding;
    this.#requests = new Requests(world, onFinding);
  }

  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const nowMs = performance.now();
      if (!this.#isWhole() || !this.#world.wasLeftAlone(Infinity)) this.#disturbedAtMs = nowMs;
      const { present, links, pace } = this.#world;
      const doneAtMs = present.map((one) => one.disturbedAtMs);
      const sinceMs = Math.max(this.#disturbedAtMs, pace.starvedAtMs, links.touchedAtMs, ...doneAtMs);
      for (const member of this.#known.keys()) if (!present.includes(member)) this.#known.delete(member);
      for (const member of present) {
        const known = this.#of(member);
        if (member.isUp && !known.isAsked) void this.#ask(member, known);
        if (nowMs - sinceMs > this.#serveMs) this.#judge(member, known, sinceMs);
      }
      await new Promise((resolve) => setTimeout(resolve, beatMs));
    }
    await this.#requests.close();
  }

  #of(member: Member): Known {
    const fresh = { readyAtMs: 0, notReadyAtMs: 0, servedAtMs: 0, lastWords: "", isAsked: false, isTold: false };
    const known = this.#known.get(member) ?? fresh;
    this.#known.set(member, known);
    return known;
  }

  /** Also the status is asked for: who polls it gives up early, and here it has its whole time. */
  async #ask(member: Member, known: Known): Promise<void> {
    const { store } = this.#world;
    known.isAsked = true;
    const ready = await this.#requests.ask(member, store.readyAsk, "the question whether it is ready");
    const isReady = ready.kind === "answer" && ready.status === 200;
    known[isReady ? "readyAtMs" : "notReadyAtMs"] = performance.now();
    if (!isReady) known.lastWords = ready.kind === "answer" ? ready.body.trim() : ready.why;
    await this.#requests.ask(member, store.statusAsk, "the question for its status");
    const read = store.keyTold(probe, await this.#requests.ask(member, store.keyAsk(probe), "get of readiness"));
    if (read.kind === "ok") known.servedAtMs = performance.now();
    known.isAsked = false;
  }

  #judge({ id }: Member, known: Known, sinceMs: number): void {
    if (known.isTold) return;
    const lastedMs = Math.round(performance.now() - sinceMs);
    // A new member that has never been ready may still wait for its snapshot.
    const isPatient = lastedMs < startFactor * this.#serveMs;
    const isNeverReady = !isPatient && known.readyAtMs > 0 && known.readyAtMs < sinceMs && known.notReadyAtMs > sinceMs;
    const isLying = known.servedAtMs < sinceMs && known.notReadyAtMs < sinceMs && known.readyAtMs > sinceMs;
    if (!isNeverReady && !isLying) return;
    known.isTold = true;
    const words = isLying ? "says that it is ready, and answers no read" : `is not ready (${known.lastWords})`;
    this.#onFinding("readiness", `n${id} ${words}, though all are left alone for ${lastedMs} ms`);
  }
}
