/** A reader of EDN (extensible data notation), and of what Clojure prints beyond it. */
import { canonicalNumber, type Edn, type EdnMap, printEdn } from "./edn-value.ts";

/** The text is not EDN; the message says what is wrong, without its place. */
export class EdnError extends Error {}
/** The text ends where the form goes on. */
export class EdnEnd extends EdnError {}

/** Deeper ones than any history has; the reader calls itself. */
const depthMax = 500;
const ends = /[\s,()[\]{}";]/;
const escapes: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  b: "\b",
  f: "\f",
  "\\": "\\",
  '"': '"',
};
const namedCharacters: Readonly<Record<string, string>> = {
  newline: "\n",
  space: " ",
  tab: "\t",
  return: "\r",
  backspace: "\b",
  formfeed: "\f",
};

function isBlank(code: number): boolean {
  if (code < 0x80) return code === 0x20 || code === 0x2c || (code >= 0x09 && code <= 0x0d);
  return /\s/.test(String.fromCharCode(code));
}

/** Reads forms from one text, one after the other. Throws EdnError, or EdnEnd where only more text is missing. */
export class EdnReader {
  readonly #text: string;
  #at: number;
  #depth = 0;

  constructor(text: string, from = 0) {
    this.#text = text;
    this.#at = from;
  }

  /** Where the next character is read. */
  get at(): number {
    return this.#at;
  }

