/**
 * Jepsen's and Knossos's histories of registers: lines of a log, `INFO  jepsen.util - 3  :invoke  :cas  [1 3]`, or maps,
 * `{:process 3, :type :invoke, :f :cas, :value [1 3], :time 12}`; and Porcupine's files of a key-value store,
 * `{:process 0, :type :invoke, :f :append, :key "0", :value "x"}`. Of independent keys the value is [key value].
 */
import type { History } from "../history.ts";
import { type Edn, EdnError, EdnReader, printEdn } from "./edn.ts";
import { HistoryError } from "./history-error.ts";
import { type Asked, Pairing } from "./pairing.ts";

type Event = {
  readonly process: string;
  readonly type: string;
  readonly f: string;
  readonly key: Edn | undefined;
  readonly value: Edn;
  readonly time: number | null;
};

const names: Readonly<Record<string, Asked["op"]>> = {
  ":read": "get",
  ":get": "get",
  ":r": "get",
  ":write": "put",
  ":put": "put",
  ":w": "put",
  ":cas": "cas",
  ":delete": "delete",
  ":append": "append",
};
const theOnlyKey = "register";

export class JepsenLines {
  readonly #pairing = new Pairing();
  /** In this format an absent key reads as the empty string. */
  readonly #emptyIsAbsent: boolean;
  #event = 0;
  #hasTimes: boolean | null = null;

  constructor(dialect: "jepsen" | "porcupine") {
    this.#emptyIsAbsent = dialect === "porcupine";
  }

  /** Throws HistoryError. */
  line(text: string, number: number): void {
    if (text.trim() === "" || text.trim().startsWith(";")) return;
    const event = this.#parse(text, number);
    // The nemesis and others that are no clients say nothing of the store.
    if (event === null || !/^\d+$/.test(event.process)) return;
    this.#event += 1;
    this.#hasTimes ??= event.time !== null;
    const time = this.#hasTimes ? event.time : this.#event;
    if (time === null) throw new HistoryError(number, "an integer :time is expected, as in the lines before");
    // A failure may put its reason where the value was.
    if (event.type === ":invoke") this.#pairing.invoke(event.process, this.#asked(event, number), time, number);
    else if (event.type === ":ok")
      this.#pairing.complete(event.process, "ok", this.#asked(event, number), time, number);
    else if (event.type === ":fail") this.#pairing.complete(event.process, "none", null, time, number);
    else if (event.type === ":info") this.#pairing.complete(event.process, "unknown", null, time, number);
    else throw new HistoryError(number, `the type is :invoke, :ok, :fail or :info, not ${event.type}`);
  }

  end(): { readonly history: History; readonly heading: { readonly unit: "ns" | "event"; readonly source: null } } {
    return { history: this.#pairing.end(), heading: { unit: this.#hasTimes === true ? "ns" : "event", source: null } };
  }

  #parse(text: string, number: number): Event | null {
    try {
      const start = text.search(/\S/);
      if (text[start] === "{") return this.#parseMap(new EdnReader(text, start), number);
      const logged = /\s-\s+(\S+)\s+(:invoke|:ok|:fail|:info)\s+(:\S+)\s*/.exec(text);
      if (logged === null) throw new HistoryError(number, "neither an EDN map nor a line of a Jepsen log");
      const reader = new EdnReader(text, logged.index + logged[0].length);
      const value = reader.isAtEnd ? null : reader.read();
      return { process: logged[1]!, type: logged[2]!, f: logged[3]!, key: undefined, value, time: null };
    } catch (error) {
      if (error instanceof EdnError) throw new HistoryError(number, error.message);
      throw error;
    }
  }

  #parseMap(reader: EdnReader, number: number): Event | null {
    const form = reader.read();
    if (!reader.isAtEnd) throw new HistoryError(number, "one map a line is expected");
    if (form === null || typeof form !== "object" || !("pairs" in form)) {
      throw new HistoryError(number, "a map is expected");
    }
    const get = (name: string): Edn => form.pairs.get(name) ?? null;
    for (const name of [":process", ":type", ":f"]) {
      if (!form.pairs.has(name)) throw new HistoryError(number, `${name} is missing`);
    }
    const time = get(":time");
    return {
      process: printEdn(get(":process")),
      type: printEdn(get(":type")),
      f: printEdn(get(":f")),
      key: form.pairs.get(":key"),
      value: get(":value"),
      time: Number.isSafeInteger(time) ? (time as number) : null,
    };
  }

  #asked({ f, key, value, type }: Event, number: number): Asked {
    const op = names[f];
    if (op === undefined) throw new HistoryError(number, `the operation ${f} is not known`);
    let [own, content] = [key === undefined ? theOnlyKey : printEdn(key), value];
    const isPair = Array.isArray(value) && value.length === 2;
    if (key === undefined && isPair && (op !== "cas" || (Array.isArray(value[1]) && value[1].length === 2))) {
      [own, content] = [printEdn(value[0] as Edn), value[1] as Edn];
    }
    if (op === "delete") return { op, key: own, value: null };
    if (op === "cas") {
      // A completion may leave out what was asked.
      if (!Array.isArray(content) || content.length !== 2)
        throw new HistoryError(number, "the value of a cas is [expected new]");
      return { op, key: own, value: [this.#text(content[0] as Edn), printEdn(content[1] as Edn)] };
    }
    const text = this.#text(content);
    if (op === "get") return { op, key: own, value: type === ":ok" ? text : null };
    if (text !== null) return { op, key: own, value: text };
    if (op === "put" && this.#emptyIsAbsent) return { op: "delete", key: own, value: null };
    throw new HistoryError(number, `the value of ${f} is missing`);
  }

  #text(value: Edn): string | null {
    if (value === null) return null;
    const text = printEdn(value);
    return this.#emptyIsAbsent && text === "" ? null : text;
  }
}
