/** The engines against brute force, the witnesses against the judge, and the cores against both; history after history. */
import type * as Budget from "../../checker/engines/budget.ts";
import type * as Certificate from "../../checker/certificate.ts";
import type * as Columns from "../../checker/engines/columnar-history.ts";
import type * as Packed from "../../checker/engines/packed.ts";
import type * as Decide from "../../checker/engines/decide.ts";
import type * as Revisions from "../../checker/engines/revisions.ts";
import type * as Shrink from "../../checker/shrink.ts";
import type { Operation } from "../../checker/index.ts";
import { keyModel } from "../../checker/model.ts";
import { whyNotWitness } from "../../checker/verify.ts";
import { isLinearizable } from "./brute-force.ts";
import { Chance, historyOf, type Shape, shapeOf } from "./generators.ts";

/** The parts of a checker, which may be one with a mutant in it. */
export type Parts = typeof Budget &
  typeof Certificate &
  typeof Columns &
  typeof Decide &
  typeof Packed &
  typeof Revisions &
  typeof Shrink;

export async function partsOf(directory: URL): Promise<Parts> {
  const files = [
    "engines/budget.js",
    "certificate.js",
    "engines/columnar-history.js",
    "engines/decide.js",
    "engines/packed.js",
    "engines/revisions.js",
    "shrink.js",
  ];
  const modules = await Promise.all(files.map((file) => import(new URL(file, directory).href) as Promise<object>));
  return Object.assign({}, ...modules) as Parts;
}

export type Mismatch = { readonly seed: number; readonly what: string; readonly history: readonly Operation[] };
export type Proof = { readonly mismatch: Mismatch | null; readonly counts: Readonly<Record<string, number>> };

const budget = { configurationsMax: 1_000_000, bytesMax: 1e9, shouldStop: null };

/** Histories of the seeds in [from, to), `as` they are to be, each by all engines that can take it; ends at the first mismatch. */
export function prove(parts: Parts, from: number, to: number, as: Partial<Shape> = {}): Proof {
  const counts: Record<string, number> = {};
  for (let seed = from; seed < to; seed++) {
    const chance = new Chance(`history ${seed}`);
    const shape = { ...shapeOf(chance), ...as };
    const history = historyOf(chance, shape);
    const truth = isLinearizable(history) ? "ok" : "illegal";
    for (const [engine, decide] of enginesFor(parts)) {
      const found = decide(history);
      const tag = `${engine}: ${found.verdict}${found.verdict === "illegal" ? ` by ${found.kind}` : ""}`;
      counts[tag] = (counts[tag] ?? 0) + 1;
      const wrong = whatIsWrong(parts, history, truth, found);
      if (wrong !== null) return { mismatch: { seed, what: `${engine}: ${wrong}`, history }, counts };
    }
    const wrong = whatIsWrongPacked(parts, history, truth);
    if (wrong !== null) return { mismatch: { seed, what: `packed: ${wrong}`, history }, counts };
  }
  return { mismatch: null, counts };
}

type Engine = readonly [name: string, decide: (history: readonly Operation[]) => Decide.Decision];

function enginesFor({ decideKey, decideGeneral, observable, ranksOf, BudgetMeter }: Parts): Engine[] {
  return [
    ["dispatch", (history) => decideKey(history, new BudgetMeter(budget))],
    [
      "general",
      (history) => {
        const operations = observable(history);
        return decideGeneral(operations, ranksOf(operations).ranks, new BudgetMeter(budget));
      },
    ],
  ];
}

/** Judges what the packed engine leaves when it shrinks: nothing if the history is legal, else no needless get. */
function whatIsWrongPacked(
  { PackedHistory, parts: takes, observable, shrinkPacked }: Parts,
  history: readonly Operation[],
  truth: "ok" | "illegal",
): string | null {
  if (history.some(({ op, revision }) => op === "append" || revision !== undefined)) return null;
  const left = shrinkPacked(history);
  if (left === null) {
    // It also leaves nothing of a history that is larger than it can hold.
    const operations = observable(history);
    const all = new Uint8Array(operations.length).fill(takes.in);
    const found = PackedHistory.of(operations)?.search(all).verdict ?? "unknown";
    return truth === "illegal" && found === "ok" ? "says ok, but it is illegal" : null;
  }
  if (truth === "ok") return "says illegal, but it is ok";
  if (isLinearizable(left)) return "what is left is legal";
  if (left.some((one) => isBereft(one, left, history))) return "the writer of what is read was taken away";
  const isShort = left.some(({ return: end }) => end !== null && isMinimal(left, end));
  return isShort ? null : "a get is left that is not needed";
}

/** Whether `read` is a get that saw a value, and the history has a possible writer of that value that is not left. */
function isBereft(read: Operation, left: readonly Operation[], history: readonly Operation[]): boolean {
  const { op, value, return: end } = read;
  if (op !== "get" || value === null) return false;
  const mayHaveWritten = (one: Operation): boolean =>
    (one.op === "put" ? one.value === value : one.op === "cas" && one.value[1] === value) &&
    (one.outcome === "ok" || one.outcome === "unknown") &&
    one.call <= end!;
  return history.some((one) => mayHaveWritten(one) && !left.includes(one));
}

/** Whether `operations`, as far as they have returned by `end`, are illegal, and legal without any one of the reads. */
function isMinimal(operations: readonly Operation[], end: number): boolean {
  const until = operations.map((one): Operation =>
    (one.return ?? Infinity) > end ? { ...one, return: null, outcome: "unknown" } : one,
  );
  const isNeeded = ({ op }: Operation, k: number): boolean => op !== "get" || isLinearizable(until.toSpliced(k, 1));
  return !isLinearizable(until) && until.every(isNeeded);
}

function whatIsWrong(
  { certificateOf, decideKey, BudgetMeter }: Parts,
  history: readonly Operation[],
  truth: "ok" | "illegal",
  found: Decide.Decision,
): string | null {
  if (found.verdict !== truth) return `says ${found.verdict}, but it is ${truth}`;
  if (found.verdict === "ok") return whyNotWitness(keyModel, history, found.order as readonly Operation[]);
  const { core, kind } = certificateOf(history, found, new BudgetMeter(budget));
  if (isLinearizable(core as readonly Operation[])) return "the core is legal by itself";
  const again = decideKey(core as readonly Operation[], new BudgetMeter(budget));
  // Revisions, where a part has them all, may tell another reason.
  const isSame = again.verdict === "illegal" && (again.kind === kind || core.some((one) => one.revision !== undefined));
  if (!isSame) return `the core is not illegal by ${kind}`;
  return null;
}
