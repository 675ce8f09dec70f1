/** What an event of a Jepsen history says its operation is. */
import type { Step } from "../history.ts";
import { type Edn, printEdn } from "./edn-value.ts";
import { HistoryError } from "./history-error.ts";
import type { Asked } from "./pairing.ts";

/** One event of a history, still in EDN. Names keep their colon, as in ":invoke". */
export type Event = {
  readonly line: number;
  /** A client's is a number. */
  readonly process: string;
  readonly type: string;
  readonly f: string;
  /** Undefined where the event has none. */
  readonly key: Edn | undefined;
  readonly value: Edn | undefined;
};

type Kind = Asked["op"] | "acquire" | "release";

const kinds: Readonly<Record<string, Kind>> = {
  ":read": "get",
  ":get": "get",
  ":r": "get",
  ":write": "put",
  ":put": "put",
  ":w": "put",
  ":cas": "cas",
  ":delete": "delete",
  ":append": "append",
  ":txn": "txn",
  ":acquire": "acquire",
  ":release": "release",
};
const theOnlyKey = "register";
/** What a lock holds that is taken. */
const held = "held";

function isPair(value: Edn | undefined): value is readonly [Edn, Edn] {
  return Array.isArray(value) && value.length === 2;
}

/** Whether the value of an invocation is [key value], the value of one register, or may be either. */
export function shapeOf({ f, key, value }: Event): "keyed" | "plain" | "either" {
  const kind = kinds[f];
  if (key !== undefined || kind === "txn" || !isPair(value)) return "plain";
  if (kind === "cas" && !isPair(value[1])) return "plain";
  return (kind === "get" || kind === "delete") && value[1] === null ? "keyed" : "either";
}

/** The words of one dialect. It keeps nothing from one event to the next. */
export class JepsenOperations {
  /** Porcupine's files: all values are text, and an absent key reads as the empty one. */
  readonly #isPorcupine: boolean;

  constructor(dialect: "jepsen" | "porcupine") {
    this.#isPorcupine = dialect === "porcupine";
  }

  /** Null: a completion that says no more than its invocation. Throws HistoryError. `isKeyed`: values are [key value]. */
  asked(event: Event, isKeyed: boolean): Asked | null {
    const { f, line, value, type } = event;
    const isAnswer = type === ":ok";
    const kind = kinds[f];
    if (kind === undefined || (kind === "append" && !this.#isPorcupine))
      throw new HistoryError(line, `:f must be one of ${Object.keys(kinds).join(" ")}, not ${f}`);
    if (kind === "txn") return this.#transaction(event, isAnswer);
    if (isKeyed && !isPair(value)) {
      if (isAnswer && kind !== "get" && (value ?? null) === null) return null;
      throw new HistoryError(line, "the value must be [key value], as before");
    }
    const key = isKeyed ? printEdn((value as readonly [Edn, Edn])[0]) : this.#keyOf(event);
    const content = isKeyed ? (value as readonly [Edn, Edn])[1] : value;
    if (kind === "acquire") return { op: "cas", key, value: [null, held] };
    if (kind === "release") return { op: "cas", key, value: [held, null] };
    if (kind === "delete") return { op: kind, key, value: null };
    if (kind === "get") return { op: kind, key, value: isAnswer ? this.#text(content ?? null, event) : null };
    // A completion may leave out what was asked.
    if (isAnswer && (content ?? null) === null) return null;
    if (kind === "cas") {
      if (!isPair(content)) throw new HistoryError(line, `the value of ${f} must be [expected new]`);
      return { op: kind, key, value: [this.#text(content[0], event), this.#text(content[1], event)] };
    }
    if (content === undefined) throw new HistoryError(line, `${f} must have a :value`);
    const text = this.#text(content, event);
    if (text !== null) return { op: kind, key, value: text };
    return kind === "put" ? { op: "delete", key, value: null } : { op: kind, key, value: "" };
  }

  #keyOf({ key, line }: Event): string {
    if (key === undefined) return theOnlyKey;
    if (!this.#isPorcupine) return printEdn(key);
    if (key !== null && typeof key === "object" && "text" in key) return key.text;
    throw new HistoryError(line, `:key must be a string, as before (or name --format jepsen), not ${printEdn(key)}`);
  }

  /** A value as the history holds it; null: absence. */
  #text(value: Edn, { line }: Event): string | null {
    if (value === null) return null;
    if (!this.#isPorcupine) return printEdn(value);
    if (typeof value !== "object" || !("text" in value))
      throw new HistoryError(line, `a value must be a string (or name --format jepsen), not ${printEdn(value)}`);
    return value.text === "" ? null : value.text;
  }

  #transaction(event: Event, isAnswer: boolean): Asked | null {
    const { value, line } = event;
    if (isAnswer && (value ?? null) === null) return null;
    const must = "the value of :txn must be a vector of [:r key value] and [:w key value]";
    if (!Array.isArray(value) || value.length === 0) throw new HistoryError(line, must);
    const steps = value.map((step: Edn): Step => {
      const [f, key, content = null] = Array.isArray(step) && step.length <= 3 ? (step as readonly Edn[]) : [];
      const kind = typeof f === "string" ? kinds[f] : undefined;
      if (key === undefined || (kind !== "get" && kind !== "put")) throw new HistoryError(line, must);
      return [kind, printEdn(key), this.#text(content, event)];
    });
    return { op: "txn", value: steps };
  }
}
