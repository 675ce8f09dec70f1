/** One process of a member, from its start to its end; what it writes goes to the member's log file. */
import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync } from "node:fs";

/** How a process ended. `code` is null where a signal ended it. */
export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

const keptLines = 8;
/** A process that says more than this has said enough; its lines still count. */
const logBytesMax = 8 * 1024 * 1024;
const minuteMs = 60_000;
/** Texts whose repetitions are counted. */
const textsMax = 2_000;

/** It ends once: the member's next start is another one. */
export class MemberProcess {
  readonly startedAtMs = performance.now();
  /** It was told to stop while all others are well: it owes an answer to each request that it has taken. */
  owesAnswers = false;
  /** Settles when the process is gone and its output is read. */
  readonly ended: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #last: string[] = [];
  #exit: Exit | null = null;
  /** How often each text was written within a minute. */
  readonly #texts = new Map<string, { sinceMs: number; count: number }>();
  #mostRepeated = { text: "", count: 0 };
  #lines = 0;
  #loggedBytes = 0;

  /** It is not in this process's group, so that Ctrl-C reaches only who stops the others in order. */
  constructor(command: readonly string[], logFile: string) {
    const [file, ...args] = command;
    this.#child = spawn(file!, args, { detached: true, stdio: ["ignore", "ignore", "pipe"] });
    let rest = "";
    this.#child.stderr!.setEncoding("utf8");
    this.#child.stderr!.on("data", (chunk: string) => {
      if (this.#loggedBytes < logBytesMax) appendFileSync(logFile, chunk);
      this.#loggedBytes += chunk.length;
      const lines = (rest + chunk).split("\n");
      rest = lines.pop()!;
      this.#lines += lines.length;
      for (const line of lines) this.#countText(line);
      this.#last.push(...lines.slice(-keptLines));
      this.#last.splice(0, this.#last.length - keptLines);
    });
    this.ended = new Promise((resolve) => {
      const end = (exit: Exit): void => {
        this.#exit ??= exit;
        resolve(this.#exit);
      };
      this.#child.once("error", (error) => {
        this.#last.push(error.message);
        end({ code: -1, signal: null });
      });
      this.#child.once("close", (code, signal) => end({ code, signal }));
    });
  }

  /** 0 where it could not be started. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** How it ended; null while it runs. */
  get exit(): Exit | null {
    return this.#exit;
  }

  /** Lines it has written. */
  get lines(): number {
    return this.#lines;
  }

  /** The text that was written most often within a minute, whatever its time, and how often. */
  get mostRepeated(): { readonly text: string; readonly count: number } {
    return this.#mostRepeated;
  }

  /** Counts from nothing on. */
  forgetRepetitions(): void {
    this.#texts.clear();
    this.#mostRepeated = { text: "", count: 0 };
  }

  #countText(line: string): void {
    const text = line.replace(/^\d{4}-\S+Z /, "").replace(/ \(repeated .*\)$/, "");
    if (text === "") return;
    const nowMs = performance.now();
    const known = this.#texts.get(text);
    const isRecent = known !== undefined && nowMs - known.sinceMs < minuteMs;
    const entry = isRecent ? known : { sinceMs: nowMs, count: 0 };
    entry.count += 1;
    if (entry.count > this.#mostRepeated.count) this.#mostRepeated = { text, count: entry.count };
    if (this.#texts.size >= textsMax) this.#texts.clear();
    this.#texts.set(text, entry);
  }

  /** The last line it has written. */
  get lastLine(): string {
    return this.#last.at(-1) ?? "";
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#exit === null) this.#child.kill(signal);
  }
}
