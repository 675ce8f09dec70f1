/** Which operations a store of each kind has. */
import type { History, Operation, Transaction } from "./history.ts";

const operationsOf = {
  register: ["get", "put"],
  "cas-register": ["get", "put", "cas"],
  kv: ["get", "put", "delete", "cas", "append"],
  txn: ["get", "put", "delete", "cas", "append", "txn"],
} as const satisfies Readonly<Record<string, readonly (Operation | Transaction)["op"][]>>;

export type ModelName = keyof typeof operationsOf;
export const modelNames = Object.keys(operationsOf) as ModelName[];

/** The first operation that a store of this kind does not have. */
export function strangerTo(model: ModelName, history: History): Operation | Transaction | undefined {
  const known: readonly string[] = operationsOf[model];
  return history.find(({ op }) => !known.includes(op));
}
