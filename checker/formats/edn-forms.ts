/** EDN forms from lines that come one by one: a form may go over several lines, and all may stand in one vector or list. */
import { EdnEnd, EdnError, EdnReader } from "./edn.ts";
import type { Edn } from "./edn-value.ts";
import { HistoryError } from "./history-error.ts";

/** Of a line, and of a form over several: a string cannot be much longer. */
export const textLengthMax = 2 ** 28;

/** Fed line by line, with the numbers of the lines for errors. Each form is handed on once, as soon as it is whole. */
export class EdnForms {
  /** Of each form the line on which it begins. */
  readonly #found: (form: Edn, line: number) => void;
  /** What is not read yet begins on line `#line`. */
  #pending = "";
  #line = 1;
  /** A form that goes on is tried again only when the text has doubled: so each character is read a few times at most. */
  #triedLength = 0;
  /** What closes the vector around all forms; null: none is open. */
  #closer: string | null = null;
  #isClosed = false;
  #count = 0;

  constructor(found: (form: Edn, line: number) => void) {
    this.#found = found;
  }

  /** Throws HistoryError. */
  line(text: string, number: number): void {
    if (this.#pending === "") this.#line = number;
    if (this.#pending.length + text.length > textLengthMax)
      throw new HistoryError(this.#line, `what begins here must end within ${textLengthMax} characters`);
    this.#pending += `${text}\n`;
    if (this.#pending.length >= 2 * this.#triedLength) this.#drain(false);
  }

  /** Nothing follows. Throws HistoryError where something must. */
  end(): void {
    this.#drain(true);
    if (this.#closer !== null)
      throw new HistoryError(this.#line, `the history is cut off: "${this.#closer}" must follow`);
  }

  #drain(isLast: boolean): void {
    const text = this.#pending;
    const reader = new EdnReader(text);
    let [counted, line] = [0, this.#line];
    const lineAt = (at: number): number => {
      for (let end = text.indexOf("\n", counted); end !== -1 && end < at; end = text.indexOf("\n", counted)) {
        counted = end + 1;
        line += 1;
      }
      return line;
    };
    let start = 0;
    try {
      for (;;) {
        start = reader.at;
        if (reader.isAtEnd) break;
        start = reader.at;
        if (!this.#openOrClose(reader, lineAt(start))) this.#found(reader.read(), lineAt(start));
        this.#count += 1;
      }
      this.#keep("", lineAt(text.length));
    } catch (error) {
      if (!(error instanceof EdnError)) throw error;
      const begun = lineAt(start);
      if (error instanceof EdnEnd && !isLast) this.#keep(text.slice(start), begun);
      else if (error instanceof EdnEnd) throw new HistoryError(begun, `what begins here is cut off: ${error.message}`);
      else throw new HistoryError(lineAt(reader.at), error.message);
    }
  }

  #keep(text: string, line: number): void {
    this.#pending = text;
    this.#line = line;
    this.#triedLength = text.length;
  }

  /** Whether the vector around all forms begins or ends here. */
  #openOrClose(reader: EdnReader, line: number): boolean {
    if (this.#isClosed) throw new HistoryError(line, "nothing must follow the end of the history");
    if (this.#closer !== null) {
      if (reader.take(this.#closer) === null) return false;
      this.#closer = null;
      this.#isClosed = true;
      return true;
    }
    const opener = this.#count === 0 ? reader.take("[(") : null;
    if (opener !== null) this.#closer = opener === "[" ? "]" : ")";
    return opener !== null;
  }
}
