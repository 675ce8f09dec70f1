/**
 * A smaller tape with the same failure: without whole families of faults, then without halves, quarters and single ones of
 * what is left (delta debugging, Zeller and Hildebrandt 2002), in a plainer world of fewer nodes, in less simulated time.
 */
import type { Decision, Site } from "./draws.ts";
import { usualPlanLimits } from "./plan/limits.ts";
import { noOrigin } from "./plan/origin.ts";
import { faultFamilies, familyOfNumber, type FaultFamily } from "./plan/families.ts";
import { isIntervention } from "./interventions.ts";
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
/** What a safety phase may be shortened to, where the failure comes after it. */
const safetyMicrosTried = [1_000_000, 2_000_000, 4_000_000, 8_000_000, 16_000_000] as const;
/** Clients begin at most so often: so much is waited on average. */
const thinkMicrosMin = 2_000;

/** Limits that no short run comes to: the largest that a plan may draw. */
export const ordinarySizes = {
  entriesPerAppendMax: 64,
  entriesInFlightMax: 256,
  bytesInFlightMax: 1_000_000,
  messagesInFlightMax: 256,
  entriesPerApplyMax: 256,
  uncommittedBytesMax: 1_000_000,
  walSegmentBytesMax: 1_000_000,
  snapshotEntries: 10_000,
  trailingEntries: 100,
  trailingBytes: 1_000_000,
  snapshotChunkBytes: 65_536,
} as const satisfies Partial<Plan>;

/** What has been found so far, while it goes on. */
export type Shrinking = { readonly tape: Tape; readonly runs: number };

class Shrinker {
  readonly #simulate: Simulate;
  readonly #property: string;
  readonly #verdict: Result["verdict"];
  readonly #safetyOnly: boolean;
  readonly #shouldStop: () => boolean;
  readonly #told: (now: Shrinking) => void;
  tape: Tape;
  result: Result;
  runs = 0;

