/** One run to its verdict: a safety phase with all its faults; then a healed core that must come back to life. */
import { check, type Operation } from "../checker/index.ts";
import type { Micros } from "../core/units.ts";
import { withoutAmbients } from "./ambient.ts";
import type { Decision } from "./draws.ts";
import type { Intervention } from "./interventions.ts";
import { lawName } from "./laws.ts";
import { checkLiveness } from "./liveness/check.ts";
import { isWhole } from "./liveness/core.ts";
import { type Plan, type PlanChanges, planOf } from "./plan/plan.ts";
import { Simulator, type WorldOptions } from "./simulator.ts";
import { Violation } from "./violation.ts";

/**
 * "violation": a law was broken. "liveness": the healed core did not come back in time. "unknown": the checker could
 * not decide.
 */
export type Verdict = "ok" | "violation" | "liveness" | "unknown";

/** All that is known of one run. Equal plans and options give equal results, in any process. */
export type Result = {
  readonly plan: Plan;
  readonly verdict: Verdict;
  /** The broken property and what was seen, or empty. */
  readonly property: string;
  readonly message: string;
  /** Tiers b and c: what is excused, a halt or a wrong answer, and by what; null: nothing. */
  readonly halted: string | null;
  readonly traceHash: string;
  readonly events: number;
  readonly draws: number;
  readonly simulatedMicros: Micros;
  readonly counters: Readonly<Record<string, number>>;
  readonly history: readonly Operation[];
  /** What it has gone through; see marks.ts. */
  readonly marks: readonly string[];
  /** The last lines of the trace. */
  readonly context: readonly string[];
  /** All that went wrong or was asked, if it was to be kept. */
  readonly decisions: readonly Decision[] | null;
  /** What was done by hand. */
  readonly interventions: readonly Intervention[];
};

/** How one run is watched and directed, and where it ends. */
export type RunOptions = WorldOptions & {
  /** Ends after the safety phase: the cluster need not come back to life. */
  readonly safetyOnly?: boolean;
};

const configurationsMax = 1_000_000;

/** Runs the plan to its verdict. Throws only where the simulator itself is wrong. */
export function simulate(plan: Plan, options: RunOptions): Result {
  return withoutAmbients(() => run(plan, options));
}

function run(plan: Plan, options: RunOptions): Result {
  const simulator = new Simulator(plan, options);
  let verdict: Verdict = "ok";
  let property = "";
  let message = "";
  let halted: string | null = null;
  try {
    simulator.startAll();
    simulator.addClients(plan.clients);
    simulator.runUntil(plan.safetyMicros);
    const stall = options.safetyOnly === true ? null : checkLiveness(simulator);
    simulator.monitor.judge();
    const judged = check(simulator.history, { configurationsMax });
    if (judged.verdict === "illegal") [verdict, property, message] = ["violation", "linearizability", judged.sentence];
    else if (stall !== null && simulator.budget.lost.size > 0 && !isWhole(simulator))
      halted = `${lawName(stall.property)}: ${stall.message}; gone are ${[...simulator.budget.lost].join(", ")}`;
    else if (stall !== null) [verdict, property, message] = ["liveness", stall.property, stall.message];
    else if (judged.verdict === "unknown") [verdict, property, message] = ["unknown", "linearizability", judged.reason];
  } catch (error) {
    verdict = "violation";
    [property, message] = error instanceof Violation ? [error.property, error.message] : ["I21", wordsOf(error)];
  }
  simulator.stateRecorder?.finish();
  if (options.recorder != null)
    options.recorder.open = [...simulator.clients, simulator.reader, simulator.hand].flatMap(({ open }) => open ?? []);
  const lies = simulator.lies.words(simulator.ghost.committed);
  // A node that believes a lying disk may answer wrong, or exit, where that disk has lost what mattered.
  if (verdict !== "ok" && (lies.length > 0 || (verdict === "liveness" && simulator.lies.liars.size > 0))) {
    halted = `${lawName(property)}: ${message}; disks had lied, and gone are ${lies.length === 0 ? "files" : lies.join(", ")}`;
    [verdict, property, message] = ["ok", "", ""];
  }
  return { ...resultOf(simulator, verdict, property, message), halted, interventions: options.interventions ?? [] };
}

/** Runs what `seed` draws, with `changes` to its plan. */
export function simulateSeed(seed: number, options: RunOptions, changes: PlanChanges = {}): Result {
  return simulate(planOf(seed, changes), options);
}

/** I21: no uncaught error. The first lines of its stack say where. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return `uncaught ${(error.stack ?? error.message).split("\n").slice(0, 4).join(" | ")}`;
}

function resultOf(
  simulator: Simulator,
  verdict: Verdict,
  property: string,
  message: string,
): Omit<Result, "halted" | "interventions"> {
  const { plan, trace, scheduler, draws, network, nemesis, clients, hosts, history } = simulator;
  const counters: Record<string, number> = {
    ...prefixed("fault", nemesis.counters),
    ...prefixed("network", network.counters),
  };
  for (const client of clients) add(counters, prefixed("client", client.counters));
  for (const host of hosts) add(counters, prefixed("disk", host.devices.disk.counters));
  Object.assign(counters, prefixed("operator", simulator.operator.counters));
  counters["reader.answered"] = simulator.reader.answers;
  Object.assign(counters, prefixed("monitor", simulator.monitor.counters));
  counters["leaders"] = simulator.ghost.leaders.size;
  counters["committed"] = simulator.ghost.committed.last;
  return {
    plan,
    verdict,
    property,
    message,
    traceHash: trace.hash,
    events: scheduler.events,
    draws: draws.count,
    simulatedMicros: scheduler.now,
    counters,
    history,
    marks: [...simulator.marks.reached],
    context: verdict === "ok" ? [] : trace.last(60),
    decisions: draws.taken,
  };
}

function prefixed(prefix: string, counters: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counters).map(([name, value]) => [`${prefix}.${name}`, value]));
}

function add(sum: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(more)) sum[name] = (sum[name] ?? 0) + value;
}