  /** Whether nothing but blanks, comments and discarded forms is left. Throws EdnError as `read` does. */
  get isAtEnd(): boolean {
    for (; this.#at < this.#text.length; this.#at++) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === 0x3b) {
        const line = this.#text.indexOf("\n", this.#at);
        this.#at = line === -1 ? this.#text.length - 1 : line;
      } else if (code === 0x23 && this.#text[this.#at + 1] === "_") {
        this.#at += 2;
        this.#descend();
        this.read();
        this.#depth -= 1;
        this.#at -= 1;
      } else if (!isBlank(code)) return false;
    }
    return true;
  }

  /** Passes over the next character if it is one of `characters`, and tells which. Blanks before it are passed over too. */
  take(characters: string): string | null {
    if (this.isAtEnd || !characters.includes(this.#text[this.#at]!)) return null;
    return this.#text[this.#at++]!;
  }

  /** The next form. Throws EdnError where the text is none, EdnEnd where it ends too early. */
  read(): Edn {
    if (this.isAtEnd) throw new EdnEnd("a value must follow");
    const char = this.#text[this.#at]!;
    if (char === '"') return { text: this.#string() };
    if (char === "\\") return this.#character();
    if (!"[({#".includes(char)) return this.#atom();
    this.#descend();
    const form = this.#compound(char);
    this.#depth -= 1;
    return form;
  }

  #descend(): void {
    if (++this.#depth > depthMax) throw new EdnError(`a value must not be nested deeper than ${depthMax}`);
  }

  #compound(char: string): Edn {
    if (char === "[" || char === "(") return this.#list(char === "[" ? "]" : ")");
    return char === "{" ? this.#map("") : this.#dispatch();
  }

  #string(): string {
    let text = "";
    for (let from = (this.#at += 1); ;) {
      const char = this.#text[this.#at];
      if (char === undefined) throw new EdnEnd('a string must be closed by "');
      if (char !== '"' && char !== "\\") {
        this.#at += 1;
        continue;
      }
      text += this.#text.slice(from, this.#at);
      this.#at += 1;
      if (char === '"') return text;
      text += this.#escape();
      from = this.#at;
    }
  }

  #escape(): string {
    const escaped = this.#text[this.#at];
    if (escaped === undefined) throw new EdnEnd('a string must be closed by "');
    this.#at += 1;
    const plain = escapes[escaped];
    if (plain !== undefined) return plain;
    const octal = /^[0-7]{1,3}/.exec(this.#text.slice(this.#at - 1, this.#at + 2));
    if (octal !== null) {
      this.#at += octal[0].length - 1;
      return String.fromCharCode(Number.parseInt(octal[0], 8));
    }
    const digits = this.#text.slice(this.#at, this.#at + 4);
    if (escaped === "u" && digits.length < 4) throw new EdnEnd('a string must be closed by "');
    if (escaped !== "u" || !/^[\da-fA-F]{4}$/.test(digits))
      throw new EdnError(`an escape must be one of \\n \\t \\r \\b \\f \\\\ \\" \\uXXXX, not \\${escaped}`);
    this.#at += 4;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }

  /** As it is printed: \newline, \space, or a backslash and the character. */
  #character(): string {
    const from = this.#at + 1;
    if (from >= this.#text.length) throw new EdnEnd("a character must follow \\");
    this.#at = from + String.fromCodePoint(this.#text.codePointAt(from)!).length;
    while (this.#at < this.#text.length && !ends.test(this.#text[this.#at]!)) this.#at += 1;
    const word = this.#text.slice(from, this.#at);
    const code = /^u([\da-fA-F]{4})$/.exec(word);
    const one = namedCharacters[word] ?? (code === null ? word : String.fromCharCode(Number.parseInt(code[1]!, 16)));
    if (String.fromCodePoint(one.codePointAt(0)!) !== one)
      throw new EdnError(`a character must be one, or a name as \\newline, not \\${word}`);
    const name = Object.keys(namedCharacters).find((known) => namedCharacters[known] === one);
    return `\\${name ?? one}`;
  }

  #list(end: string): Edn[] {
    const items: Edn[] = [];
    this.#at += 1;
    while (this.take(end) === null) {
      if (this.#at >= this.#text.length) throw new EdnEnd(`"${end}" must follow`);
      items.push(this.read());
    }
    return items;
  }

  /** `namespace`: of the keywords that are its keys and have none; "" for no such. */
  #map(namespace: string): EdnMap {
    const items = this.#list("}");
    if (items.length % 2 !== 0) throw new EdnError("each key of a map must have a value");
    const pairs = new Map<string, Edn>();
    for (let k = 0; k < items.length; k += 2) {
      const key = qualified(printEdn(items[k]!), namespace);
      if (pairs.has(key)) throw new EdnError(`a map must not have the key ${key} twice`);
      pairs.set(key, items[k + 1]!);
    }
    return { pairs };
  }

  /** What begins with #: a set, a tagged value, a map with a namespace, ##Inf, or an object that Clojure cannot print. */
  #dispatch(): Edn {
    const next = this.#text[++this.#at];
    if (next === undefined) throw new EdnEnd("a value must follow #");
    if (next === "{") {
      const members = this.#list("}").map(printEdn);
      if (new Set(members).size !== members.length) throw new EdnError("a set must not have a member twice");
      return { members: members.toSorted() };
    }
    if (next === "<") return this.#unreadable();
    if (next === '"') return { tag: '"', value: { text: this.#string() } };
    if (next === "#") {
      const name = (this.#at += 1);
      const word = this.#word();
      if (word !== "Inf" && word !== "-Inf" && word !== "NaN")
        throw new EdnError(`## must be followed by Inf, -Inf or NaN, not ${this.#text.slice(name, name + 9)}`);
      return `##${word}`;
    }
    const tag = this.#word();
    if (tag.startsWith(":") && this.#text[this.#at] === "{") return this.#map(tag.replace(/^:+/, ""));
    if (!/^[A-Za-z_]/.test(tag)) throw new EdnError(`a tag must be a name, not "${tag}"`);
    return { tag, value: this.read() };
  }

  /** #<what has no form>, to its last ">". */
  #unreadable(): string {
    const from = this.#at - 1;
    for (let depth = 0; this.#at < this.#text.length;) {
      const char = this.#text[this.#at++];
      if (char === "<") depth += 1;
      else if (char === ">" && --depth === 0) return this.#text.slice(from, this.#at);
    }
    throw new EdnEnd('an object must be closed by ">"');
  }

  #word(): string {
    const from = this.#at;
    while (this.#at < this.#text.length) {
      const code = this.#text.charCodeAt(this.#at);
      // Letters, digits, and most of what else a word may have.
      if ((code < 0x61 || code > 0x7a) && (code < 0x30 || code > 0x3a) && ends.test(this.#text[this.#at]!)) break;
      this.#at += 1;
    }
    return this.#text.slice(from, this.#at);
  }

  #atom(): Edn {
    const word = this.#word();
    if (word === "") throw new EdnError(`a value must stand where "${this.#text[this.#at]}" is`);
    if (word === "nil") return null;
    if (word === ":")
      throw new EdnError('a keyword must have a name behind ":" (JSON must have each object on one line)');
    if (word === "true" || word === "false") return word === "true";
    if (!/^[+-]?\d/.test(word)) return word;
    const number = canonicalNumber(word);
    if (number === null)
      throw new EdnError(`a number must be an integer, or a decimal or ratio of at most 1000 characters, not ${word}`);
    return number;
  }
}

function qualified(key: string, namespace: string): string {
  if (namespace === "" || !key.startsWith(":")) return key;
  if (key.startsWith(":_/")) return `:${key.slice(3)}`;
  return key.includes("/") ? key : `:${namespace}/${key.slice(1)}`;
}
