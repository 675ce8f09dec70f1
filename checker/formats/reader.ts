/** A history from text that comes in pieces, whatever its format. */
import type { History } from "../history.ts";
import { HistoryError } from "./history-error.ts";
import { textLengthMax } from "./edn-forms.ts";
import { isLogged, JepsenLines } from "./jepsen.ts";
import { type Heading, JsonLines } from "./jsonl.ts";
import type { Times } from "../times.ts";

/** "porcupine": the EDN files of Porcupine's key-value tests, which read an absent key as empty text. */
export const formats = ["jsonl", "jepsen", "porcupine"] as const;
/** Which of `formats` a file has; its first line tells where nobody says it. */
export type Format = (typeof formats)[number];

type Content = {
  readonly history: History;
  readonly heading: Heading;
  /** How the file itself says the times of the history. */
  readonly times: Times;
  /** Lines of a log that are no events of a history, and were passed over. */
  readonly otherLines: number;
};
/** A whole file as it was read, with what it says of itself. */
export type HistoryFile = Content & { readonly format: Format };

interface LineReader {
  /** `isLast`: the file ends in this line, not behind it. */
  line(text: string, number: number, isLast: boolean): void;
  end(): Content;
}

/** What a history is written in, by its first line that says something; null: it does not tell. */
export function formatOf(line: string): Format | null {
  const text = line.trimStart();
  if (/^\{\s*"/.test(text)) return "jsonl";
  if (/^\[\s*\{\s*"/.test(text)) return null;
  if (/^[[(]?\s*\{.*:key\s+"/.test(text) && !/:value\s+[^"n\s]/.test(text)) return "porcupine";
  return /^[[({]|^#[A-Za-z_]/.test(text) || isLogged(text) ? "jepsen" : null;
}

/** One for each file: feed its text, then call `end`. Throws HistoryError at the first line that is wrong. */
export class HistoryReader {
  #format: Format | null;
  #reader: LineReader | null = null;
  #rest = "";
  #lines = 0;
  /** The first line that says something but not the format, and how many are like it, up to the first that does. */
  #firstLine: number | null = null;
  #otherLines = 0;
  /** That line begins an array of JSON. */
  #isArray = false;

  /** `format`: null where the first line is to tell it. */
  constructor(format: Format | null) {
    this.#format = format;
  }

  /** Takes the next piece of the text. Throws HistoryError at the first line that is none of the format. */
  feed(text: string): void {
    let from = this.#lines === 0 && this.#rest === "" && text.startsWith("\ufeff") ? 1 : 0;
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", from)) {
      this.#line(this.#rest + text.slice(from, end), false);
      this.#rest = "";
      from = end + 1;
    }
    if (this.#rest.length + text.length > textLengthMax)
      throw new HistoryError(this.#lines + 1, `a line must not be longer than ${textLengthMax} characters`);
    this.#rest += text.slice(from);
  }

  /** The text has ended. A last line without its end that does not parse is named as cut off. */
  end(): HistoryFile {
    if (this.#rest !== "") this.#line(this.#rest, true);
    this.#rest = "";
    if (this.#reader === null && this.#firstLine !== null) {
      if (this.#isArray)
        throw new HistoryError(this.#firstLine, "JSON must be one operation a line, not an array of them");
      const must = "the first line must be JSON, EDN or of a Jepsen log, one operation or event a line";
      throw new HistoryError(this.#firstLine, `${must}, or --format must name the format (${formats.join(", ")})`);
    }
    return { ...(this.#reader ?? new JsonLines()).end(), format: this.#format ?? "jsonl" };
  }

  #line(line: string, isLast: boolean): void {
    this.#lines += 1;
    const text = line.endsWith("\r") ? line.slice(0, -1) : line;
    if (this.#reader === null) {
      if (text.trim() === "" || text.trimStart().startsWith(";")) return;
      // A log may begin with other lines.
      this.#format ??= this.#firstLine === null ? formatOf(text) : isLogged(text) ? "jepsen" : null;
      if (this.#format === null) {
        if (this.#firstLine === null) this.#isArray = /^\s*\[\s*\{\s*"/.test(text);
        this.#firstLine ??= this.#lines;
        this.#otherLines += 1;
        return;
      }
      this.#reader = this.#format === "jsonl" ? new JsonLines() : new JepsenLines(this.#format, this.#otherLines);
    }
    this.#reader.line(text, this.#lines, isLast);
  }
}
