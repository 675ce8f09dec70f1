/**
 * Directories that are put back as a whole from an older copy. Tier b: only where every running peer has met a later
 * start of the directory, so that each can tell. Tier c: at any time, as a lie that is named.
 */
import type { Micros, NodeId } from "../../core/units.ts";
import type { Draws } from "../draws.ts";
import type { FaultFamily } from "../plan/families.ts";
import type { Plan } from "../plan/plan.ts";
import type { FaultBudget } from "../safety/redundancy.ts";
import type { TraceKind } from "../trace/vocabulary.ts";
import type { DirectoryCopy } from "../world/directory.ts";
import type { Host } from "../world/host.ts";

/** What older copies ask of the nemesis. `line` writes into the trace. */
export type CopyingWorld = {
  readonly hosts: readonly Host[];
  /** Draws, and counts, whether the family strikes the node now. */
  readonly strikes: (family: FaultFamily, id: NodeId) => boolean;
  readonly line: (kind: TraceKind, node: NodeId, a?: number) => void;
  /** The process is stopped now, and starts again by itself within `most`. */
  readonly knockDown: (host: Host, most: Micros) => void;
  readonly restartLater: (host: Host) => void;
};

type Kept = {
  readonly copy: DirectoryCopy;
  readonly storeId: string;
  readonly incarnation: number;
  readonly boot: number;
};

const downMicrosMax: Micros = 500_000;

/** One for each run. A tier a run has none. */
export class OlderCopies {
  readonly #plan: Plan;
  readonly #draws: Draws;
  readonly #budget: FaultBudget;
  readonly #world: CopyingWorld;
  /** The newest copy of each machine's directory. */
  readonly #kept = new Map<NodeId, Kept>();

  constructor(plan: Plan, draws: Draws, budget: FaultBudget, world: CopyingWorld) {
    this.#plan = plan;
    this.#draws = draws;
    this.#budget = budget;
    this.#world = world;
  }

  /** Stops `host`, which runs, to copy its directory or to put a copy back; or does nothing, and returns false. */
  strike(host: Host, slot: number): boolean {
    const { id, directory } = host;
    if (this.#plan.faults.olderCopy === 0 || directory.isOlderCopy) return false;
    const { identity } = directory;
    if (identity === null) return false;
    const kept = this.#kept.get(id);
    // A copy from before the directory was rebound is that of another member.
    if (kept === undefined || kept.storeId !== identity.storeId) return this.#keep(host, slot);
    if (!this.#mayPutBack(id, kept) || !this.#world.strikes("olderCopy", id)) return false;
    this.#kept.delete(id);
    this.#world.knockDown(host, downMicrosMax);
    this.#world.line("olderCopy", id);
    if (this.#plan.tier === "c") {
      directory.putBackUnjudged(kept.copy);
      this.#budget.directoryPutBack(id);
    } else {
      directory.putBack(kept.copy);
      this.#budget.logLost(id);
    }
    return true;
  }

  #keep(host: Host, slot: number): boolean {
    const { id, directory } = host;
    const { identity } = directory;
    this.#kept.delete(id);
    const isWhole = !directory.mustRecover && !directory.isOfNewerFormat && identity?.removed === false;
    // What knows no other voter asks nobody: it cannot be told.
    if (!isWhole || identity.genesis === null || identity.lost !== null || this.#budget.isSoleVoter(id)) return false;
    if (!this.#draws.chance(4 * this.#plan.faults.olderCopy, "olderCopy", slot, id)) return false;
    this.#world.knockDown(host, downMicrosMax);
    const { storeId, incarnation, boot } = identity;
    this.#kept.set(id, { copy: directory.copy(), storeId, incarnation, boot });
    return true;
  }

  #mayPutBack(id: NodeId, { incarnation, boot }: Kept): boolean {
    if (this.#plan.tier === "c") return true;
    const runsAny = this.#world.hosts.some((other) => other.id !== id && other.node !== null);
    return runsAny && this.#areLaterStartsMet(id, incarnation, boot) && this.#budget.mayLoseLog(id);
  }

  /** Whether each running peer of `id` has met the start that comes after `boot`, or a later one. */
  #areLaterStartsMet(id: NodeId, incarnation: number, boot: number): boolean {
    return this.#world.hosts.every(
      (other) =>
        other.id === id ||
        other.node === null ||
        (other.node.replica !== null && other.found.has(id, incarnation, boot + 1)),
    );
  }

  #isKnownLater({ id, directory: { identity } }: Host): boolean {
    return identity !== null && this.#areLaterStartsMet(id, identity.incarnation, identity.boot);
  }

  /**
   * A process that has heard of no later start begins on `started`: a copy that was not told so yet is lost before it is met.
   * So is a copy that begins on `started` itself with a number that some peer has not met: starts are all that tells them apart.
   */
  beforeStart(started: Host): void {
    for (const host of this.#world.hosts) {
      if (!host.directory.isOlderCopy || (host === started && this.#isKnownLater(host))) continue;
      const wasRunning = host.node !== null;
      this.#world.line("wipe", host.id);
      if (wasRunning) host.stop(false);
      host.wipe();
      this.#budget.diskLost(host.id);
      if (wasRunning) this.#world.restartLater(host);
    }
  }
}
