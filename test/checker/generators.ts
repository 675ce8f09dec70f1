/** Small histories from a seed, of two kinds: a store that sometimes lies, and a legal order with some operations moved. */
import alea from "seedrandom/lib/alea.js";
import type { Operation } from "../../checker/index.ts";

export type Shape = {
  readonly operationsMax: number;
  /** Each value is written once. */
  readonly unique: boolean;
  readonly deletes: boolean;
  readonly cas: boolean;
  readonly mismatches: boolean;
  readonly appends: boolean;
  readonly revisions: boolean;
  /** Some compare-and-sets make the key absent. */
  readonly casToAbsence: boolean;
  /** Mostly deletes, each with a long interval, and short reads and writes. */
  readonly absence: boolean;
};

export class Chance {
  readonly #next: () => number;
  constructor(seed: string) {
    this.#next = alea(seed);
  }
  below(bound: number): number {
    return Math.floor(this.#next() * bound);
  }
  oneIn(count: number): boolean {
    return this.below(count) === 0;
  }
  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
}

/** Appends that no read tells apart can be in any order, each with a state of its own: 12 at one time are 479,001,600. */
const appendsMax = 8;

export function shapeOf(chance: Chance): Shape {
  return {
    operationsMax: chance.pick([5, 8, 11, 13]),
    unique: !chance.oneIn(4),
    deletes: chance.oneIn(2),
    cas: chance.oneIn(2),
    mismatches: chance.oneIn(4),
    appends: chance.oneIn(6),
    revisions: chance.oneIn(4),
    casToAbsence: false,
    absence: chance.oneIn(8),
  };
}

/** Legal operations, one at each moment; then intervals around the moments, and lies. */
export function historyOf(chance: Chance, shape: Shape): Operation[] {
  const count = 1 + chance.below(Math.min(shape.operationsMax, shape.appends ? appendsMax : Infinity));
  const spreads = chance.pick([[1], [3], [8], [20], [1, 30], [1, 3, 8, 20]]);
  const lieOneIn = chance.pick([3, 8, 40]);
  const unknownOneIn = chance.pick([3, 8, 1_000]);
  const values: (string | null)[] = [null];
  const kinds = ["get", "get", "put", "put"];
  if (shape.deletes) kinds.push("delete", ...(chance.oneIn(2) ? ["delete", "delete", "delete"] : []));
  if (shape.cas) kinds.push("cas", "cas");
  if (shape.mismatches) kinds.push("mismatch");
  if (shape.appends) kinds.push("append", "append", "append");
  if (shape.absence) kinds.splice(0, kinds.length, "get", "put", "delete");
  let state: string | null = null;
  return Array.from({ length: count }, (_, k): Operation => {
    const kind = chance.pick(kinds);
    const moment = 4 * k;
    const spread = shape.absence ? (kind === "delete" ? 40 : 2) : chance.pick(spreads);
    // Some operations are pushed off their moment.
    const push = chance.oneIn(lieOneIn) ? chance.pick([-9, -5, 5, 9]) : 0;
    const call = moment + push - chance.below(spread);
    const end = moment + push + chance.below(spread);
    const isUnknown = kind !== "get" && kind !== "mismatch" && chance.oneIn(unknownOneIn);
    // Half of the unknown operations have happened.
    const happens = !isUnknown || chance.oneIn(2);
    const timed = { client: k, key: "k", call, return: isUnknown ? null : Math.max(call, end) };
    const revision =
      shape.revisions && !isUnknown ? { revision: k + (chance.oneIn(lieOneIn) ? chance.below(3) : 0) } : {};
    const outcome = isUnknown ? "unknown" : chance.oneIn(40) && kind === "put" ? "none" : "ok";
    const lied = chance.oneIn(lieOneIn) ? chance.pick(values) : state;
    const written = shape.unique ? `v${k}` : chance.pick(["a", "b", "c"]);
    if (outcome === "none") return { ...timed, outcome, op: "put", value: written };
    if (kind === "get") return { ...timed, ...revision, outcome, op: "get", value: lied };
    if (kind === "mismatch") {
      const expected = chance.pick(values);
      if (expected !== state || lied !== state) {
        return { ...timed, ...revision, outcome: "mismatch", op: "cas", value: [expected, written] };
      }
      return { ...timed, ...revision, outcome: "ok", op: "get", value: lied };
    }
    if (!values.includes(written)) values.push(written);
    if (kind === "delete") {
      if (happens) state = null;
      return { ...timed, ...revision, outcome, op: "delete", value: null };
    }
    if (kind === "append") {
      if (happens) state = (state ?? "") + written;
      if (!values.includes(state)) values.push(state);
      return { ...timed, ...revision, outcome, op: "append", value: written };
    }
    if (kind === "cas") {
      const expected = isUnknown && chance.oneIn(3) ? chance.pick(values) : lied;
      const next = shape.casToAbsence && chance.oneIn(3) ? null : written;
      if (happens && expected === state) state = next;
      return { ...timed, ...revision, outcome, op: "cas", value: [expected, next] };
    }
    if (happens) state = written;
    return { ...timed, ...revision, outcome, op: "put", value: written };
  });
}
