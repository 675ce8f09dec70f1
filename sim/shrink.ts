/**
 * A smaller tape with the same failure: without whole families of faults, then without halves, quarters and single ones of
 * what is left (delta debugging, Zeller and Hildebrandt 2002), in a plainer world.
 */
import type { Decision, Site } from "./draws.ts";
import { familyOfNumber, type FaultFamily } from "./plan/families.ts";
import type { Plan } from "./plan/plan.ts";
import type { Result, RunOptions } from "./run.ts";
import { askedSites, type Tape } from "./tape.ts";

/** The smallest tape that was found, and the run that it gives. */
export type Shrunk = {
  readonly tape: Tape;
  readonly result: Result;
  /** Runs that were tried. */
  readonly runs: number;
};

type Simulate = (plan: Plan, options: RunOptions) => Result;

/** How much later than at first the failure may come, in simulated time. */
const graceMicros = 2_000_000;

class Shrinker {
  readonly #simulate: Simulate;
  readonly #property: string;
  readonly #verdict: Result["verdict"];
  readonly #safetyOnly: boolean;
  readonly #shouldStop: () => boolean;
  tape: Tape;
  result: Result;
  runs = 0;

  constructor(tape: Tape, first: Result, simulate: Simulate, shouldStop: () => boolean) {
    this.#simulate = simulate;
    this.#property = first.property;
    this.#verdict = first.verdict;
    this.#safetyOnly = first.verdict === "violation" && first.simulatedMicros < tape.plan.safetyMicros;
    this.#shouldStop = shouldStop;
    this.tape = { plan: tape.plan, decisions: first.decisions };
    this.result = first;
  }

  get decisions(): readonly Decision[] {
    return this.tape.decisions!;
  }

  get isOver(): boolean {
    return this.#shouldStop();
  }

  /** Keeps `tape` if it fails as the first did. */
  try(plan: Plan, decisions: readonly Decision[]): boolean {
    if (this.isOver) return false;
    this.runs += 1;
    const most = this.#safetyOnly ? Math.min(plan.safetyMicros, this.result.simulatedMicros + graceMicros) : Infinity;
    const timed = most < plan.safetyMicros ? { ...plan, safetyMicros: most } : plan;
    const result = this.#simulate(timed, {
      print: null,
      invariants: true,
      given: decisions,
      keepsDecisions: true,
      safetyOnly: this.#safetyOnly,
    });
    if (result.verdict !== this.#verdict || result.property !== this.#property) return false;
    // What no longer came to pass is left out.
    this.tape = { plan: timed, decisions: result.decisions };
    this.result = result;
    return true;
  }

  /** Takes away all decisions of a group, group by group. */
  withoutGroups(groupOf: (decision: Decision) => string | null): void {
    for (const group of new Set(this.decisions.map(groupOf))) {
      if (group === null) continue;
      const rest = this.decisions.filter((one) => groupOf(one) !== group);
      if (rest.length < this.decisions.length) this.try(this.tape.plan, rest);
    }
  }

  /** Takes away parts of those that are `chosen`, ever smaller ones, from the end; returns whether anything went. */
  withoutParts(chosen: (decision: Decision) => boolean): boolean {
    const before = this.decisions.length;
    for (let size = Math.ceil(this.decisions.filter(chosen).length / 2); size >= 1; size = Math.floor(size / 2)) {
      for (let end = this.decisions.filter(chosen).length; end > 0 && !this.isOver; end -= size) {
        const some = this.decisions.filter(chosen);
        if (end > some.length) continue;
        const gone = new Set(some.slice(Math.max(0, end - size), end));
        this.try(
          this.tape.plan,
          this.decisions.filter((one) => !gone.has(one)),
        );
      }
    }
    return this.decisions.length < before;
  }

  /** The same with plainer knobs, one at a time. */
  plainer(): void {
    const { plan } = this.tape;
    const changes: Partial<Plan>[] = [
      { spares: 0 },
      ...Array.from({ length: Math.max(0, plan.clients - 1) }, (_, k) => ({ clients: k + 1 })),
      ...Array.from({ length: Math.max(0, plan.nodes - 1) }, (_, k) => ({ nodes: k + 1 })),
      { valueBytes: 0 },
      { casPercent: 0 },
      { leasePercent: 0 },
      { sessions: false },
      { keys: 1 },
    ];
    for (const change of changes) {
      const isNews = Object.entries(change).some(([name, value]) => this.tape.plan[name as keyof Plan] !== value);
      const isSmaller = (change.clients ?? 0) <= this.tape.plan.clients && (change.nodes ?? 0) <= this.tape.plan.nodes;
      if (isNews && isSmaller) this.try({ ...this.tape.plan, ...change }, this.decisions);
    }
  }
}

function isFault([site]: Decision): boolean {
  return !askedSites.has(site);
}

/**
 * `first`: what `tape` ended in, a failure, with its decisions. The result fails in the same property. It ends early, with
 * what it has, once `shouldStop` says so.
 */
export function shrinkTape(tape: Tape, first: Result, simulate: Simulate, shouldStop: () => boolean): Shrunk {
  const shrinker = new Shrinker(tape, first, simulate, shouldStop);
  const { plan } = shrinker.tape;
  shrinker.try(
    plan,
    shrinker.decisions.filter((one) => !isFault(one)),
  );
  shrinker.plainer();
  shrinker.withoutGroups(([site, , family]) =>
    askedSites.has(site) ? null : site === "fault" ? `fault ${family}` : site,
  );
  shrinker.withoutGroups(([site, client]) =>
    site === "operation" ? `client ${client}` : askedSites.has(site) ? site : null,
  );
  for (let again = true; again && !shrinker.isOver;) {
    const faultsWent = shrinker.withoutParts(isFault);
    const askedWent = shrinker.withoutParts((one) => !isFault(one));
    again = faultsWent || askedWent;
  }
  shrinker.plainer();
  return { tape: shrinker.tape, result: shrinker.result, runs: shrinker.runs };
}

/** The families of the faults that are left, by name. */
export function familiesOf({ decisions }: Tape): string[] {
  const names = (decisions ?? []).filter(isFault).map(([site, , family]) => {
    return site === "fault" ? familyOfNumber(family)! : (familyOfSite[site] ?? site);
  });
  return [...new Set(names)].toSorted();
}

/** Of faults that strike messages and syncs one by one. */
const familyOfSite: Partial<Record<Site, FaultFamily>> = {
  isolation: "leaderIsolated",
  messageLoss: "loss",
  messageCopy: "duplication",
  messageTail: "delayTail",
  syncStall: "diskStall",
  syncFailure: "syncFailure",
  readFailure: "readFailure",
  writeFailure: "writeFailure",
  corruption: "corruption",
  syncLie: "syncLie",
  targeted: "targeted",
};

/**
 * How many decisions of a tape are faults, and how many are requests and other things that were asked; 0 for a tape
 * without.
 */
export function countsOf({ decisions }: Tape): { readonly faults: number; readonly asked: number } {
  const faults = decisions?.filter(isFault).length ?? 0;
  return { faults, asked: (decisions?.length ?? 0) - faults };
}
