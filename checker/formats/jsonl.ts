/** Histories as JSON lines: `{"client":6,"op":"put","key":"k0","value":"v1","call":1,"return":5,"outcome":"ok","revision":7}`. */
import type { History, Operation } from "../history.ts";

/** A line that is no operation; `line` counts from 1. */
export class HistoryError extends Error {
  override readonly name = "HistoryError";
  readonly line: number;
  constructor(line: number, message: string) {
    super(`line ${line}: ${message}`);
    this.line = line;
  }
}

export function printJsonLines(history: History): string {
  return history.map((operation) => `${JSON.stringify(operation)}\n`).join("");
}

/** Every line is an operation, or the error says which is not and what was expected; empty lines are allowed. */
export function parseJsonLines(text: string): Operation[] {
  const operations: Operation[] = [];
  for (const [k, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      throw new HistoryError(k + 1, "not JSON");
    }
    const wrong = whatIsWrong(value);
    if (wrong !== null) throw new HistoryError(k + 1, wrong);
    operations.push(value as Operation);
  }
  return operations;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function whatIsWrong(value: unknown): string | null {
  if (typeof value !== "object" || value === null) return "an operation is a JSON object";
  const { client, op, key, value: content, call, return: end, outcome, revision } = value as Record<string, unknown>;
  if (!Number.isSafeInteger(client)) return '"client" is an integer';
  if (!isText(key)) return '"key" is a string';
  if (!Number.isSafeInteger(call)) return '"call" is an integer';
  if (!["ok", "mismatch", "none", "unknown"].includes(outcome as string))
    return '"outcome" is ok, mismatch, none or unknown';
  if (outcome === "unknown" ? end !== null : !Number.isSafeInteger(end)) {
    return '"return" is an integer, or null where the outcome is unknown';
  }
  if (end !== null && (end as number) < (call as number)) return '"return" is not before "call"';
  if (revision !== undefined && !Number.isSafeInteger(revision)) return '"revision" is an integer';
  return wrongValue(op, content, outcome);
}

function wrongValue(op: unknown, content: unknown, outcome: unknown): string | null {
  if (outcome === "mismatch" && op !== "cas") return "only a cas can end in a mismatch";
  switch (op) {
    case "get":
      return content === null || isText(content) ? null : 'the "value" of a get is a string, or null';
    case "put":
      return isText(content) ? null : 'the "value" of a put is a string';
    case "delete":
      return content === null ? null : 'the "value" of a delete is null';
    case "cas": {
      const isPair = Array.isArray(content) && content.length === 2;
      const fits = isPair && (content[0] === null || isText(content[0])) && isText(content[1]);
      return fits ? null : 'the "value" of a cas is [expected, new]';
    }
    default:
      return '"op" is get, put, delete or cas';
  }
}
