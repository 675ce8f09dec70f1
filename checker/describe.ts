import type { Operation } from "./history.ts";

/** One sentence about the last operation of an illegal prefix: what it answered, and what speaks against it. */
export function describe(prefix: readonly Operation[]): string {
  const last = prefix.at(-1)!;
  const who = `client ${last.client}`;
  if (last.op !== "get") {
    return `${who}'s ${last.op} of key ${last.key}, returned at ${last.return}, fits nowhere in the order of the answers before it`;
  }
  const what = last.value === null ? `found key ${last.key} absent` : `read ${last.value} of key ${last.key}`;
  const writer = prefix.find((operation) => writes(operation, last.value));
  if (last.value !== null && writer === undefined) return `${who} ${what} at ${last.return}, but nobody had written it`;
  const newer = prefix.findLast(
    (operation) =>
      operation !== writer &&
      operation.op !== "get" &&
      operation.outcome === "ok" &&
      operation.return !== null &&
      operation.return < last.call &&
      (writer === undefined || writer.return === null || operation.call > writer.return),
  );
  if (newer === undefined) return `${who} ${what} at ${last.return}, which no order of the operations explains`;
  const change = newer.op === "delete" ? "it had been deleted" : `${written(newer)} had been written`;
  return `${who} ${what} at ${last.return}, but ${change} by client ${newer.client} and acknowledged at ${newer.return}: stale by at least ${last.call - newer.return!}`;
}

function written(operation: Operation): string | null {
  return operation.op === "cas" ? operation.value[1] : operation.value;
}

function writes(operation: Operation, value: string | null): boolean {
  return operation.op !== "get" && written(operation) === value;
}
