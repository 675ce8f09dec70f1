import { spoken } from "../spoken.ts";

const messageLengthMax = 300;

/** A line that is no part of a history; `line` counts from 1. What the message has from the file is cut to a length that can be read. */
export class HistoryError extends Error {
  override readonly name = "HistoryError";
  readonly line: number;
  constructor(line: number, message: string) {
    super(`line ${line}: ${spoken(message, messageLengthMax)}`);
    this.line = line;
  }
}
