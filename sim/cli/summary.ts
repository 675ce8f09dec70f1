/** What is told of one run. */
import { lawName, laws, type Law } from "../laws.ts";
import { faultFamilies } from "../plan/families.ts";
import { type PlanLimits, usualPlanLimits } from "../plan/limits.ts";
import type { Plan } from "../plan/plan.ts";
import type { Result } from "../run.ts";
import { ordinarySizes, struckIn } from "../shrink.ts";
import { fittedMessage, fittedParts, fittedText } from "./lines.ts";

const exitCodes = { ok: 0, violation: 1, liveness: 3, unknown: 3 } as const;
/** 0 ok, 1 a violation, 3 liveness or not decided. */
export function exitCodeOf(result: Result): number {
  return exitCodes[result.verdict];
}

/** The first line of a summary, or more: how `run` has ended, by default named by its seed. */
export function headline({ plan, verdict, property, message }: Result, run = `seed ${plan.seed}`): string[] {
  if (verdict === "ok") return [`${run}: ok`];
  return fittedMessage(`${run}: ${verdict} (${lawName(property)}):`, ` ${message}`.trimEnd());
}

function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function inUnits(micros: number): string {
  return micros >= 1_000_000 ? `${micros / 1e6} s` : `${micros / 1e3} ms`;
}

function planParts(plan: Plan): string[] {
  const { nodes, spares, clients, keys, valueBytes, casPercent, leasePercent, operatorMicros, engines } = plan;
  return [
    `tier ${plan.tier}`,
    plural(nodes, "node"),
    ...(spares > 0 ? [plural(spares, "spare machine")] : []),
    plural(clients, "client"),
    plural(keys, "key"),
    ...(valueBytes > 0 ? [`values ${valueBytes} B longer`] : []),
    ...(casPercent > 0 ? [`${casPercent} % of the writes conditional`] : []),
    ...(leasePercent > 0 ? [`${leasePercent} % of the reads by lease`] : []),
    ...(plan.sessions ? ["sessions"] : []),
    engines === "mixed" ? "rows in memory and RocksDB" : `rows in ${engines === "memory" ? "memory" : "RocksDB"}`,
    plan.streams ? "messages on streams" : "messages one by one",
    `an operation of a client each ${inUnits(plan.thinkMicros)}`,
    ...(operatorMicros > 0 ? [`a change request each ${inUnits(operatorMicros)}`] : []),
    `election timeout ${inUnits(plan.electionMicros)}`,
    `faults for ${inUnits(plan.safetyMicros)}`,
  ];
}

/** What a limit is called, and in which unit it is. */
const sizeWords: Readonly<Record<keyof typeof ordinarySizes, string>> = {
  entriesPerAppendMax: "append # entries",
  entriesInFlightMax: "in flight # entries",
  bytesInFlightMax: "in flight # B",
  messagesInFlightMax: "in flight # messages",
  entriesPerApplyMax: "apply # entries",
  uncommittedBytesMax: "uncommitted # B",
  walSegmentBytesMax: "WAL segment # B",
  snapshotEntries: "snapshot after # entries",
  trailingEntries: "trailing # entries",
  trailingBytes: "trailing # B",
  snapshotChunkBytes: "snapshot chunk # B",
};

/** Limits that are smaller than usual. */
function sizeParts(plan: Plan): string[] {
  const sizes = (Object.keys(sizeWords) as (keyof typeof ordinarySizes)[])
    .filter((name) => plan[name] !== ordinarySizes[name])
    .map((name) => sizeWords[name].replace("#", String(plan[name])));
  const limits = Object.entries(plan.limits)
    .filter(([name, value]) => value !== usualPlanLimits[name as keyof PlanLimits])
    .map(([name, value]) => `${name} ${value}`);
  return [...sizes, ...limits];
}

function percent(ppm: number): string {
  return `${Number((ppm / 10_000).toFixed(4))} %`;
}

/** Families that were drawn, each with how often it struck where it did. */
function faultParts({ plan, decisions }: Result): string[] {
  const struck = struckIn(decisions ?? []);
  const parts = faultFamilies
    .filter((family) => plan.faults[family] > 0 || struck.has(family))
    .map((family) => {
      const times = struck.get(family);
      return `${family} ${percent(plan.faults[family])}${times === undefined ? "" : ` (${times})`}`;
    });
  return parts.length === 0 ? ["none"] : parts;
}

/** Counters as a reader calls them. */
const counterWords: Readonly<Record<string, string>> = {
  unknown: "indeterminate",
  again: "retried",
  mismatch: "compared in vain",
  copied: "doubled",
};

function wordOfCounter(name: string): string {
  return counterWords[name] ?? name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** What was counted, by group, where it is not zero; faults are told as drawn and struck. */
function counterLines(counters: Result["counters"]): string[] {
  const groups = new Map<string, string[]>();
  for (const [name, value] of Object.entries(counters)) {
    const [group, rest] = name.includes(".") ? (name.split(".") as [string, string]) : ["raft", name];
    if (value === 0 || group === "fault") continue;
    groups.set(group, [...(groups.get(group) ?? []), `${wordOfCounter(rest)} ${value}`]);
  }
  return [...groups].flatMap(([group, parts]) => fittedParts(group, parts));
}

/** The summary of one run, in lines of at most `columns`. `run`: how it is called. */
export function summary(result: Result, run?: string): string[] {
  const { plan, property } = result;
  const lines = headline(result, run);
  if (property in laws) lines.push(...fittedText("  law       ", 12, laws[property as Law].sentence));
  lines.push(...fittedParts("plan", planParts(plan)));
  const sizes = sizeParts(plan);
  if (sizes.length > 0) lines.push(...fittedParts("limits", sizes));
  lines.push(...fittedParts("faults", ["drawn (struck): " + faultParts(result)[0]!, ...faultParts(result).slice(1)]));
  if (result.halted !== null) lines.push(...fittedText("  excused   ", 12, result.halted));
  lines.push(...counterLines(result.counters));
  const seconds = (result.simulatedMicros / 1e6).toFixed(1);
  lines.push(`  run       ${result.events} events, ${result.draws} draws, ${seconds} simulated seconds`);
  lines.push(`  trace     ${result.traceHash}`);
  return lines;
}
