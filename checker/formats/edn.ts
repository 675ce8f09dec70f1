/** A reader of EDN (extensible data notation): as much of it as histories use. Keywords are strings that begin with ":". */

export type Edn = null | boolean | number | string | EdnText | readonly Edn[] | EdnMap;
/** A string, told apart from keywords and symbols. */
export type EdnText = { readonly text: string };
export type EdnMap = { readonly pairs: ReadonlyMap<string, Edn> };

export class EdnError extends Error {}

const blank = /[\s,]/;
const ends = /[\s,()[\]{}";]/;
const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", "\\": "\\", '"': '"' };

export class EdnReader {
  readonly #text: string;
  #at: number;

  constructor(text: string, from = 0) {
    this.#text = text;
    this.#at = from;
  }

  /** Whether nothing but blanks and comments is left. */
  get isAtEnd(): boolean {
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at]!;
      if (char === ";") this.#at = this.#text.length;
      else if (blank.test(char)) this.#at += 1;
      else return false;
    }
    return true;
  }

  /** The next form. Throws EdnError where the text is none. */
  read(): Edn {
    if (this.isAtEnd) throw new EdnError("it ends where a value is expected");
    const char = this.#text[this.#at]!;
    if (char === '"') return { text: this.#string() };
    if (char === "[" || char === "(") return this.#list(char === "[" ? "]" : ")");
    if (char === "{") return this.#map();
    if (char === "#") return this.#tagged();
    if (ends.test(char)) throw new EdnError(`"${char}" where a value is expected`);
    return this.#atom();
  }

  #string(): string {
    let text = "";
    for (this.#at += 1; this.#at < this.#text.length; this.#at++) {
      const char = this.#text[this.#at]!;
      if (char === '"') {
        this.#at += 1;
        return text;
      }
      if (char !== "\\") text += char;
      else {
        this.#at += 1;
        const escaped = this.#text[this.#at] ?? "";
        if (escaped === "u") {
          text += String.fromCharCode(Number.parseInt(this.#text.slice(this.#at + 1, this.#at + 5), 16));
          this.#at += 4;
        } else {
          const plain = escapes[escaped];
          if (plain === undefined) throw new EdnError(`the escape \\${escaped} is not known`);
          text += plain;
        }
      }
    }
    throw new EdnError("a string is not closed");
  }

  #list(end: string): Edn[] {
    const items: Edn[] = [];
    this.#at += 1;
    for (;;) {
      if (this.isAtEnd) throw new EdnError(`"${end}" is missing`);
      if (this.#text[this.#at] === end) break;
      items.push(this.read());
    }
    this.#at += 1;
    return items;
  }

  #map(): EdnMap {
    const items = this.#list("}");
    if (items.length % 2 !== 0) throw new EdnError("a map has a key without a value");
    const map = new Map<string, Edn>();
    for (let k = 0; k < items.length; k += 2) map.set(printEdn(items[k]!), items[k + 1]!);
    return { pairs: map };
  }

  /** A set is read as a list; of a tagged value the tag is passed over. */
  #tagged(): Edn {
    this.#at += 1;
    if (this.#text[this.#at] === "{") return this.#list("}");
    this.#atom();
    return this.read();
  }

  #atom(): Edn {
    const from = this.#at;
    while (this.#at < this.#text.length && !ends.test(this.#text[this.#at]!)) this.#at += 1;
    const word = this.#text.slice(from, this.#at);
    if (word === "nil") return null;
    if (word === "true" || word === "false") return word === "true";
    const number = /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?[NM]?$/.test(word) ? Number(word.replace(/[NM]$/, "")) : Number.NaN;
    return Number.isNaN(number) ? word : number;
  }
}

/** The same value always as the same text. */
export function printEdn(value: Edn): string {
  if (value === null) return "nil";
  if (typeof value !== "object") return String(value);
  if ("text" in value) return value.text;
  if ("pairs" in value) return `{${[...value.pairs].map(([key, one]) => `${key} ${printEdn(one)}`).join(", ")}}`;
  return `[${value.map(printEdn).join(" ")}]`;
}
