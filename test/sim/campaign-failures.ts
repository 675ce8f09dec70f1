/** Failures that need no bug: the result of a short run, changed to say that it broke a law. */
import { planOf } from "../../sim/plan/plan.ts";
import { type Result, simulate } from "../../sim/run.ts";

const plan = {
  ...planOf(1, { only: [] }),
  nodes: 1,
  clients: 1,
  spares: 0,
  safetyMicros: 500_000,
  thinkMicros: 20_000,
};
let known: Result | null = null;

function base(): Result {
  known ??= simulate(plan, { print: null, invariants: true, keepsDecisions: true, safetyOnly: true });
  return known;
}

export function isFailing(seed: number): boolean {
  return seed % 5 === 0;
}

/** Two kinds, in turn. */
export function failureOf(seed: number): Result {
  const message =
    seed % 10 === 0 ? `n1 commits entry ${seed}, which is durable only on 1` : `n${seed} overwrites entry 3`;
  return { ...base(), verdict: "violation", property: seed % 10 === 0 ? "I7" : "I8", message };
}
