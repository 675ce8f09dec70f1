/**
 * Directories that are put back as a whole from an older copy. Tier b: only where every running peer has heard a later
 * start of the directory, so that each can tell. Tier c: at any time, as a lie that is named.
 */
import type { FaultBudget } from "../safety/losses.ts";
import type { NodeId } from "../../core/units.ts";
import type { DirectoryCopy } from "../world/directory.ts";
import type { Host } from "../world/host.ts";
import type { Tier } from "./options.ts";

type Kept = {
  readonly copy: DirectoryCopy;
  readonly storeId: string;
  readonly incarnation: number;
  readonly boot: number;
};

export class OlderCopies {
  readonly #tier: Tier;
  readonly #budget: FaultBudget;
  readonly #hosts: readonly Host[];
  readonly #strikes: (id: NodeId) => boolean;
  /** The newest copy of each machine's directory. */
  readonly #kept = new Map<NodeId, Kept>();

  constructor(tier: Tier, budget: FaultBudget, hosts: readonly Host[], strikes: (id: NodeId) => boolean) {
    this.#tier = tier;
    this.#budget = budget;
    this.#hosts = hosts;
    this.#strikes = strikes;
  }

  /** The process of `host` has just gone. Its directory is copied, or becomes what it was in a copy: returns whether it did. */
  strike(host: Host): boolean {
    const { id, directory } = host;
    const { identity } = directory;
    const kept = this.#kept.get(id);
    if (directory.isOlderCopy || identity === null) return false;
    // A copy from before the directory was rebound says so itself: others have its place.
    if (kept === undefined || kept.storeId !== identity.storeId) {
      this.#keep(host);
      return false;
    }
    if (!this.#mayPutBack(id, kept) || !this.#strikes(id)) return false;
    this.#kept.delete(id);
    if (this.#tier === "c") {
      directory.putBackUnjudged(kept.copy);
      this.#budget.directoryPutBack(id);
    } else {
      directory.putBack(kept.copy);
      this.#budget.logLost(id);
    }
    return true;
  }

  #keep({ id, directory }: Host): void {
    const { identity } = directory;
    this.#kept.delete(id);
    const isWhole = !directory.mustRecover && directory.ownIdentity === null && identity?.removed === false;
    // What knows no other voter asks nobody: it cannot be told.
    if (!isWhole || identity.genesis === null || identity.lost !== null || this.#budget.isSoleVoter(id)) return;
    const { storeId, incarnation, boot } = identity;
    this.#kept.set(id, { copy: directory.copy(), storeId, incarnation, boot });
  }

  #mayPutBack(id: NodeId, { incarnation, boot }: Kept): boolean {
    if (this.#tier === "c") return true;
    const others = this.#hosts.filter((other) => other.id !== id && other.node !== null);
    // The next start of the copy counts one more than the copy does.
    return (
      others.length > 0 &&
      others.every((other) => other.node!.running !== null && other.hasHeardOf(id, incarnation, boot + 1)) &&
      this.#budget.mayLoseLog(id)
    );
  }
}
