/**
 * A tape: a run written down, as its plan and everything in it that went wrong or was asked. It replays the run without
 * the seed's choice of these, so that some can be left out; and it outlives changes to how seeds draw their plans.
 */
import { type Decision, type Site, sites } from "./draws.ts";
import { type Intervention, isIntervention } from "./interventions.ts";
import { type PlanLimits, usualPlanLimits } from "./plan/limits.ts";
import { noOrigin } from "./plan/origin.ts";
import { type Plan, planOf } from "./plan/plan.ts";

/** The same tape gives the same run as long as `modelVersion` stays. */
export type Tape = {
  readonly plan: Plan;
  /** Null: whatever the plan's seed draws. */
  readonly decisions: readonly Decision[] | null;
  /** What somebody has done by hand, in the order of its events; absent: nothing. */
  readonly interventions?: readonly Intervention[];
};

/** The text is no tape of this version, or holds what no plan has; the message says what. */
export class TapeError extends Error {}

/** Raised together with `modelVersion`: what an older tape says would come to pass in another run. */
const tapeVersion = 2;

/** A line for each decision, so that two tapes can be compared as texts. */
export function printTape({ plan, decisions, interventions = [] }: Tape): string {
  const lines = decisions === null ? "null" : listOf(decisions);
  const byHand = interventions.length === 0 ? "" : `,\n"interventions":${listOf(interventions)}`;
  return `{"tape":${tapeVersion},\n"plan":${JSON.stringify(plan)},\n"decisions":${lines}${byHand}}\n`;
}

function listOf(all: readonly unknown[]): string {
  return `[\n${all.map((one) => JSON.stringify(one)).join(",\n")}\n]`;
}

/** Throws TapeError, which says what is wrong. A knob or a fault family that was not there yet is off. */
export function parseTape(text: string): Tape {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new TapeError("it is not JSON");
  }
  if (!isRecord(value) || value["tape"] !== tapeVersion) throw new TapeError(`it is no tape of version ${tapeVersion}`);
  const plan = planFrom(value["plan"]);
  const tape = { plan, decisions: decisionsFrom(value["decisions"]) };
  const interventions = interventionsFrom(value["interventions"], plan.nodes + plan.spares);
  return interventions.length === 0 ? tape : { ...tape, interventions };
}

/** Throws TapeError. */
function interventionsFrom(value: unknown, nodes: number): Intervention[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new TapeError('"interventions" is a list');
  return value.map((one: unknown, k) => {
    const isNext = isIntervention(one, nodes) && (k === 0 || one[0] >= (value[k - 1] as Intervention)[0]);
    if (!isNext)
      throw new TapeError(
        `intervention ${k} is [event, word, node, …] with a known word, in the order of their events`,
      );
    return one;
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Everything is of the kind, and no larger, than what some plan has. */
function planFrom(value: unknown): Plan {
  if (!isRecord(value)) throw new TapeError('"plan" is an object');
  const shape = planOf(0, { only: [] });
  return filled(value, shape, "plan") as Plan;
}

/** What older tapes do not say. */
const before = {
  tier: "a",
  streams: false,
  queueBytesMax: 1_000_000,
  unsentBytesMax: 256_000,
  valueEdges: false,
  sessionUses: 0,
  limits: usualPlanLimits,
  origin: noOrigin,
} as const;

function filled(value: Record<string, unknown>, shape: object, path: string): object {
  for (const name of Object.keys(value)) if (!(name in shape)) throw new TapeError(`"${path}.${name}" is not known`);
  return Object.fromEntries(
    Object.entries(shape).map(([name, usual]: [string, unknown]) => {
      const own = value[name];
      if (own === undefined) {
        if (path === "plan.faults") return [name, 0];
        if (path === "plan.limits") return [name, usualPlanLimits[name as keyof PlanLimits]];
        if (name in before) return [name, before[name as keyof typeof before]];
        throw new TapeError(`"${path}.${name}" is missing`);
      }
      if (isRecord(usual) && isRecord(own)) return [name, filled(own, usual, `${path}.${name}`)];
      const isNumber = typeof usual !== "number" || (Number.isFinite(own) && (own as number) >= 0);
      if (typeof own !== typeof usual || !isNumber) throw new TapeError(`"${path}.${name}" is a ${typeof usual}`);
      return [name, own];
    }),
  );
}

function decisionsFrom(value: unknown): Decision[] | null {
  if (value === null) return null;
  if (!Array.isArray(value)) throw new TapeError('"decisions" is a list, or null');
  return value.map((one: unknown, k): Decision => {
    const isOne = Array.isArray(one) && one.length === 5 && one.slice(1).every((part) => Number.isSafeInteger(part));
    if (!isOne || !((one[0] as string) in sites)) {
      throw new TapeError(`decision ${k} is [site, a, b, c, d] with a known site and integers`);
    }
    return one as unknown as Decision;
  });
}

/** What is asked of the store, and not a fault. */
export const askedSites: ReadonlySet<Site> = new Set<Site>(["operation", "changeRequest", "reader", "monitor"]);
