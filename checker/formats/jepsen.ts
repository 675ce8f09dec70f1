/**
 * Jepsen's and Knossos's histories: their EDN, `{:process 3, :type :invoke, :f :cas, :value [1 3], :time 12}`, a map a line,
 * or maps over several lines, or all in one vector; history.txt, `3  :invoke  :cas  [1 3]`; and jepsen.log, where that stands
 * among other lines, `INFO  jepsen.util - 3  :invoke  :cas  [1 3]`. And Porcupine's files of a key-value store,
 * `{:process 0, :type :invoke, :f :append, :key "0", :value "x"}`. Of independent keys the value is [key value].
 */
import type { History } from "../history.ts";
import { loggedTimes, type Times } from "../times.ts";
import { EdnEnd, EdnError, EdnReader } from "./edn.ts";
import { EdnForms } from "./edn-forms.ts";
import { type Edn, integerOf, printEdn } from "./edn-value.ts";
import { HistoryError } from "./history-error.ts";
import { type Event, JepsenOperations, shapeOf } from "./jepsen-operations.ts";
import type { Heading } from "./jsonl.ts";
import { Pairing } from "./pairing.ts";

/** An event in a log of any year, or in history.txt: behind the value there may be an error, as any text. */
const logged =
  /^(?:.*?(?:\bjepsen\.util\b(?:\s*[:-])?|\s-)\s+)?(:?[\w.-]+|"[^"]*")\s+(:invoke|:ok|:fail|:info)\s+(:\S+)(?:\s+|$)/;
/** The beginning of a logged event that is cut off. */
const cutOff = /\bjepsen\.util\b(?:\s*[:-])?\s+\d+\s/;

function cut(message: string): string {
  return `the last line is cut off: ${message}`;
}

function isName(process: string): boolean {
  return /^:?[A-Za-z]/.test(process) && !/^(nil|true|false)$/.test(process);
}

/** Whether the line holds an event as Jepsen prints it, in a log or in history.txt. */
export function isLogged(line: string): boolean {
  return logged.test(line);
}

/** Calls and returns are the numbers of the events, in the order of the log: that order holds, whatever the clock says. */
export class JepsenLines {
  readonly #pairing = new Pairing();
  readonly #operations: JepsenOperations;
  readonly #forms = new EdnForms((form, line) => this.#form(form, line));
  /** Null until the first line. */
  #isLog: boolean | null = null;
  /** Lines of a log that are no events. */
  #otherLines: number;
  /** Null until an invocation tells; those until then wait. */
  #isKeyed: boolean | null = null;
  #waiting: Event[] = [];
  /** The times of the client events, from the first on. */
  readonly #moments: (number | bigint | null)[] = [];
  #paired = 0;
  #index: number | bigint | null = null;

  /** `otherLines`: how many of a log came before the first event. */
  constructor(dialect: "jepsen" | "porcupine", otherLines: number) {
    this.#operations = new JepsenOperations(dialect);
    this.#otherLines = otherLines;
  }

  /** Throws HistoryError. `isLast`: the file ends in this line, not behind it. */
  line(text: string, number: number, isLast: boolean): void {
    if (this.#isLog === null) {
      if (text.trim() === "" || text.trim().startsWith(";")) return;
      this.#isLog = isLogged(text) || !/^\s*[[({#]/.test(text);
    }
    if (this.#isLog) this.#logLine(text, number, isLast);
    else this.#forms.line(text, number);
  }

  /** Throws HistoryError. */
  end(): { readonly history: History; readonly heading: Heading; readonly times: Times; readonly otherLines: number } {
    this.#forms.end();
    this.#decideKeyed(this.#isKeyed ?? true);
    return {
      history: this.#pairing.end(),
      heading: { unit: "event", source: null },
      times: loggedTimes(this.#moments),
      otherLines: this.#otherLines,
    };
  }

  #logLine(text: string, line: number, isLast: boolean): void {
    const match = logged.exec(text);
    if (match === null) {
      if (isLast && cutOff.test(text)) throw new HistoryError(line, cut("an event must be whole"));
      if (text.trim() !== "") this.#otherLines += 1;
      return;
    }
    const [whole, process, type, f] = match;
    let value: Edn | undefined;
    try {
      const reader = new EdnReader(text, whole.length);
      if (!reader.isAtEnd) value = reader.read();
    } catch (error) {
      if (!(error instanceof EdnError)) throw error;
      throw new HistoryError(line, isLast && error instanceof EdnEnd ? cut(error.message) : error.message);
    }
    this.#event({ line, process: process!, type: type!, f: f!, key: undefined, value }, null);
  }

  #form(form: Edn, line: number): void {
    // Of a record the tag is its type's name.
    const map = form !== null && typeof form === "object" && "tag" in form ? form.value : form;
    if (map === null || typeof map !== "object" || !("pairs" in map))
      throw new HistoryError(line, `an event must be a map, not ${printEdn(form).slice(0, 40)}`);
    const { pairs } = map;
    for (const name of [":process", ":type", ":f"])
      if (!pairs.has(name)) throw new HistoryError(line, `an event must have ${name}`);
    const integer = (name: string): number | bigint | null => {
      const value = pairs.get(name) ?? null;
      const number = integerOf(value);
      if (value !== null && number === null)
        throw new HistoryError(line, `${name} must be an integer of at most 40 digits`);
      return number;
    };
    const index = integer(":index");
    if (index !== null) {
      if (this.#index !== null && index <= this.#index)
        throw new HistoryError(line, `:index must be above ${this.#index}, that of the event before`);
      this.#index = index;
    }
    const print = (name: string): string => printEdn(pairs.get(name) ?? null);
    this.#event(
      {
        line,
        process: print(":process"),
        type: print(":type"),
        f: print(":f"),
        key: pairs.get(":key"),
        value: pairs.get(":value"),
      },
      integer(":time"),
    );
  }

  #event(event: Event, time: number | bigint | null): void {
    if (!/^(0|[1-9]\d{0,39})$/.test(event.process)) {
      // The nemesis and others that are no clients say nothing of the store.
      if (isName(event.process)) return;
      throw new HistoryError(
        event.line,
        `:process must be an integer from 0, or a name as :nemesis, not ${event.process}`,
      );
    }
    this.#moments.push(time);
    if (this.#isKeyed !== null) return this.#pair(event);
    this.#waiting.push(event);
    const shape = event.type === ":invoke" ? shapeOf(event) : "either";
    if (shape !== "either") this.#decideKeyed(shape === "keyed");
  }

  #decideKeyed(isKeyed: boolean): void {
    this.#isKeyed = isKeyed;
    for (const event of this.#waiting) this.#pair(event);
    this.#waiting = [];
  }

  #pair(event: Event): void {
    const { process, type, line } = event;
    const time = (this.#paired += 1);
    const isKeyed = this.#isKeyed!;
    // What is wrong with a completion is first that nothing was invoked.
    if (type === ":ok") this.#pairing.openOf(process, line);
    if (type === ":invoke") this.#pairing.invoke(process, this.#operations.asked(event, isKeyed)!, time, line);
    else if (type === ":ok") this.#pairing.complete(process, "ok", this.#operations.asked(event, isKeyed), time, line);
    // These may put a reason where the value was.
    else if (type === ":fail") this.#pairing.complete(process, "none", null, time, line);
    else if (type === ":info") this.#pairing.complete(process, "unknown", null, time, line);
    else throw new HistoryError(line, `:type must be :invoke, :ok, :fail or :info, not ${type}`);
  }
}