  constructor(
    tape: Tape,
    first: Result,
    simulate: Simulate,
    shouldStop: () => boolean,
    told: (now: Shrinking) => void,
  ) {
    this.#told = told;
    this.#simulate = simulate;
    this.#property = first.property;
    this.#verdict = first.verdict;
    this.#safetyOnly = first.verdict === "violation" && first.simulatedMicros < tape.plan.safetyMicros;
    this.#shouldStop = shouldStop;
    this.tape = { ...tape, decisions: first.decisions };
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
    this.#told(this);
    this.runs += 1;
    const most = this.#safetyOnly ? Math.min(plan.safetyMicros, this.result.simulatedMicros + graceMicros) : Infinity;
    const timed = most < plan.safetyMicros ? { ...plan, safetyMicros: most } : plan;
    // They stay at their events, also where these come to be others.
    const interventions = (this.tape.interventions ?? []).filter((one) =>
      isIntervention(one, plan.nodes + plan.spares),
    );
    const result = this.#simulate(timed, {
      print: null,
      invariants: true,
      given: decisions,
      interventions,
      keepsDecisions: true,
      safetyOnly: this.#safetyOnly,
    });
    if (result.verdict !== this.#verdict || result.property !== this.#property) return false;
    // What no longer came to pass is left out.
    this.tape = { plan: timed, decisions: result.decisions, interventions };
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

  /** Of a failure that comes when faults have ended: they end sooner. Each try is quicker for it. */
  shorterSafety(): void {
    if (this.#safetyOnly) return;
    const shorter = safetyMicrosTried.filter((micros) => micros < this.tape.plan.safetyMicros);
    for (const safetyMicros of shorter) if (this.try({ ...this.tape.plan, safetyMicros }, this.decisions)) return;
  }

  /** Less simulated time: the phase of faults ends with the failure, and nobody waits for long. */
  shorter(): void {
    this.shorterSafety();
    for (const micros of [200_000, 400_000]) {
      const { electionMicros, heartbeatMicros } = this.tape.plan;
      if (micros >= electionMicros) break;
      const faster = { electionMicros: micros, heartbeatMicros: (heartbeatMicros * micros) / electionMicros };
      if (this.trySooner({ ...this.tape.plan, ...faster }, this.decisions)) break;
    }
    this.withoutIdle();
    if (!this.#safetyOnly) return;
    const { simulatedMicros } = this.result;
    if (simulatedMicros < this.tape.plan.safetyMicros)
      this.try({ ...this.tape.plan, safetyMicros: simulatedMicros + 1 }, this.decisions);
  }

  /** Idle time between operations, and before faults, is halved as long as the failure comes sooner for it. */
  withoutIdle(): void {
    for (let isShorter = true; isShorter && !this.isOver;) {
      // A fault that a tape names may strike at any time.
      const plan = { ...this.tape.plan, quietMicros: 0 };
      const thinkMicros = Math.floor(plan.thinkMicros / 2);
      const quick = thinkMicros >= thinkMicrosMin ? { ...plan, thinkMicros } : null;
      isShorter =
        (quick !== null && this.trySooner(quick, halved(this.decisions))) ||
        (quick !== null && this.trySooner(quick, this.decisions)) ||
        this.trySooner(plan, halved(this.decisions));
    }
  }

  /** Keeps it if it also fails sooner, in simulated time. */
  trySooner(plan: Plan, decisions: readonly Decision[]): boolean {
    const { tape, result } = this;
    if (!this.try(plan, decisions)) return false;
    if (this.result.simulatedMicros < result.simulatedMicros) return true;
    [this.tape, this.result] = [tape, result];
    return false;
  }

  /** The sizes that most runs have, numbers that begin near 0, messages one by one, rows in memory, and no family of faults that does not strike. */
  ordinary(): void {
    const struck = struckIn(this.decisions);
    const sites: ReadonlySet<string> = new Set(this.decisions.map(([site]) => site));
    const { faults } = this.tape.plan;
    const calm = Object.fromEntries(
      faultFamilies.map((family) => [family, struck.has(family) || sites.has(family) ? faults[family] : 0]),
    ) as Plan["faults"];
    const single = Object.entries(ordinarySizes).map(([name, size]): Partial<Plan> => ({ [name]: size }));
    const groups: readonly Partial<Plan>[] = [
      { limits: usualPlanLimits },
      { origin: noOrigin },
      { streams: false },
      { engines: "memory" },
      { operatorMicros: 0 },
    ];
    const changes = this.try({ ...this.tape.plan, ...ordinarySizes }, this.decisions) ? groups : [...single, ...groups];
    for (const change of changes) {
      const isNews = Object.entries(change).some(
        ([name, value]) => JSON.stringify(this.tape.plan[name as keyof Plan]) !== JSON.stringify(value),
      );
      if (isNews) this.try({ ...this.tape.plan, ...change }, this.decisions);
    }
    // Clocks drift all the time: no decision says so.
    if (!this.try({ ...this.tape.plan, faults: calm }, this.decisions))
      this.try({ ...this.tape.plan, faults: { ...calm, clockDrift: faults.clockDrift } }, this.decisions);
  }
}

/** Faults of their own in half the time: a time slot is the first number of theirs. */
function halved(decisions: readonly Decision[]): Decision[] {
  return decisions.map((one) => (one[0] === "fault" ? ["fault", one[1] >> 1, one[2], one[3], one[4]] : one));
}

function isFault([site]: Decision): boolean {
  return !askedSites.has(site);
}

/**
 * `first`: what `tape` ended in, a failure, with its decisions. The result fails in the same property. It ends early, with
 * what it has, once `shouldStop` says so. `told` is told before each run that is tried.
 */
export function shrinkTape(
  tape: Tape,
  first: Result,
  simulate: Simulate,
  shouldStop: () => boolean,
  told: (now: Shrinking) => void = () => undefined,
): Shrunk {
  const shrinker = new Shrinker(tape, first, simulate, shouldStop, told);
  const { plan } = shrinker.tape;
  shrinker.try(
    plan,
    shrinker.decisions.filter((one) => !isFault(one)),
  );
  shrinker.shorterSafety();
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
  shrinker.ordinary();
  shrinker.shorter();
  return { tape: shrinker.tape, result: shrinker.result, runs: shrinker.runs };
}

/** The families of the faults that are left, by name. */
export function familiesOf({ decisions }: Tape): string[] {
  return [...struckIn(decisions ?? []).keys()].toSorted();
}

/** How often each family of faults has struck, by name. */
export function struckIn(decisions: readonly Decision[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const [site, , family] of decisions.filter(isFault)) {
    const name = site === "fault" ? familyOfNumber(family)! : (familyOfSite[site] ?? site);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
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
