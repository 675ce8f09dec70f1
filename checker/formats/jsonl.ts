/**
 * Histories as JSON lines, our own format:
 *
 *     {"client":6,"op":"put","key":"k0","value":"v1","call":1,"return":5,"outcome":"ok","revision":7}
 *
 * A first line without "op" may name the unit of the times and the source: {"unit":"us","source":"..."}. Bytes that are no
 * UTF-8 stand as {"base64":"..."}; in memory they are strings that begin with `bytesMark`.
 */
import type { History, Operation, Step, Transaction } from "../history.ts";
import { type Times, timesOf, type Unit, units } from "../times.ts";
import { ClientNumbers } from "./client-numbers.ts";
import { HistoryError } from "./history-error.ts";

type Any = Operation | Transaction;

/** No text of UTF-8 begins with it: U+FFFF is no character. */
export const bytesMark = "\uffffbase64:";

/** What a first line without "op" says; null: it does not say so. */
export type Heading = { readonly unit: Unit | null; readonly source: string | null };

/** A line an operation, without a heading. `parseJsonLines` gives the same history back. */
export function printJsonLines(history: History): string {
  return history.map((operation) => `${JSON.stringify(operation, wrapBytes)}\n`).join("");
}

function wrapBytes(_name: string, value: unknown): unknown {
  return typeof value === "string" && value.startsWith(bytesMark) ? { base64: value.slice(bytesMark.length) } : value;
}

/** Every line is an operation, or the error says which is not and what was expected; empty lines are allowed. */
export function parseJsonLines(text: string): Any[] {
  const reader = new JsonLines();
  const lines = text.split("\n");
  for (const [k, line] of lines.entries()) reader.line(line, k + 1, k === lines.length - 1);
  return reader.end().history as Any[];
}

/** An integer that a double may not hold: JSON.parse would round it. */
type Digits = { readonly digits: string };

/** Wraps each number of 16 digits or more as `Digits`; strings stay as they are. */
function keepDigits(text: string): string {
  return text.replaceAll(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]{15,}/g, (token) =>
    token.startsWith('"') ? token : `{"digits":"${token}"}`,
  );
}

function parse(text: string, line: number, isLast: boolean): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const must = "it must be a JSON object, and is not JSON";
    throw new HistoryError(line, isLast ? `the last line is cut off: ${must}` : must);
  }
}

function isLarge(value: unknown): boolean {
  return typeof value === "number" && !Number.isSafeInteger(value);
}

/** Whether an integer of the operation may have been rounded: what is rounded is never a safe integer. */
function isRounded(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { client, call, return: end, revision } = value as Record<string, unknown>;
  return isLarge(call) || isLarge(end) || isLarge(client) || isLarge(revision);
}

/** The integer that a value of JSON is, exactly; null: it is none of up to 40 digits. */
function integerOf(value: unknown): bigint | null {
  if (Number.isSafeInteger(value)) return BigInt(value as number);
  const { digits } = (typeof value === "object" && value !== null ? value : {}) as Partial<Digits>;
  return isText(digits) && /^-?(0|[1-9]\d{0,39})$/.test(digits) ? BigInt(digits) : null;
}

/** Reads one file line by line. Throws HistoryError with the number of the line that is wrong. */
export class JsonLines {
  readonly #history: Any[] = [];
  readonly #clients = new ClientNumbers();
  /** Null: the file has none so far. */
  #heading: Heading | null = null;
  /** The times of the history are those of the file less this; not 0 only where the first is beyond 2^52, so that others may be beyond 2^53. */
  #base: bigint | null = null;
  /** Some integer was beyond 2^53, where JSON.parse rounds: from there on digits are kept. */
  #hasLarge = false;

