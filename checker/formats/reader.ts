/** A history from text that comes in pieces, whatever its format. */
import type { History } from "../history.ts";
import { HistoryError } from "./history-error.ts";
import { JepsenLines } from "./jepsen.ts";
import { type Heading, JsonLines } from "./jsonl.ts";

export const formats = ["jsonl", "jepsen", "porcupine"] as const;
export type Format = (typeof formats)[number];
export type HistoryFile = { readonly history: History; readonly heading: Heading; readonly format: Format };

interface LineReader {
  line(text: string, number: number): void;
  end(): { readonly history: History; readonly heading: Heading };
}

/** What a history is written in, by its first line that says something. */
export function formatOf(line: string): Format | null {
  const text = line.trimStart();
  if (/^\{\s*"/.test(text)) return "jsonl";
  if (text.startsWith("{") && text.includes(":key")) return "porcupine";
  if (text.startsWith("{") || /\s-\s+\S+\s+:(invoke|ok|fail|info)\s/.test(text)) return "jepsen";
  return null;
}

export class HistoryReader {
  #format: Format | null;
  #reader: LineReader | null = null;
  #rest = "";
  #lines = 0;

  /** `format`: null where the first line is to tell it. */
  constructor(format: Format | null) {
    this.#format = format;
  }

  /** Takes the next piece of the text. Throws HistoryError at the first line that is none of the format. */
  feed(text: string): void {
    let from = 0;
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", from)) {
      this.#line(this.#rest + text.slice(from, end));
      this.#rest = "";
      from = end + 1;
    }
    this.#rest += text.slice(from);
  }

  /** The text has ended. A last line without its end that does not parse is named as cut off. */
  end(): HistoryFile {
    if (this.#rest !== "") {
      const last = this.#rest;
      this.#rest = "";
      try {
        this.#line(last);
      } catch (error) {
        if (!(error instanceof HistoryError)) throw error;
        throw new HistoryError(error.line, `the last line is cut off (${error.message.replace(/^line \d+: /, "")})`);
      }
    }
    const { history, heading } = (this.#reader ?? new JsonLines()).end();
    return { history, heading, format: this.#format ?? "jsonl" };
  }

  #line(line: string): void {
    this.#lines += 1;
    const text = line.endsWith("\r") ? line.slice(0, -1) : line;
    if (this.#reader === null) {
      if (text.trim() === "" || text.trimStart().startsWith(";")) return;
      this.#format ??= formatOf(text);
      if (this.#format === null)
        throw new HistoryError(this.#lines, `the format is not known: name one with --format (${formats.join(", ")})`);
      this.#reader = this.#format === "jsonl" ? new JsonLines() : new JepsenLines(this.#format);
    }
    this.#reader.line(text, this.#lines);
  }
}
