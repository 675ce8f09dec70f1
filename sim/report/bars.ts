/** The operations of clients for the page, those at fault in red. */
import { check, type Operation } from "../../checker/index.ts";
import type { OpenOperation } from "../trace/recorder.ts";
import { operationWords } from "./causes/reads.ts";
import { valueWords } from "./entries.ts";
import type { PageBar } from "./page-data.ts";

/** Of longer histories the last so many are shown. */
const operationsMax = 2_000;

/** The operation at which a law stopped the run: it was just answered, and is in no history. */
export function judgedOf(open: readonly OpenOperation[]): OpenOperation | null {
  return open.find(({ operation }) => operation.outcome === "ok") ?? null;
}

/** The last operations. `missed`: what the entry says that a stale answer has missed; "" where there is none. */
export function barsOf(
  history: readonly Operation[],
  open: readonly OpenOperation[],
  core: readonly Operation[],
  missedWords: string,
  until: number,
): PageBar[] {
  const judged = judgedOf(open)?.operation ?? null;
  const atFault = new Set<unknown>(core);
  const place = core.length > 0 || judged !== null ? new Map<unknown, number>() : placesOf(history);
  // A client goes on after its patience, while what it asked stays open.
  const all = [...history, ...open.map(({ operation }) => operation)];
  const next = new Map<number, number>();
  const ends = new Map<unknown, number>();
  for (const one of all.toReversed()) {
    ends.set(one, one.return ?? next.get(one.client % 1_000) ?? until);
    next.set(one.client % 1_000, one.call);
  }
  const missed = judged === null ? undefined : missedBy(all, judged, missedWords);
  return all.slice(-operationsMax).map((one) => ({
    client: one.client % 1_000,
    call: one.call,
    end: ends.get(one)!,
    label: `${operationWords(one)}${one.outcome === "ok" ? "" : one.outcome === "unknown" ? " (no answer)" : ` (${one.outcome})`}`,
    outcome: one.outcome,
    red: one === judged || atFault.has(one) ? "judged" : one === missed ? "counterpart" : "",
    point: place.get(one) ?? null,
  }));
}

/** The write of the same key that has made the entry. */
function missedBy(all: readonly Operation[], judged: Operation, words: string): Operation | undefined {
  return all.findLast(({ op, key, value }) => {
    if (op === "get" || key !== judged.key) return false;
    const written = Array.isArray(value) ? value[1] : value;
    return typeof written === "string" && `put ${key} ${valueWords(written)}` === words;
  });
}

/** The place of each in an order that explains all, if there is one. */
function placesOf(history: readonly Operation[]): Map<unknown, number> {
  const judged = check(history, { configurationsMax: 200_000 });
  const place = new Map<unknown, number>();
  if (judged.verdict === "ok")
    for (const order of judged.order.values()) for (const [k, one] of order.entries()) place.set(one, k + 1);
  return place;
}
