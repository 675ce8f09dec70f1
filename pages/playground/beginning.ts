/** Which run the page shows, from what it was opened with or what was chosen; and the address that opens it again. */
import { isIntervention, type Intervention } from "../../sim/interventions.ts";
import { calmPlan } from "../../sim/plan/calm.ts";
import { planOf } from "../../sim/plan/plan.ts";
import { parseTape, type Tape } from "../../sim/tape.ts";

/** A run that is named in a few words, or a tape in full. */
export type Beginning =
  | { readonly kind: "calm"; readonly nodes: number; readonly seed: number }
  | { readonly kind: "seed"; readonly seed: number }
  | { readonly kind: "tape"; readonly text: string };

/** As slow as a wide network, so that much is under way at once; long enough for an hour of stepping. */
const calm = { latencyMicros: 10_000, syncMicros: 4_000, safetyMicros: 120_000_000 } as const;

/** Throws TapeError. */
export function tapeOf(beginning: Beginning, interventions: readonly Intervention[]): Tape {
  if (beginning.kind === "tape") return parseTape(beginning.text);
  const { seed } = beginning;
  const plan = beginning.kind === "calm" ? calmPlan(beginning.nodes, seed, calm) : planOf(seed);
  const all = plan.nodes + plan.spares;
  return { plan, decisions: null, interventions: interventions.filter((one) => isIntervention(one, all)) };
}

/** What an address says: the run, what was done by hand, and the event; null: nothing. */
export type Addressed = {
  readonly beginning: Beginning;
  readonly interventions: readonly Intervention[];
  readonly event: number | null;
};

function integer(text: string | null, least: number, most: number): number | null {
  return text !== null && /^\d{1,15}$/.test(text) && Number(text) >= least && Number(text) <= most
    ? Number(text)
    : null;
}

/** Of "#calm=3&seed=1&at=120&do=[[100,"kill",1]]"; what cannot be read is left out. */
export function readAddress(hash: string): Addressed | null {
  const said = new URLSearchParams(hash.replace(/^#/, ""));
  const seed = integer(said.get("seed"), 0, 999_999_999_999_999);
  const nodes = integer(said.get("calm"), 1, 7);
  if (seed === null && nodes === null) return null;
  const beginning: Beginning =
    nodes === null ? { kind: "seed", seed: seed! } : { kind: "calm", nodes, seed: seed ?? 1 };
  return { beginning, interventions: interventionsFrom(said.get("do")), event: integer(said.get("at"), 0, 1e9) };
}

function interventionsFrom(text: string | null): Intervention[] {
  try {
    const value: unknown = JSON.parse(text ?? "[]");
    if (!Array.isArray(value)) return [];
    const known = value.filter((one): one is Intervention => isIntervention(one, 9));
    return known.toSorted((a, b) => a[0] - b[0]);
  } catch {
    return [];
  }
}

/** Null: the run is a tape, which no address holds. */
export function addressOf(beginning: Beginning, interventions: readonly Intervention[], event: number): string | null {
  if (beginning.kind === "tape") return null;
  const said = new URLSearchParams();
  if (beginning.kind === "calm") said.set("calm", String(beginning.nodes));
  said.set("seed", String(beginning.seed));
  said.set("at", String(event));
  if (interventions.length > 0) said.set("do", JSON.stringify(interventions));
  return `#${said.toString()}`;
}
