/** Which operations a store of each kind has. */
import type { History, Operation, Transaction } from "./history.ts";

const operationsOf = {
  register: ["get", "put"],
  "cas-register": ["get", "put", "cas"],
  kv: ["get", "put", "delete", "cas", "append"],
  txn: ["get", "put", "delete", "cas", "append", "txn"],
} as const satisfies Readonly<Record<string, readonly (Operation | Transaction)["op"][]>>;

/** As the command line names them. Each store has all operations of the one before it. */
export type ModelName = keyof typeof operationsOf;
/** In the order from the plainest store to the richest. */
export const modelNames = Object.keys(operationsOf) as ModelName[];

/** The first operation that a store of this kind does not have. */
export function strangerTo(model: ModelName, history: History): Operation | Transaction | undefined {
  const known: readonly string[] = operationsOf[model];
  return history.find(({ op }) => !known.includes(op));
}
