/** Every order, tried (Wing and Gong 1993, with a memo): slow, and plainly right. For up to 20 operations of one key. */
import type { Operation } from "../../checker/index.ts";

function apply(operation: Operation, state: string | null): string | null | undefined {
  const { op, outcome, value } = operation;
  if (op === "put") return value;
  if (op === "delete") return null;
  if (op === "append") return (state ?? "") + value;
  if (op === "get") return value === state ? state : undefined;
  if (outcome === "mismatch") return value[0] === state ? undefined : state;
  if (value[0] === state) return value[1];
  return outcome === "ok" ? undefined : state;
}

function order({ op, outcome, revision }: Operation): number {
  return 2 * revision! + (op === "get" || outcome === "mismatch" ? 1 : 0);
}

/** Whether `a` must come before `b`. */
function precedes(a: Operation, b: Operation): boolean {
  if (a.return === null) return false;
  if (a.return < b.call) return true;
  if (b.return === null || a.revision === undefined || b.revision === undefined) return false;
  return order(a) < order(b);
}

export function isLinearizable(history: readonly Operation[]): boolean {
  const operations = history.filter(
    ({ op, outcome }) => outcome !== "none" && !(op === "get" && outcome === "unknown"),
  );
  const before = operations.map((b) => operations.reduce((mask, a, k) => (precedes(a, b) ? mask | (1 << k) : mask), 0));
  const must = operations.reduce((mask, { return: end }, k) => (end === null ? mask : mask | (1 << k)), 0);
  const dead = new Set<string>();
  const search = (done: number, state: string | null): boolean => {
    if ((done & must) === must) return true;
    const key = `${done} ${state === null ? "" : `=${state}`}`;
    if (dead.has(key)) return false;
    for (const [k, operation] of operations.entries()) {
      if ((done & (1 << k)) !== 0 || (before[k]! & ~done & must) !== 0) continue;
      const after = apply(operation, state);
      if (after !== undefined && search(done | (1 << k), after)) return true;
    }
    dead.add(key);
    return false;
  };
  return search(0, null);
}