  /** Throws HistoryError. `isLast`: the text ends in this line, not behind it. */
  line(text: string, number: number, isLast: boolean): void {
    if (text.trim() === "") return;
    let value = parse(this.#hasLarge ? keepDigits(text) : text, number, isLast);
    if (!this.#hasLarge && isRounded(value)) {
      this.#hasLarge = true;
      value = parse(keepDigits(text), number, isLast);
    }
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw new HistoryError(number, "an operation must be a JSON object");
    const fields = value as Record<string, unknown>;
    if (this.#history.length === 0 && !("op" in fields) && ("unit" in fields || "source" in fields)) {
      const wrong = this.#head(fields);
      if (wrong !== null) throw new HistoryError(number, wrong);
      return;
    }
    if (text.includes('"base64"')) unwrapBytes(fields);
    if (fields["outcome"] === "unknown") fields["return"] ??= null;
    const wrong = this.#readIntegers(fields) ?? whatIsWrong(fields);
    if (wrong !== null) throw new HistoryError(number, wrong);
    // Whether it happened is unknown, whenever its client gave up.
    if (fields["outcome"] === "unknown") fields["return"] = null;
    this.#history.push(fields as unknown as Any);
  }

  #head({ unit = null, source = null }: Record<string, unknown>): string | null {
    if (this.#heading !== null) return '"unit" and "source" must stand once, in the first line';
    if (unit !== null && !units.includes(unit as Unit)) return `"unit" must be ${units.join(", ")}`;
    if (source !== null && !isText(source)) return '"source" must be a string';
    this.#heading = { unit: unit as Unit | null, source };
    return null;
  }

  /** Large integers as the history has them: a client by its number, times less the base. What is wrong with one, or null. */
  #readIntegers(fields: Record<string, unknown>): string | null {
    const { client, call, return: end } = fields;
    if (!Number.isSafeInteger(client)) {
      const number = integerOf(client);
      if (number === null) return '"client" must be an integer';
      fields["client"] = this.#clients.numberOf(String(number));
    }
    if (fields["revision"] !== undefined) {
      const revision = Number(integerOf(fields["revision"]) ?? Number.NaN);
      if (!Number.isSafeInteger(revision)) return '"revision" must be an integer below 2^53';
      fields["revision"] = revision;
    }
    if (this.#base === null) {
      const first = integerOf(call);
      this.#base = first === null || Math.abs(Number(first)) < 2 ** 52 ? 0n : first;
    }
    if (this.#base === 0n && Number.isSafeInteger(call) && (end === null || Number.isSafeInteger(end))) return null;
    for (const [name, time] of Object.entries({ call, return: end })) {
      if (time === null && name === "return") continue;
      const number = integerOf(time);
      if (number === null) {
        const orNull = name === "return" ? ", or null where the outcome is unknown" : "";
        return `"${name}" must be an integer${orNull}`;
      }
      const relative = Number(number - this.#base);
      if (!Number.isSafeInteger(relative)) return `"${name}" must be less than 2^53 from the first call`;
      fields[name] = relative;
    }
    return null;
  }

  end(): { readonly history: History; readonly heading: Heading; readonly times: Times; readonly otherLines: number } {
    const heading = this.#heading ?? { unit: null, source: null };
    const times = timesOf(heading.unit, this.#base ?? 0n);
    return { history: this.#history, heading, times, otherLines: 0 };
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

/** Of a line whose integers are read. */
function whatIsWrong(fields: Record<string, unknown>): string | null {
  const { op, key, value: content, call, return: end, outcome } = fields;
  if (op !== "txn" && !isText(key)) return '"key" must be a string';
  if (outcome !== "ok" && outcome !== "mismatch" && outcome !== "none" && outcome !== "unknown")
    return '"outcome" must be ok, mismatch, none or unknown';
  if (end === null && outcome !== "unknown") return '"return" must be an integer, or null where the outcome is unknown';
  if (end !== null && (end as number) < (call as number)) return '"return" must not be before "call"';
  if (outcome === "mismatch" && op !== "cas") return '"outcome" must be mismatch for a cas only';
  return wrongValue(op, content);
}

function isTextOrNull(value: unknown): boolean {
  return value === null || isText(value);
}

function wrongValue(op: unknown, content: unknown): string | null {
  switch (op) {
    case "get":
      return isTextOrNull(content) ? null : 'the "value" of a get must be a string or null';
    case "put":
    case "append":
      return isText(content) ? null : `the "value" of a ${op} must be a string`;
    case "delete":
      return content === null ? null : 'the "value" of a delete must be null';
    case "cas": {
      const fits =
        Array.isArray(content) && content.length === 2 && isTextOrNull(content[0]) && isTextOrNull(content[1]);
      return fits ? null : 'the "value" of a cas must be [expected, new], each a string or null';
    }
    case "txn": {
      const isStep = (step: unknown): step is Step =>
        Array.isArray(step) &&
        step.length === 3 &&
        (step[0] === "get" || step[0] === "put") &&
        isText(step[1]) &&
        isTextOrNull(step[2]);
      const fits = Array.isArray(content) && content.length > 0 && content.every(isStep);
      return fits ? null : 'the "value" of a txn must be a list of ["get" or "put", key, value or null]';
    }
    default:
      return '"op" must be get, put, delete, cas, append or txn';
  }
}
