/**
 * A small part of an illegal history that is illegal by itself. Only what cannot be the reason is taken away:
 *
 * - what is called after a moment, while what returns after it becomes unknown: a prefix of a legal history is legal;
 * - reads and failed compare-and-sets: they change nothing for the others;
 * - all operations on the values that compare-and-sets join to one another: in a legal order they stand together, and can
 *   be lifted out together; not where a failed compare-and-set or an append is left, which may have rested on them;
 * - deletes that are over before anything that is left begins, or begin after it: a key that is absent at first allows more.
 */
import { chainsOf } from "./chains.ts";
import { observable } from "./engines/columnar-history.ts";
import { PackedHistory, parts } from "./engines/packed.ts";
import type { Operation } from "./history.ts";

/** Decides a part of a history. False also where it cannot tell within its budget. */
export type IsIllegal = (operations: readonly Operation[]) => boolean;

function endOf({ return: end }: Operation): number {
  return end ?? Infinity;
}

function isObserver({ op, outcome }: Operation): boolean {
  return op === "get" || outcome === "mismatch";
}

/** What goes together: an observer alone, or a value with everything that compare-and-sets tie to it. */
function unitsOf(operations: readonly Operation[]): (readonly Operation[])[] {
  const observers = operations.filter((operation) => isObserver(operation)).map((operation) => [operation]);
  if (operations.some(({ op, outcome }) => op === "append" || outcome === "mismatch")) return observers;
  return [...new Set(chainsOf(operations, false).values()), ...observers];
}

/** Without the deletes that are wholly before or after everything else. */
function withoutIdleDeletes(operations: readonly Operation[]): Operation[] {
  let [from, to] = [Infinity, -Infinity];
  for (const operation of operations) {
    if (operation.op === "delete") continue;
    from = Math.min(from, operation.call);
    to = Math.max(to, operation.return ?? operation.call);
  }
  return operations.filter(
    (operation) => operation.op !== "delete" || (endOf(operation) >= from && operation.call <= to),
  );
}

/** The shortest prefix in time that is illegal, or all; `moment`: where to look first. */
function shortestPrefix(operations: readonly Operation[], moment: number, isIllegal: IsIllegal): readonly Operation[] {
  const ends = operations.flatMap((operation) => operation.return ?? []).toSorted((a, b) => a - b);
  const until = (time: number): Operation[] =>
    operations
      .filter(({ call }) => call <= time)
      .map((operation) =>
        endOf(operation) > time ? { ...operation, return: null, outcome: "unknown" as const } : operation,
      )
      .filter(({ op, outcome }) => op !== "get" || outcome !== "unknown");
  let [low, high] = [0, ends.length - 1];
  const guess = ends.indexOf(moment);
  if (guess > 0 && guess < high && isIllegal(until(moment))) {
    high = guess;
    if (!isIllegal(until(ends[guess - 1]!))) low = guess;
  }
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isIllegal(until(ends[middle]!))) high = middle;
    else low = middle + 1;
  }
  // The operations as they were, where that is illegal too.
  const prefix = until(ends[low] ?? Infinity);
  const original = operations.filter(({ call }) => call <= (ends[low] ?? Infinity));
  return isIllegal(original) ? original : prefix;
}

/** What lies within `span` of `moment`, with all that shares its values. */
function around(operations: readonly Operation[], moment: number, span: number): Operation[] {
  const near = new Set<Operation>();
  const isNear = (operation: Operation): boolean =>
    operation.call <= moment + span && endOf(operation) >= moment - span && operation.call >= moment - 4 * span;
  for (const unit of unitsOf(operations)) {
    if (unit.length > 1 ? unit.some(isNear) : isNear(unit[0]!)) for (const operation of unit) near.add(operation);
  }
  return withoutIdleDeletes(operations.filter((operation) => operation.op === "delete" || near.has(operation)));
}

/** More are not decided again for each unit of them. */
const packedMax = 1_000;

