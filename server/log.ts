/** What the operator reads: a line a state change, never one a request. To stderr. */
export type LogLevel = "info" | "warn" | "silent";
/** "text": time, level and text on one line. "json": an object a line, with the same three. */
export type LogFormat = "text" | "json";

/** Writes one line. The same text is not written again and again: repetitions are counted. */
export type Log = (level: "info" | "warn", text: string) => void;

/** Where lines go, and the monotonic milliseconds by which repetitions are measured. */
export type LogOutput = { readonly write: (line: string) => void; readonly nowMs: () => number };

const standardError: LogOutput = {
  write: (line) => process.stderr.write(line),
  nowMs: () => performance.now(),
};

/** The same text is written once in this time. */
const repeatMs = 60_000;
const textsMax = 1_000;

/** A line that was written, and how often the same text was held back since. */
type Written = { readonly atMs: number; repeated: number };

/**
 * A log that writes no text more than once a minute: the next line of that text says how often it was held back. It
 * remembers the last thousand texts.
 */
export function createLog(level: LogLevel, format: LogFormat, output: LogOutput = standardError): Log {
  /** The longest ago written first. */
  const written = new Map<string, Written>();
  return (severity, saidText) => {
    // Peers' words come into it: no line breaks, nothing that commands a terminal.
    const text = saidText.replaceAll(/\p{Cc}+/gu, " ");
    if (level === "silent" || (level === "warn" && severity === "info")) return;
    const nowMs = output.nowMs();
    const last = written.get(text);
    if (last !== undefined && nowMs - last.atMs < repeatMs) {
      last.repeated += 1;
      return;
    }
    written.delete(text);
    written.set(text, { atMs: nowMs, repeated: 0 });
    if (written.size > textsMax) written.delete(written.keys().next().value!);
    output.write(lineOf(format, severity, text + repetition(last?.repeated ?? 0)));
  };
}

function repetition(count: number): string {
  if (count === 0) return "";
  return count === 1 ? " (repeated once)" : ` (repeated ${count} times)`;
}

function lineOf(format: LogFormat, severity: "info" | "warn", text: string): string {
  const time = new Date().toISOString();
  if (format === "json") return `${JSON.stringify({ time, level: severity, message: text })}\n`;
  return `${time} ${severity} ${text}\n`;
}
