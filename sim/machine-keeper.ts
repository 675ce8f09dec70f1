/** Keeps the machines: sets up those that are to join, and decides what follows when a process has ended itself. */
import type { Ending } from "../core/node/options.ts";
import type { Envelope } from "../core/protocol/message.ts";
import type { NodeId } from "../core/units.ts";
import type { Events, Subscriber } from "./bus.ts";
import type { Nemesis } from "./nemesis/nemesis.ts";
import { checkExit } from "./safety/exit-check.ts";
import type { Ghost } from "./safety/ghost.ts";
import type { LyingDiskLedger } from "./safety/lying-disk-ledger.ts";
import type { FaultBudget } from "./safety/redundancy.ts";
import type { Host } from "./world/host.ts";

/** What it asks of the run around it. */
export interface KeeperWorld {
  readonly ghost: Ghost;
  /** Whether the ghost judges. */
  readonly isJudged: boolean;
  readonly budget: FaultBudget;
  readonly lies: LyingDiskLedger;
  readonly nemesis: Nemesis;
  readonly hosts: readonly Host[];
  /** The healed core of the liveness phase; empty before. */
  readonly core: readonly NodeId[];
}

/** One for each run. It acts on how processes end; what else befalls a machine is the nemesis's. */
export class MachineKeeper implements Subscriber {
  readonly #world: KeeperWorld;
  readonly #events: Pick<Events, "emptied">;
  /** Wiped machines of which a join request from before the wipe came late: it may be bound in their place. */
  readonly #lateJoins = new Set<NodeId>();

  constructor(world: KeeperWorld, events: Pick<Events, "emptied">) {
    this.#world = world;
    this.#events = events;
  }

  /** A machine that never ran starts; a removed machine starts empty; all others are left as they are. */
  startJoining(host: Host): void {
    if (!host.mayJoin) return;
    if (host.state.kind === "retired") {
      this.#events.emptied(host);
      host.wipe();
      this.#lateJoins.delete(host.id);
      this.#world.ghost.wiped(host.id);
    }
    this.#world.nemesis.startHost(host);
  }

  received(_host: Host, { from, message }: Envelope): void {
    const { kind } = message;
    if (kind !== "join-request" && kind !== "directory-confirmed" && kind !== "bind-request") return;
    const id = kind === "bind-request" ? message.node : from;
    if (this.#lateJoins.has(id)) return;
    const sender = this.#world.hosts[id - 1];
    if (sender?.wiped === true && sender.directory.storeId !== message.storeId) this.#lateJoins.add(id);
  }

  ended(host: Host, ending: Ending): void {
    const { ghost, isJudged, budget, lies, nemesis, core } = this.#world;
    const committed = isJudged ? ghost.committedConfiguration() : null;
    const kind = checkExit(host, ending, committed, this.#lateJoins.has(host.id), {
      own: budget.hasLost(host.id) || lies.liars.has(host.id),
      any: budget.lost.size > 0 || lies.liars.size > 0,
    });
    host.stop(false);
    if (kind === "newer") host.directory.restoreFormat();
    if (kind === "restart") host.directory.toldThatItIsOver();
    if (kind === "lost") host.leave("lost");
    else if (kind === "removed" || kind === "shut-out") host.leave("retired");
    const isRestarted = core.length === 0 || (host.healed && kind === "disk"); // Drawn before the healing.
    if (!host.retired && isRestarted) nemesis.restartLater(host);
  }
}
