/**
 * What may be broken at once. A store may lose what a majority has lost; a run must not ask for more than was promised:
 *
 * 1. Processes may be killed and stopped in any number, also all: what was acknowledged is durable.
 * 2. Durable data are taken from one member at a time: a minority of any cluster of three or more.
 * 3. They are taken only while every other member runs, is ready and votes: so no other member is behind, and each
 *    holds what this one has acknowledged, or can have it from a member that does.
 * 4. A member is without its data until it is ready again and holds what its leader had committed, and no change of
 *    members is under way: until a joint configuration is left, the voters from before the change must agree too. If
 *    two of them are left without the member, both are needed.
 * 5. An old copy is put back, and log files are deleted, while nothing else is broken: members know each other's boots
 *    only in memory. A write that one member loses so stays on every other member of the majority that acknowledged it.
 * 6. Bytes are damaged in the first half of a log file, which later writes have long proven durable. At a file's end damage
 *    looks like a write that was cut short, and no store can tell.
 * 7. Who belongs to the cluster changes by one member at a time, and not while a member is without its data.
 */
import type { Member } from "../world/member.ts";
import type { World } from "../world/world.ts";

/**
 * What else may be struck meanwhile. `link`, `process`: anything but `alone`. `data`, `members`: neither `data` nor
 * `members`, and no member is without its data. `alone`: nothing, and no member is without its data.
 */
export type Isolation = "link" | "process" | "data" | "members" | "alone";

/** One for each run: which members have lost their data. A strike asks before it takes any. */
export class Budget {
  readonly #world: World;
  /** Members without their data. */
  readonly #bereft = new Set<Member>();

  constructor(world: World) {
    this.#world = world;
  }

  /** Rules 5 and 7, and what the families say of each other. */
  fits(isolation: Isolation, active: readonly Isolation[]): boolean {
    if (isolation === "alone") return active.length === 0 && this.#bereft.size === 0;
    if (active.includes("alone")) return false;
    if (isolation === "data" || isolation === "members") {
      return this.#bereft.size === 0 && !active.includes("data") && !active.includes("members");
    }
    return true;
  }

  /** Rules 2 and 3: whether the member's data may be taken now. */
  async mayTakeData(member: Member): Promise<boolean> {
    const { present } = this.#world;
    if (this.#bereft.size > 0 || present.length < 3) return false;
    const states = await Promise.all(present.map((one) => this.#isWhole(one)));
    return states.every((isWhole, k) => isWhole || present[k] === member);
  }

  taken(member: Member): void {
    this.#bereft.add(member);
  }

  /** Rule 4: whether it has its data again; then it counts as whole. */
  async isRestored(member: Member): Promise<boolean> {
    const isThere = await this.#isWhole(member);
    if (isThere) this.#bereft.delete(member);
    return isThere;
  }

  /** The members without their data. */
  get bereft(): readonly Member[] {
    return [...this.#bereft];
  }

  async #isWhole(member: Member): Promise<boolean> {
    const leader = this.#world.members[this.#world.leader - 1];
    if (leader === undefined || !member.isUp || !(await this.#world.isReady(member))) return false;
    const [own, theirs] = [await this.#world.stateOf(member), await this.#world.stateOf(leader)];
    if (own === null || theirs === null || !theirs.isLeader || theirs.isChanging) return false;
    // What is on its way at this moment is on a majority without this member.
    return own.appliedIndex + 64 >= theirs.commitIndex && theirs.voters.includes(member.id);
  }
}