/**
 * What `shrink` looks for, where a search takes microseconds and tells by itself what else can go. Whatever is taken away
 * leaves a legal history legal, so that a unit which is needed once is needed to the end, and each is tried once. Null: the
 * operations are not for that engine, or more than it can hold.
 */
export function shrinkPacked(all: readonly Operation[]): readonly Operation[] | null {
  const isForIt = all.length <= packedMax && !all.some(({ op, revision }) => op === "append" || revision !== undefined);
  const operations = isForIt ? observable(all) : [];
  const history = operations.length === 0 ? null : PackedHistory.of(operations);
  if (history === null) return null;
  const place = new Map(operations.map((operation, i) => [operation, i]));
  const left = (takes: Uint8Array): Operation[] => operations.filter((_, i) => takes[i] !== parts.out);
  /** What is left of `takes`, which is illegal: the shortest prefix, without idle observers; null: it is not illegal, or nobody knows. */
  const cut = (takes: Uint8Array): Uint8Array | null => {
    const found = history.search(takes);
    if (found.verdict !== "illegal") return null;
    const end = endOf(operations[found.at]!);
    return takes.map((take, i) => {
      const operation = operations[i]!;
      if (take === parts.out || operation.call > end || found.isIdle[i] === 1) return parts.out;
      if (endOf(operation) <= end) return take;
      return isObserver(operation) ? parts.out : parts.pending;
    });
  };
  const without = (takes: Uint8Array, unit: readonly Operation[]): Uint8Array => {
    const rest = takes.slice();
    for (const operation of unit) rest[place.get(operation)!] = parts.out;
    const kept = new Set(withoutIdleDeletes(left(rest)));
    return rest.map((take, i) => (kept.has(operations[i]!) ? take : parts.out));
  };
  let takes = cut(new Uint8Array(operations.length).fill(parts.in));
  if (takes === null) return null;
  for (const unit of [[], ...unitsOf(left(takes))]) {
    const isGone = unit.length > 0 && unit.every((operation) => takes![place.get(operation)!] === parts.out);
    if (!isGone) takes = cut(without(takes, unit)) ?? takes;
  }
  return left(takes);
}

const windowOperations = 32;
/** Beyond so many operations nothing is taken away one by one. */
const shrinkMax = 2_000;

/** `operations` are illegal, and known to be so around `moment`; `isIllegal` decides any part of them. */
export function shrink(operations: readonly Operation[], moment: number, isIllegal: IsIllegal): readonly Operation[] {
  const packed = shrinkPacked(operations);
  if (packed !== null) return packed;
  let part = operations;
  if (
    operations.length > windowOperations &&
    !operations.some(({ op, outcome }) => op === "append" || outcome === "mismatch")
  ) {
    const calls = operations.map(({ call }) => call).toSorted((a, b) => a - b);
    const average = Math.max(1, (calls.at(-1)! - calls[0]!) / calls.length);
    for (let span = average * windowOperations; span < 2 * (calls.at(-1)! - calls[0]!); span *= 4) {
      const window = around(operations, moment, span);
      if (window.length >= operations.length || !isIllegal(window)) continue;
      part = window;
      break;
    }
  }
  part = shortestPrefix(part, moment, isIllegal);
  if (part.length > shrinkMax) return part;
  const without = (gone: ReadonlySet<Operation>): Operation[] =>
    withoutIdleDeletes(part.filter((operation) => !gone.has(operation)));
  for (let size = Math.ceil(part.length / 2), before = Infinity; size >= 1;) {
    let removed = false;
    const units = unitsOf(part);
    for (let at = 0; at < units.length; at += size) {
      const gone = new Set(units.slice(at, at + size).flat());
      const rest = without(gone);
      if (rest.length === part.length || rest.length === 0 || !isIllegal(rest)) continue;
      part = rest;
      removed = true;
    }
    if (size > 1) size = Math.floor(size / 2);
    else if (!removed || part.length >= before) break;
    before = part.length;
  }
  const trimmed = withoutIdleDeletes(part);
  return trimmed.length < part.length && isIllegal(trimmed) ? trimmed : part;
}
