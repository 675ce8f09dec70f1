/** How long the checker takes from parsed operations to verdict and certificate, over histories of all kinds and sizes. */
import { check, type Operation } from "../checker/index.ts";
import { decideGeneral } from "../checker/engines/decide.ts";
import { BudgetMeter } from "../checker/engines/budget.ts";
import { hardHistory, type HistoryPlan, makeHistory } from "./histories.ts";
import { median } from "./median.ts";
import { Porcupine } from "./porcupine.ts";

const base: HistoryPlan = {
  seed: "bench",
  operations: 1_000,
  clients: 10,
  keys: 1,
  unknownShare: 0,
  stale: false,
  kinds: ["get", "put"],
};
const deletes = ["get", "get", "put", "delete"] as const;
const all = ["get", "get", "put", "cas", "delete"] as const;

type Row = {
  readonly what: string;
  readonly aimMs: number;
  readonly plan: Partial<HistoryPlan>;
  readonly general?: boolean;
};

function rowsOf(largest: number): Row[] {
  const rows: Row[] = [];
  for (const [operations, aimMs] of [
    [1_000, 3],
    [10_000, 20],
    [100_000, 80],
    [1_000_000, 800],
  ] as const) {
    if (operations > largest) continue;
    for (const clients of operations === 1_000_000 ? [10] : [1, 10, 100]) {
      for (const [unknownShare, stale] of [
        [0, false],
        [0.05, false],
        [0.01, true],
      ] as const) {
        const what = `${operations} operations, ${clients} clients, ${unknownShare * 100} % unknown${stale ? ", one stale read" : ""}`;
        rows.push({ what, aimMs, plan: { operations, clients, unknownShare, stale } });
      }
    }
  }
  if (largest >= 100_000) {
    rows.push({
      what: "100000 operations with deletes, 10 clients",
      aimMs: 250,
      plan: { operations: 100_000, kinds: deletes },
    });
    rows.push({
      what: "100000 operations with deletes, 10 clients, one stale read",
      aimMs: 250,
      plan: { operations: 100_000, kinds: deletes, stale: true },
    });
    for (const stale of [false, true]) {
      const plan = { operations: 100_000, keys: 100, kinds: all, stale, unknownShare: stale ? 0.01 : 0 };
      rows.push({
        what: `100 keys of 1000 operations of all kinds${stale ? ", 1 % unknown, one stale read" : ""}`,
        aimMs: 80,
        plan,
      });
    }
  }
  rows.push({
    what: "general engine: 1000 operations, one stale read",
    aimMs: 30,
    plan: { stale: true },
    general: true,
  });
  rows.push({
    what: "general engine: 1000 operations, 1 % unknown, one stale read",
    aimMs: 50,
    plan: { stale: true, unknownShare: 0.01 },
    general: true,
  });
  if (largest >= 100_000) {
    rows.push({
      what: "general engine: 100000 operations, 5 clients",
      aimMs: 400,
      plan: { operations: 100_000, clients: 5 },
      general: true,
    });
    rows.push({
      what: "general engine: 100000 operations, 10 clients",
      aimMs: 3_000,
      plan: { operations: 100_000 },
      general: true,
    });
  }
  return rows;
}

const budget = { configurationsMax: 20_000_000, bytesMax: 2e9, shouldStop: null };

function decide(history: readonly Operation[], general: boolean): string {
  if (general) return decideGeneral(history, null, new BudgetMeter(budget)).verdict;
  return check(history).verdict;
}

/** Prints a line each: the median of `rounds`, what is aimed at and, with a checkout of it, Porcupine's time. */
export function benchChecker(options: { rounds: number; largest: number; porcupine: string | null }): void {
  const rival = options.porcupine === null ? null : new Porcupine(options.porcupine);
  for (const { what, aimMs, plan, general = false } of rowsOf(options.largest)) {
    const history = makeHistory({ ...base, ...plan });
    const times: number[] = [];
    let verdict = "";
    for (let round = 0; round < options.rounds; round++) {
      const start = performance.now();
      verdict = decide(history, general);
      times.push(performance.now() - start);
    }
    const ours = `${verdict.padEnd(8)} ${median(times).toFixed(1).padStart(8)} ms (aim ${aimMs}; first ${times[0]!.toFixed(1)})`;
    console.log(`${what.padEnd(75)} ${ours}${rival === null ? "" : `  Porcupine ${rival.time(history)}`}`);
  }
  rival?.close();
  const limitMs = 1_000;
  const overMs = Array.from({ length: options.rounds }, () => stoppedAfterMs(limitMs) - limitMs);
  console.log(
    `a hard history, told to stop after ${limitMs} ms: ${median(overMs).toFixed(1)} ms later (aim ${limitMs / 10})`,
  );
}

function stoppedAfterMs(limitMs: number): number {
  const history = hardHistory(40);
  const start = performance.now();
  const { verdict } = check(history, { shouldStop: () => performance.now() - start > limitMs });
  if (verdict !== "unknown") throw new Error(`this history is not hard: ${verdict}`);
  return performance.now() - start;
}
