/** One operation in a few characters. */
import type { Operation, Transaction } from "./history.ts";
import { spokenValue } from "./spoken.ts";

/** Long values are cut to 40 characters, so that it is for people only. */
export function label(operation: Operation | Transaction): string {
  return operation.outcome === "none" ? `${whatOf(operation)} (failed)` : whatOf(operation);
}

function whatOf(operation: Operation | Transaction): string {
  switch (operation.op) {
    case "get":
      return operation.outcome === "ok" ? `get -> ${spokenValue(operation.value)}` : "get";
    case "delete":
      return "delete";
    case "cas": {
      const [expected, value] = operation.value;
      const what = `cas ${spokenValue(expected)} -> ${spokenValue(value)}`;
      return operation.outcome === "mismatch" ? `${what} (it held another)` : what;
    }
    case "put":
    case "append":
      return `${operation.op} ${spokenValue(operation.value)}`;
    case "txn":
      return operation.value
        .map(([kind, key, value]) => `${kind} ${spokenValue(key)}${kind === "get" ? " -> " : " "}${spokenValue(value)}`)
        .join("; ");
    default:
      return operation satisfies never;
  }
}
