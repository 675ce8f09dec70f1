/** What machines may lose, by the run's tier: in tier a, so much that the cluster stays correct and comes back to life. */
import type { Configuration } from "../../core/protocol/configuration.ts";
import type { NodeId } from "../../core/units.ts";
import type { Tier } from "../plan/families.ts";
import type { Host } from "../world/host.ts";
import type { Ghost } from "./ghost.ts";
import type { LyingDiskLedger } from "./lying-disk-ledger.ts";

/** One for each run. A fault that takes something away asks here first. */
export class FaultBudget {
  readonly #ghost: Ghost;
  readonly #lies: LyingDiskLedger;
  readonly #hosts: readonly Host[];
  readonly #tier: Tier;
  /** Without the ghost's judgement nobody can tell what is redundant: nothing may be lost. */
  readonly #isJudged: boolean;
  /** Tiers b and c: what has been lost beyond what the cluster could spare then. */
  readonly lost = new Set<string>();
  /** The nodes that have lost it. */
  readonly #losers = new Set<NodeId>();
  /** What would be beyond that, as it was last asked. */
  readonly #unspared = new Set<string>();

  constructor(ghost: Ghost, lies: LyingDiskLedger, hosts: readonly Host[], tier: Tier, isJudged: boolean) {
    this.#lies = lies;
    this.#ghost = ghost;
    this.#hosts = hosts;
    this.#tier = tier;
    this.#isJudged = isJudged;
  }

  /** Whether what `id` would lose with its rows is held by every other voter. */
  mayLoseRows(id: NodeId): boolean {
    if (!this.#isJudged || this.#hosts[id - 1]!.devices.kv === null) return false;
    const isWithin = this.#hosts.every((host) => !host.rowsDamaged) && areRowsRedundant(this.#ghost, id);
    return this.#mayLose(isWithin, rowsOf(id));
  }

  /** One at a time, where every other voter holds all that is committed. */
  mayLoseLog(id: NodeId): boolean {
    if (!this.#isJudged || this.#hosts[id - 1]!.directory.mustRecover) return false;
    const isWithin =
      this.#hosts.every((host) => !host.directory.mustRecover && !host.rowsDamaged) && isLogRedundant(this.#ghost, id);
    return this.#mayLose(isWithin, logOf(id));
  }

  #mayLose(isWithinModel: boolean, what: string): boolean {
    if (isWithinModel) this.#unspared.delete(what);
    else this.#unspared.add(what);
    return isWithinModel || this.#tier !== "a";
  }

  /** It is lost, as it might be when that was asked: only then does it excuse anything. */
  #noteLoss(id: NodeId, what: string): void {
    if (!this.#unspared.has(what)) return;
    this.lost.add(what);
    this.#losers.add(id);
  }

  /** Whether `id` has lost what the cluster could not spare. */
  hasLost(id: NodeId): boolean {
    return this.#losers.has(id);
  }

  /** All of it: the machine is there again with an empty disk. */
  diskLost(id: NodeId): void {
    this.lost.add(`n${id}'s disk`);
    this.#losers.add(id);
    this.#ghost.logLost(id);
  }

  logLost(id: NodeId): void {
    this.#noteLoss(id, logOf(id));
    this.#ghost.logLost(id);
  }

  /** Its next start will take its log for lost; the ghost hears of that when it does. */
  logMisread(id: NodeId): void {
    this.#noteLoss(id, logOf(id));
  }

  rowsLost(id: NodeId): void {
    this.#noteLoss(id, rowsOf(id));
  }

  /** Tier c: the directory is what it once was, and nobody may be able to tell. */
  directoryPutBack(id: NodeId): void {
    this.#lies.putBack(id);
  }

  /** Whether `id` votes alone, by the configuration in its own log. */
  isSoleVoter(id: NodeId): boolean {
    const { voters, outgoing } = this.#ghost.configurationOf(this.#ghost.node(id).written);
    return outgoing.length === 0 && voters.every((voter) => voter === id);
  }
}

function rowsOf(id: NodeId): string {
  return `n${id}'s rows`;
}

function logOf(id: NodeId): string {
  return `n${id}'s log`;
}

/** Whether every other voter holds what only the rows of `id` hold there, and its own rows. */
function areRowsRedundant(ghost: Ghost, id: NodeId): boolean {
  const { voters, outgoing } = ghost.committedConfiguration();
  const { base } = ghost.node(id).durable;
  const others = [...voters, ...outgoing].filter((voter) => voter !== id);
  // Rows of an earlier life of the directory would come back.
  if (ghost.node(id).storageGeneration > 0) return false;
  return (
    // Fewer could be no voters any more before the rows are back.
    others.length > 1 &&
    others.every((voter) => ghost.holds(voter, base) && ghost.node(voter).covered >= ghost.node(voter).durable.base)
  );
}

/**
 * Whether a quorum can be had without `id`, and each such quorum holds all that is committed: then others rebind it, however
 * far some of them lag. A leader goes by the newest configuration in its log, committed or not (Raft paper, section 6): so
 * that of each voter must leave a quorum without `id` too, also that of `id`, which may be on its way to the others.
 */
function isLogRedundant(ghost: Ghost, id: NodeId): boolean {
  const committed = ghost.committedConfiguration();
  const { voters, outgoing } = committed;
  const others = voters.filter((voter) => voter !== id);
  const lagging = others.filter((voter) => !ghost.holds(voter, ghost.committed.last));
  const newest = voters.map((voter) => ghost.configurationOf(ghost.node(voter).written));
  return (
    outgoing.length === 0 &&
    others.length > 1 &&
    lagging.length < majorityOf(voters) &&
    [committed, ...newest].every((configuration) => hasQuorumWithout(configuration, id))
  );
}

function hasQuorumWithout({ voters, outgoing }: Configuration, id: NodeId): boolean {
  return [voters, outgoing].every(
    (ids) => ids.length === 0 || ids.filter((one) => one !== id).length >= majorityOf(ids),
  );
}

function majorityOf(voters: readonly NodeId[]): number {
  return Math.floor(voters.length / 2) + 1;
}
