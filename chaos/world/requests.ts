/**
 * Requests that clients and checks of the harness send to members. Each has a bound: a request that an undisturbed
 * member has not answered by then is a finding, whatever its kind and its caller.
 */
import { type Ask, HttpClient, type Reply } from "../http.ts";
import type { Member } from "./member.ts";
import type { Pace } from "./pace.ts";

/** Beyond the store's own request time: what a busy machine may add. */
export const slackMs = 10_000;
const pollMs = 50;

/** What a request needs to know of its world. */
export type Asked = {
  readonly store: { readonly requestMsMax: number };
  readonly pace: Pace;
  /** Nothing is waited for any more. */
  readonly isHurried: boolean;
};

/**
 * Whether a member has had its time since `sinceMs`: nothing was done to it, it had what it needs, and this process was in
 * time to see it.
 */
export function hadItsTime(member: Member, sinceMs: number, pace: Pace): boolean {
  return member.isUp && !member.isShort && member.disturbedAtMs < sinceMs && !pace.wasStarvedSince(sinceMs);
}

/** One kind of client with connections of its own. */
export class Requests {
  readonly #http = new HttpClient();
  readonly #asked: Asked;
  readonly #onFinding: (kind: string, text: string) => void;
  #outstanding = 0;

  constructor(asked: Asked, onFinding: (kind: string, text: string) => void) {
    this.#asked = asked;
    this.#onFinding = onFinding;
  }

  /** Within which a member must answer, in milliseconds. */
  get boundMs(): number {
    return this.#asked.store.requestMsMax + slackMs;
  }

  /** Completes with the answer, or at the bound. `what`: the request in words; `moreMs`: what it may need besides. */
  async ask(member: Member, ask: Ask, what: string, moreMs = 0): Promise<Reply> {
    const { pace } = this.#asked;
    const sinceMs = pace.now();
    const reply = await this.#counted(this.#http.ask(member.port, ask, this.boundMs + moreMs));
    if (reply.kind === "late" && hadItsTime(member, sinceMs, pace))
      this.#onFinding("hung", `${what} at n${member.id} has no answer after ${Math.round(pace.now() - sinceMs)} ms`);
    return reply;
  }

  /** Goes away after `patienceMs`, before the member must have answered: nothing is judged. */
  askBriefly(member: Member, ask: Ask, patienceMs: number): Promise<Reply> {
    return this.#counted(this.#http.ask(member.port, ask, patienceMs));
  }

  async #counted(reply: Promise<Reply>): Promise<Reply> {
    this.#outstanding += 1;
    try {
      return await reply;
    } finally {
      this.#outstanding -= 1;
    }
  }

  /** Waits for what is still out, each by its own bound, and closes the connections. */
  async close(): Promise<void> {
    while (this.#outstanding > 0 && !this.#asked.isHurried) await new Promise((resolve) => setTimeout(resolve, pollMs));
    this.#http.close();
  }
}
