/**
 * Keys with appends: what is read tells the order in which its parts were written, and the general engine need not try
 * others. Wherever some read shows part b directly behind part a:
 *
 * - if b is written once, it is appended to what ends with a, and to nothing else;
 * - if a is written once, what ends with a is not changed but by appending b: else b would never stand behind a, and that
 *   read has not been yet, for it shows b.
 */
import type { Operation } from "../history.ts";
import { apply, type CompleteModel } from "../model.ts";

type State = {
  readonly value: string | null;
  /** The last part; "" of an absent key. */
  readonly end: string;
};

/** The parts of `value`, or null where it is no run of `parts`, or may be several. */
function partsOf(value: string, parts: ReadonlyMap<string, number>, lengths: readonly number[]): string[] | null {
  const found: string[] = [];
  for (let at = 0; at < value.length;) {
    const fitting = lengths.filter((length) => at + length <= value.length && parts.has(value.slice(at, at + length)));
    if (fitting.length !== 1) return null;
    found.push(value.slice(at, at + fitting[0]!));
    at += fitting[0]!;
  }
  return found;
}

/** The model of the key that knows what its reads tell; null where they tell nothing for sure. */
export function appendModel(operations: readonly Operation[]): CompleteModel<State, Operation, Operation> | null {
  /** How often each part is written. */
  const parts = new Map<string, number>();
  for (const { op, value } of operations) {
    if (op === "cas") return null;
    if (op !== "put" && op !== "append") continue;
    if (value === "") return null;
    parts.set(value, (parts.get(value) ?? 0) + 1);
  }
  const lengths = [...new Set([...parts.keys()].map(({ length }) => length))];
  const before = new Map<string, string>();
  const after = new Map<string, string>();
  for (const { op, value } of operations) {
    if (op !== "get" || value === null) continue;
    const shown = partsOf(value, parts, lengths);
    if (shown === null) return null;
    for (const [k, part] of shown.entries()) {
      const previous = shown[k - 1] ?? "";
      if (parts.get(part) === 1) before.set(part, previous);
      if (parts.get(previous) === 1) after.set(previous, part);
    }
  }
  const mayFollow = (end: string, { op, value }: Operation): boolean => {
    const next = after.get(end);
    if (next !== undefined) return op === "append" && value === next;
    return op !== "append" || (before.get(value) ?? end) === end;
  };
  return {
    initial: { value: null, end: "" },
    step: (state, operation, output) => {
      const value = apply(operation, state.value);
      if (value === undefined || operation.op === "get") return value === undefined ? undefined : state;
      // An operation of unknown outcome that cannot stand here may stand elsewhere, or nowhere.
      if (!mayFollow(state.end, operation)) return output === undefined ? state : undefined;
      return { value, end: operation.op === "delete" ? "" : (operation.value as string) };
    },
    keyOf: ({ value }) => (value === null ? "" : `=${value}`),
    isObserver: ({ op }) => op === "get",
    effectOf: ({ op, value }) => `${op} ${JSON.stringify(value)}`,
  };
}
