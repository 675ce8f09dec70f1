/**
 * A member that was started with another --peer-url than the configuration's asks once for the configuration to be
 * changed. It is the operator's word, given at the member itself: later ones, through any member, win over it.
 */
import type { Change } from "../protocol/configuration.ts";
import { memberOf } from "../raft/membership.ts";
import type { Raft } from "../raft/raft.ts";
import type { NodeId } from "../units.ts";
import type { ChangeResult } from "./options.ts";

export class UrlAnnouncement {
  readonly #self: NodeId;
  readonly #url: string | null;
  #state: "due" | "asked" | "over";

  /** `url` null: there is nothing to announce. */
  constructor(self: NodeId, url: string | null) {
    this.#self = self;
    this.#url = url;
    this.#state = url === null ? "over" : "due";
  }

  /** The change to ask for now, or null. Its result goes to `onResult`. */
  due({ leader, configuration }: Raft): Change | null {
    const member = memberOf(configuration, this.#self);
    if (this.#state !== "due" || this.#url === null || leader === 0 || member === undefined) return null;
    this.#state = member.url === this.#url ? "over" : "asked";
    return this.#state === "asked" ? { kind: "move", id: this.#self, url: this.#url } : null;
  }

  /** What hangs on the moment is asked for again. */
  onResult(result: ChangeResult): void {
    if (this.#state === "asked") this.#state = result.ok && result.outcome !== "busy" ? "over" : "due";
  }

  /** The node stops: it asks for nothing more, which it would have to wait for. The next start announces it. */
  end(): void {
    this.#state = "over";
  }
}
