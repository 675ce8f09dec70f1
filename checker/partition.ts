/** What can be decided alone: each key by itself, but keys that a transaction joins together. */
import type { History, Operation, Transaction } from "./history.ts";

/** Operations that can be decided without any other: no two parts have a key in common. */
export type Part = {
  /** The key; of joined keys all of them. */
  readonly name: string;
  readonly operations: readonly (Operation | Transaction)[];
  /** Some are transactions. */
  readonly isJoined: boolean;
};

/** In the order in which the keys first appear. */
export function partition(history: History): Part[] {
  const groups = new Map<string, (Operation | Transaction)[]>();
  const transactions = history.filter((operation) => operation.op === "txn");
  const leader = leaders(transactions);
  for (const operation of history) {
    const key = operation.op === "txn" ? operation.value[0]?.[1] : operation.key;
    if (key === undefined) continue;
    const name = leader.size === 0 ? key : find(leader, key);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [operation]);
    else group.push(operation);
  }
  return [...groups].map(([key, operations]) => {
    const isJoined = operations.some(({ op }) => op === "txn");
    if (!isJoined) return { name: key, operations, isJoined };
    const names = namesOf(operations).join(", ");
    // A key of its own may be named as they are.
    return { name: names !== key && groups.has(names) ? `{${names}}` : names, operations, isJoined };
  });
}

/** A forest of keys: those of one transaction are in one tree. */
function leaders(transactions: readonly Transaction[]): Map<string, string> {
  const leader = new Map<string, string>();
  for (const { value } of transactions) {
    const first = value[0]?.[1];
    for (const [, key] of value) {
      const [a, b] = [find(leader, first!), find(leader, key)];
      if (a !== b) leader.set(b, a);
      else if (!leader.has(a)) leader.set(a, a);
    }
  }
  return leader;
}

function find(leader: Map<string, string>, key: string): string {
  let at = key;
  for (let up = leader.get(at); up !== undefined && up !== at; up = leader.get(at)) at = up;
  if (at !== key) leader.set(key, at);
  return at;
}

function namesOf(operations: readonly (Operation | Transaction)[]): string[] {
  const names = new Set<string>();
  for (const operation of operations) {
    if (operation.op === "txn") for (const [, key] of operation.value) names.add(key);
    else names.add(operation.key);
  }
  return [...names].toSorted();
}
