/** Strikes one family after the other, as the seed draws and the budget allows, and heals each in its time. */
import { streamOf } from "../chance.ts";
import type { Member } from "../world/member.ts";
import type { World } from "../world/world.ts";
import { Budget } from "./budget.ts";
import type { Family, Field, LeaderLoss } from "./family.ts";
import type { Operator } from "./operator.ts";

/** A strike, for the schedule and the page. Times are in micros of the run. */
export type Band = { readonly family: string; readonly what: string; readonly from: number; to: number | null };

/** What the nemesis needs of its run. `now`: micros of the run. */
export type NemesisWorld = {
  readonly seed: number;
  readonly world: World;
  readonly operator: Operator;
  readonly families: readonly Family[];
  readonly now: () => number;
  readonly isOver: () => boolean;
  /** Nothing new is struck while it says so: what is wrong is to be seen without another reason. */
  readonly needsCalm: () => boolean;
  readonly write: Field["write"];
  readonly serveMs: number;
  readonly onFinding: (kind: string, text: string) => void;
};

const activeMax = 2;
const pauseMs = [300, 2_500] as const;

/** One for each run. When `run` has completed nothing is broken any more. */
export class Nemesis {
  readonly bands: Band[] = [];
  readonly counts = new Map<string, number>();
  /** When leaders were lost, in micros, and how. */
  readonly leadersLost: { readonly at: number; readonly how: LeaderLoss }[] = [];
  /** Strikes that wait for calm. */
  #calls = 0;
  readonly budget: Budget;
  readonly #run: NemesisWorld;
  readonly #active = new Map<Family, Promise<void>>();
  readonly #inHand = new Set<Member>();
  readonly #wakers = new Set<() => void>();

  constructor(run: NemesisWorld) {
    this.#run = run;
    this.budget = new Budget(run.world);
  }

  /** A burst is under way: on a slow machine a member that must take it may be late with all else. */
  get isLoaded(): boolean {
    return [...this.#active.keys()].some(({ name }) => name === "burst");
  }

  /** Strikes until the run is over; completes when all is healed. */
  async run(): Promise<void> {
    const { seed, families, isOver, needsCalm } = this.#run;
    const chance = streamOf(seed, "nemesis");
    for (let k = 0; !isOver(); k++) {
      await this.#hold(chance.between(...pauseMs));
      if (isOver() || this.#active.size >= activeMax || families.length === 0) continue;
      if (this.#calls > 0 || needsCalm()) continue;
      const family = chance.pick(families);
      const isolations = [...this.#active.keys()].map(({ isolation }) => isolation);
      if (this.#active.has(family) || !this.budget.fits(family.isolation, isolations)) continue;
      const taken: Member[] = [];
      const field = this.#field(`strike ${k}`, taken);
      if (!family.may(field)) continue;
      const strike = this.#strike(family, field, taken).finally(() => this.#active.delete(family));
      this.#active.set(family, strike);
    }
    await Promise.all(this.#active.values());
  }

  /** Ends all waiting: what is struck is healed now. */
  wake(): void {
    for (const waker of this.#wakers) waker();
  }

  async #strike(family: Family, field: Field, taken: readonly Member[]): Promise<void> {
    const { now, onFinding } = this.#run;
    const from = now();
    const band: Band = { family: family.name, what: family.name, from, to: null };
    const at = this.bands.push(band) - 1;
    try {
      const { what, heal, isNothing = false } = await family.strike(field);
      if (!isNothing) this.counts.set(family.name, (this.counts.get(family.name) ?? 0) + 1);
      this.bands[at] = { ...band, what };
      await field.hold(field.chance.between(...family.holdMs));
      await heal();
    } catch (error) {
      onFinding("harness", `the family ${family.name} fails: ${(error as Error).stack}`);
    }
    this.bands[at]!.to = now();
    for (const member of taken) this.#inHand.delete(member);
  }

  #field(name: string, taken: Member[]): Field {
    const { seed, world, operator, now, onFinding, write, serveMs } = this.#run;
    const inHand = this.#inHand;
    const onLeaderLost = (how: LeaderLoss): void => void this.leadersLost.push({ at: now(), how });
    return {
      world,
      budget: this.budget,
      operator,
      chance: streamOf(seed, name),
      get free() {
        return world.present.filter((member) => !inHand.has(member));
      },
      take: (member) => {
        inHand.add(member);
        taken.push(member);
        return member;
      },
      kill: async (member) => {
        if (member.isUp && member.id === world.leader) onLeaderLost("killed");
        await world.end(member, "SIGKILL");
      },
      onLeaderLost,
      write,
      keepCalm: () => {
        this.#calls += 1;
        return () => void (this.#calls -= 1);
      },
      isLoaded: () => this.isLoaded,
      serveMs,
      onFinding,
      hold: (ms) => this.#hold(ms),
    };
  }

  #hold(ms: number): Promise<void> {
    if (this.#run.isOver()) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#wakers.delete(end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#wakers.add(end);
    });
  }
}
