/** One operation in a few characters. */
import type { Operation, Transaction } from "./history.ts";

const longest = 40;

function short(value: string | null): string {
  if (value === null) return "nothing";
  return value.length > longest ? `${value.slice(0, longest - 1)}…` : value;
}

/** Long values are cut to 40 characters, so that it is for people only. */
export function label(operation: Operation | Transaction): string {
  return operation.outcome === "none" ? `${whatOf(operation)} (failed)` : whatOf(operation);
}

function whatOf(operation: Operation | Transaction): string {
  switch (operation.op) {
    case "get":
      return operation.outcome === "ok" ? `get -> ${short(operation.value)}` : "get";
    case "delete":
      return "delete";
    case "cas": {
      const [expected, value] = operation.value;
      const what = `cas ${short(expected)} -> ${short(value)}`;
      return operation.outcome === "mismatch" ? `${what} (it held another)` : what;
    }
    case "put":
    case "append":
      return `${operation.op} ${short(operation.value)}`;
    case "txn":
      return operation.value
        .map(([kind, key, value]) => `${kind} ${short(key)}${kind === "get" ? " -> " : " "}${short(value)}`)
        .join("; ");
    default:
      return operation satisfies never;
  }
}
