/**
 * What a store does when one operation at a time is run on it. Any deterministic model can be checked; those here are of
 * one key with get, put, delete, cas and append (a register, where only get and put are used), and of transactions.
 */
import { dataText } from "./data-text.ts";
import type { Operation, Transaction } from "./history.ts";

/** One operation as the general engine sees it. Unknown outcomes have no output and return at Infinity. */
export type Call<Input, Output> = {
  readonly input: Input;
  readonly output: Output | undefined;
  readonly call: number;
  readonly return: number;
};

/** What `checkModel` is told of a store: `initial` and `step` are enough, the rest saves searching. No function changes what it is given. */
export interface Model<State, Input, Output> {
  readonly initial: State;
  /** The state after, or undefined where `output` cannot be the answer in `state`. Without an output any answer is right. */
  readonly step: (state: State, input: Input, output: Output | undefined) => State | undefined;
  /** Equal exactly for states that nothing can tell apart. By default, for states that hold the same data: see data-text.ts. */
  readonly keyOf?: (state: State) => string;
  /** Whether the operation never changes the state, whatever it is. By default none is known to. */
  readonly isObserver?: (input: Input, output: Output | undefined) => boolean;
  /** Where known: the key of the only state in which the operation can be, or does something; or null. With `makes` it saves much searching. */
  readonly needs?: (input: Input) => string | null;
  /** Where known: the key of the state after the operation, if it changes anything, whatever was before; or null. */
  readonly makes?: (input: Input) => string | null;
  /** Operations of unknown outcome with equal effects are interchangeable; null: like no other. By default, equal inputs have equal effects. */
  readonly effectOf?: (input: Input) => string | null;
}

/** A model as the engines take it. */
export interface CompleteModel<State, Input, Output> extends Model<State, Input, Output> {
  readonly keyOf: (state: State) => string;
  readonly isObserver: (input: Input, output: Output | undefined) => boolean;
  readonly effectOf: (input: Input) => string | null;
}

/** `model` with a default for each function that it does not have. Its keyOf throws at a state that is no plain data. */
export function completed<State, Input, Output>(
  model: Model<State, Input, Output>,
): CompleteModel<State, Input, Output> {
  return {
    ...model,
    keyOf: model.keyOf ?? keyOfData,
    isObserver: model.isObserver ?? (() => false),
    effectOf: model.effectOf ?? dataText,
  };
}

function keyOfData(state: unknown): string {
  const text = dataText(state);
  if (text === null) throw new TypeError("a state of the model is not plain data: give the model a keyOf");
  return text;
}

type Answer = { readonly call: number; readonly return: number | null; readonly outcome: string };

/** Operations that carry their answers are input and output at once. */
export function callOf<Op extends Answer>(operation: Op): Call<Op, Op> {
  const output = operation.outcome === "unknown" ? undefined : operation;
  return { input: operation, output, call: operation.call, return: operation.return ?? Infinity };
}

/** What the key holds after `operation`, or undefined where its answer cannot be given in `state`. */
export function apply(operation: Operation, state: string | null): string | null | undefined {
  switch (operation.op) {
    case "put":
      return operation.value;
    case "delete":
      return null;
    case "append":
      return (state ?? "") + operation.value;
    case "get":
      return operation.outcome === "unknown" || operation.value === state ? state : undefined;
    case "cas":
      if (operation.value[0] === state) return operation.outcome === "mismatch" ? undefined : operation.value[1];
      return operation.outcome === "ok" ? undefined : state;
    default:
      return operation satisfies never;
  }
}

function keyOfValue(value: string | null): string {
  return value === null ? "" : `=${value}`;
}

/** One key. */
export const keyModel: CompleteModel<string | null, Operation, Operation> = {
  initial: null,
  step: (state, operation) => apply(operation, state),
  keyOf: keyOfValue,
  isObserver: ({ op, outcome }) => op === "get" || outcome === "mismatch",
  needs: (operation) => {
    if (operation.op === "get") return keyOfValue(operation.value);
    return operation.op === "cas" && operation.outcome !== "mismatch" ? keyOfValue(operation.value[0]) : null;
  },
  makes: (operation) => {
    if (operation.op === "put" || operation.op === "delete") return keyOfValue(operation.value);
    return operation.op === "cas" ? keyOfValue(operation.value[1]) : null;
  },
  effectOf: ({ op, value }) => `${op} ${JSON.stringify(value)}`,
};

type Rows = ReadonlyMap<string, string>;

function applySteps(rows: Rows, { op, value, outcome }: Transaction): Rows | undefined {
  let after: Map<string, string> | null = null;
  for (const [kind, key, content] of value satisfies Transaction["value"]) {
    const now: Rows = after ?? rows;
    if (kind === "get") {
      if (outcome !== "unknown" && (now.get(key) ?? null) !== content) return undefined;
      continue;
    }
    after ??= new Map(rows);
    if (content === null) after.delete(key);
    else after.set(key, content);
  }
  return op === "txn" && after !== null ? after : rows;
}

/** What a transaction does that is this operation alone. A cas and an append have no steps: they are applied as they are. */
function applyAny(rows: Rows, operation: Operation | Transaction): Rows | undefined {
  if (operation.op === "txn") return applySteps(rows, operation);
  const before = rows.get(operation.key) ?? null;
  const content = apply(operation, before);
  if (content === undefined || content === before) return content === undefined ? undefined : rows;
  const after = new Map(rows);
  if (content === null) after.delete(operation.key);
  else after.set(operation.key, content);
  return after;
}

/** Several keys, which transactions join. */
export const rowsModel: CompleteModel<Rows, Operation | Transaction, Operation | Transaction> = {
  initial: new Map(),
  step: (rows, operation) => applyAny(rows, operation),
  keyOf: (rows) => JSON.stringify([...rows].toSorted(([a], [b]) => (a < b ? -1 : 1))),
  isObserver: (operation) =>
    operation.op === "txn"
      ? operation.value.every(([kind]) => kind === "get")
      : operation.op === "get" || operation.outcome === "mismatch",
  effectOf: () => null,
};
