/**
 * A member that was started with another --peer-url than the configuration's asks once for the configuration to be
 * changed. It is the operator's word, given at the member itself: later ones, through any member, win over it.
 */
import type { Change } from "../protocol/configuration.ts";
import { memberOf } from "../raft/membership.ts";
import type { Raft } from "../raft/raft.ts";
import type { Micros, NodeId } from "../units.ts";
import { type ChangeResult, isRefusedChange } from "./options.ts";

/** Whether it holds, or was refused for good; what hangs on the moment is asked for again. */
function isSettled(result: ChangeResult): boolean {
  return result.ok || (result.definite && isRefusedChange(result.code) && result.code !== "other-change");
}

/** One for each boot. It asks once, whatever comes of it. */
export class UrlAnnouncement {
  readonly #self: NodeId;
  readonly #url: string | null;
  readonly #retryMicros: Micros;
  #state: "due" | "asked" | "over";
  #askedAt: Micros = -Infinity;

  /** `url` null: there is nothing to announce. It is asked for again after `retryMicros` at the soonest. */
  constructor(self: NodeId, url: string | null, retryMicros: Micros) {
    this.#self = self;
    this.#url = url;
    this.#retryMicros = retryMicros;
    this.#state = url === null ? "over" : "due";
  }

  /** The change to ask for now, or null. Its result goes to `onResult`. */
  due(now: Micros, { leader, configuration }: Raft): Change | null {
    const member = memberOf(configuration, this.#self);
    if (this.#state !== "due" || this.#url === null || leader === 0 || member === undefined) return null;
    if (now < this.#askedAt + this.#retryMicros) return null;
    this.#askedAt = now;
    this.#state = member.url === this.#url ? "over" : "asked";
    return this.#state === "asked" ? { kind: "move", id: this.#self, url: this.#url } : null;
  }

  onResult(result: ChangeResult): void {
    if (this.#state === "asked") this.#state = isSettled(result) ? "over" : "due";
  }

  /** The node stops: it asks for nothing more, which it would have to wait for. The next start announces it. */
  end(): void {
    this.#state = "over";
  }
}
