import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { printJsonLines } from "../../checker/formats/index.ts";
import { lawName } from "../laws.ts";
import { faultFamilies } from "../plan/families.ts";
import { type PlanLimits, usualPlanLimits } from "../plan/limits.ts";
import type { Result } from "../run.ts";
import { printTape } from "../tape.ts";

/** Where the history and the trace of failed runs are left. */
export const failureDirectory = "sim-failures";

const outcomes = { ok: 0, violation: 1, liveness: 3, unknown: 3 } as const;

/** 0 ok, 1 a violation, 3 liveness or not decided. */
export function exitCodeOf(result: Result): number {
  return outcomes[result.verdict];
}

/** The summary of one run. */
export function summary(result: Result): string[] {
  const { plan, verdict, property, message, counters } = result;
  const faults = faultFamilies
    .filter((family) => plan.faults[family] > 0)
    .map((family) => `${family} ${plan.faults[family]}`);
  const limits = limitsOf(plan.limits);
  const lines = [
    `seed ${plan.seed}: ${verdict}${verdict === "ok" ? "" : ` (${lawName(property)}): ${message}`}`,
    `  plan      ${plan.nodes} nodes, ${plan.clients} clients, ${plan.keys} keys, value +${plan.valueBytes} B, think ${plan.thinkMicros} us, safety ${plan.safetyMicros / 1e6} s`,
    `  sizes     append ${plan.entriesPerAppendMax} entries, in flight ${plan.entriesInFlightMax} (${plan.bytesInFlightMax} B, ${plan.messagesInFlightMax} messages), apply ${plan.entriesPerApplyMax}, WAL segment ${plan.walSegmentBytesMax} B, uncommitted ${plan.uncommittedBytesMax} B`,
    `  limits    ${limits.length === 0 ? "usual" : limits.join(", ")}`,
    `  faults    ${faults.length === 0 ? "none" : faults.join(", ")} (parts in a million)`,
  ];
  if (result.halted !== null) lines.push(`  excused   ${result.halted}`);
  const groups = new Map<string, string[]>();
  for (const [name, value] of Object.entries(counters)) {
    const [group, rest] = name.includes(".") ? (name.split(".") as [string, string]) : ["raft", name];
    groups.set(group, [...(groups.get(group) ?? []), `${rest} ${value}`]);
  }
  for (const [group, values] of groups) lines.push(`  ${group.padEnd(9)} ${values.join(", ")}`);
  const seconds = (result.simulatedMicros / 1e6).toFixed(1);
  lines.push(`  run       ${result.events} events, ${result.draws} draws, ${seconds} simulated seconds`);
  lines.push(`  trace     ${result.traceHash}`);
  return lines;
}

/** Those that are not as large as in most runs. */
function limitsOf(limits: PlanLimits): string[] {
  return Object.entries(limits)
    .filter(([name, value]) => value !== usualPlanLimits[name as keyof PlanLimits])
    .map(([name, value]) => `${name} ${value}`);
}

/** Leaves the history, the tape and the end of the trace of a failed run in `directory`; returns their paths. */
export function writeFailure(result: Result, directory: string): string[] {
  mkdirSync(directory, { recursive: true });
  const history = join(directory, `seed-${result.plan.seed}.history.jsonl`);
  const trace = join(directory, `seed-${result.plan.seed}.trace.txt`);
  const tape = join(directory, `seed-${result.plan.seed}.tape.json`);
  writeFileSync(tape, printTape({ plan: result.plan, decisions: result.decisions }));
  writeFileSync(history, printJsonLines(result.history));
  writeFileSync(trace, `${[...summary(result), ...result.context].join("\n")}\n`);
  return [history, trace, tape];
}
