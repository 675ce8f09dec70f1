/**
 * Histories as JSON lines, our own format:
 *
 *     {"client":6,"op":"put","key":"k0","value":"v1","call":1,"return":5,"outcome":"ok","revision":7}
 *
 * A first line without "op" may name the unit of the times and the source: {"unit":"us","source":"..."}. Bytes that are no
 * UTF-8 stand as {"base64":"..."}; in memory they are strings that begin with `bytesMark`.
 */
import type { History, Operation, Step, Transaction } from "../history.ts";
import { HistoryError } from "./history-error.ts";

type Any = Operation | Transaction;

/** No text of UTF-8 begins with it: U+FFFF is no character. */
export const bytesMark = "\uffffbase64:";

export const units = ["ns", "us", "ms", "s", "event"] as const;
export type Unit = (typeof units)[number];
export type Heading = { readonly unit: Unit | null; readonly source: string | null };

export function printJsonLines(history: History): string {
  return history.map((operation) => `${JSON.stringify(operation, wrapBytes)}\n`).join("");
}

function wrapBytes(_name: string, value: unknown): unknown {
  return typeof value === "string" && value.startsWith(bytesMark) ? { base64: value.slice(bytesMark.length) } : value;
}

/** Every line is an operation, or the error says which is not and what was expected; empty lines are allowed. */
export function parseJsonLines(text: string): Any[] {
  const reader = new JsonLines();
  for (const [k, line] of text.split("\n").entries()) reader.line(line, k + 1);
  return reader.end().history as Any[];
}

export class JsonLines {
  readonly #history: Any[] = [];
  #heading: Heading = { unit: null, source: null };

  /** Throws HistoryError. */
  line(text: string, number: number): void {
    if (text.trim() === "") return;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw new HistoryError(number, "not JSON");
    }
    const fields = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
    if (this.#history.length === 0 && !("op" in fields) && ("unit" in fields || "source" in fields)) {
      const wrong = this.#head(fields);
      if (wrong !== null) throw new HistoryError(number, wrong);
      return;
    }
    if (text.includes('"base64"')) unwrapBytes(fields);
    const wrong = whatIsWrong(value);
    if (wrong !== null) throw new HistoryError(number, wrong);
    this.#history.push(value as Any);
  }

  #head({ unit = null, source = null }: Record<string, unknown>): string | null {
    if (unit !== null && !units.includes(unit as Unit)) return `"unit" is ${units.join(", ")}`;
    if (source !== null && !isText(source)) return '"source" is a string';
    this.#heading = { unit: unit as Unit | null, source };
    return null;
  }

  end(): { readonly history: History; readonly heading: Heading } {
    return { history: this.#history, heading: this.#heading };
  }
}

function unwrapBytes(fields: Record<string, unknown>): void {
  const unwrap = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(unwrap);
    const wrapped = typeof value === "object" && value !== null ? (value as Record<string, unknown>)["base64"] : null;
    return isText(wrapped) && /^[A-Za-z0-9+/]*={0,2}$/.test(wrapped) ? bytesMark + wrapped : value;
  };
  for (const name of ["key", "value"]) if (name in fields) fields[name] = unwrap(fields[name]);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function whatIsWrong(value: unknown): string | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "an operation is a JSON object";
  const { client, op, key, value: content, call, return: end, outcome, revision } = value as Record<string, unknown>;
  if (!Number.isSafeInteger(client)) return '"client" is an integer';
  if (op !== "txn" && !isText(key)) return '"key" is a string';
  if (!Number.isSafeInteger(call)) return '"call" is an integer';
  if (outcome !== "ok" && outcome !== "mismatch" && outcome !== "none" && outcome !== "unknown")
    return '"outcome" is ok, mismatch, none or unknown';
  if (outcome === "unknown" ? end !== null : !Number.isSafeInteger(end)) {
    return '"return" is an integer, or null where the outcome is unknown';
  }
  if (end !== null && (end as number) < (call as number)) return '"return" is not before "call"';
  if (revision !== undefined && !Number.isSafeInteger(revision)) return '"revision" is an integer';
  if (outcome === "mismatch" && op !== "cas") return "only a cas can end in a mismatch";
  return wrongValue(op, content);
}

function isTextOrNull(value: unknown): boolean {
  return value === null || isText(value);
}

function wrongValue(op: unknown, content: unknown): string | null {
  switch (op) {
    case "get":
      return isTextOrNull(content) ? null : 'the "value" of a get is a string, or null';
    case "put":
    case "append":
      return isText(content) ? null : `the "value" of a ${op} is a string`;
    case "delete":
      return content === null ? null : 'the "value" of a delete is null';
    case "cas": {
      const fits = Array.isArray(content) && content.length === 2 && isTextOrNull(content[0]) && isText(content[1]);
      return fits ? null : 'the "value" of a cas is [expected, new]';
    }
    case "txn": {
      const isStep = (step: unknown): step is Step =>
        Array.isArray(step) &&
        step.length === 3 &&
        (step[0] === "get" || step[0] === "put") &&
        isText(step[1]) &&
        isTextOrNull(step[2]);
      const fits = Array.isArray(content) && content.length > 0 && content.every(isStep);
      return fits ? null : 'the "value" of a txn is a list of ["get" or "put", key, value or null]';
    }
    default:
      return '"op" is get, put, delete, cas, append or txn';
  }
}
