/** A line that is no part of a history; `line` counts from 1. */
export class HistoryError extends Error {
  override readonly name = "HistoryError";
  readonly line: number;
  constructor(line: number, message: string) {
    super(`line ${line}: ${message}`);
    this.line = line;
  }
}
