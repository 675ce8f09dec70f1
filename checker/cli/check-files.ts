/** Reads each file, decides it, and says so. */
import { createReadStream, type ReadStream, statSync, writeFileSync } from "node:fs";
import { HistoryError, type HistoryFile, HistoryReader } from "../formats/index.ts";
import { check, type History, type Verdict } from "../index.ts";
import { strangerTo } from "../models.ts";
import { spoken } from "../spoken.ts";
import { page } from "../view/page.ts";
import { timeline } from "../view/timeline.ts";
import type { Options } from "./options.ts";
import { TextError, textOf } from "./text-of.ts";
import { Watch } from "./watch.ts";

type Decided = {
  readonly kind: "decided";
  readonly file: string;
  readonly read: HistoryFile;
  readonly verdict: Verdict;
  readonly ms: number;
};
/** `reason`: why the file is no history. */
type Outcome = Decided | { readonly kind: "broken"; readonly file: string; readonly reason: string };

function broken(file: string, reason: string): Outcome {
  return { kind: "broken", file, reason };
}

const pieceBytes = 1024 * 1024;

/** What is kept of each file. Its history is not: there may be many, and large. */
type Row = {
  readonly file: string;
  readonly verdict: Verdict["verdict"] | "error";
  readonly operations: number | null;
  readonly ms: number | null;
};

/** Returns the exit status: broken input outweighs illegal, illegal outweighs unknown. */
export async function checkFiles(options: Options, print: (line: string) => void): Promise<number> {
  const rows: Row[] = [];
  let shown: Decided | null = null;
  for (const file of options.files) {
    const outcome = await checkFile(file, options);
    rows.push(rowOf(outcome));
    if (options.json) print(JSON.stringify(asJson(outcome)));
    else for (const line of inWords(outcome)) print(line);
    if (outcome.kind === "broken" || options.html === null) continue;
    const isBetter = outcome.verdict.verdict === "illegal" && shown?.verdict.verdict !== "illegal";
    if (shown === null || isBetter) shown = outcome;
  }
  if (!options.json && rows.length > 1) for (const line of table(rows)) print(line);
  if (options.html !== null && shown !== null) {
    try {
      writeFileSync(options.html, page(shown.file, shown.read.history, shown.verdict, shown.read.times));
    } catch (error) {
      print(`error ${options.html}: ${(error as Error).message}`);
      return 2;
    }
  }
  const status = { error: 2, illegal: 1, unknown: 3, ok: 0 } as const;
  const gravest = (["error", "illegal", "unknown"] as const).find((one) => rows.some(({ verdict }) => verdict === one));
  return status[gravest ?? "ok"];
}

function rowOf(outcome: Outcome): Row {
  if (outcome.kind === "broken") return { file: outcome.file, verdict: "error", operations: null, ms: null };
  const { file, verdict, read, ms } = outcome;
  return { file, verdict: verdict.verdict, operations: read.history.length, ms };
}

async function checkFile(file: string, options: Options): Promise<Outcome> {
  const { format, model, timeoutMs, configurationsMax } = options;
  const watch = new Watch(file, timeoutMs);
  try {
    const reader = new HistoryReader(format);
    const stream = file === "-" ? process.stdin : createReadStream(file, { highWaterMark: pieceBytes });
    const size = file === "-" ? 0 : sizeOf(file);
    for await (const text of textOf(stream)) {
      reader.feed(text);
      const share = size === 0 ? null : (stream as ReadStream).bytesRead / size;
      if (watch.shouldStop("read", share)) return broken(file, "the time was over before it was read");
    }
    const read = reader.end();
    const stranger = model === null ? undefined : strangerTo(model, read.history);
    if (stranger !== undefined) return broken(file, `a ${model} has no ${stranger.op}`);
    const verdict = check(read.history, {
      ...(configurationsMax === null ? {} : { configurationsMax }),
      shouldStop: (share) => watch.shouldStop("decided", share),
      times: read.times,
    });
    return { kind: "decided", file, read, verdict, ms: watch.ms };
  } catch (error) {
    if (error instanceof HistoryError || error instanceof TextError) return broken(file, error.message);
    if (error instanceof Error && "code" in error) return broken(file, error.message);
    throw error;
  }
}

/** In bytes; 0 where that is not known before it is read. */
function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

function inWords(outcome: Outcome): string[] {
  if (outcome.kind === "broken") return [`error ${outcome.file}: ${outcome.reason}`];
  const { file, verdict, read, ms } = outcome;
  const passed = read.otherLines === 0 ? "" : `; ${count(read.otherLines, "other line")} of the log passed over`;
  if (verdict.verdict === "ok") {
    const size = `${count(read.history.length, "operation")} on ${count(verdict.order.size, "key")}`;
    const empty = answered(read.history) === 0 ? "; no operation was answered, so nothing was checked" : "";
    return [`ok ${file}: ${size}, ${Math.round(ms)} ms${empty}${passed}`];
  }
  if (verdict.verdict === "unknown") {
    const { key, limit, reason, at } = verdict;
    const where = `at client ${at.client}'s ${at.op}, called at ${read.times.at(at.call)}`;
    const hint = limit === "configurationsMax" ? " (--configurations allows more)" : "";
    return [`unknown ${file}: key ${spoken(key)}: ${reason}${hint}, ${where}${passed}`];
  }
  return [`illegal ${file}: ${verdict.sentence}${passed}`, "", ...timeline(verdict.core, read.times), ""];
}

function answered(history: History): number {
  return history.reduce((sum, { outcome }) => sum + (outcome === "ok" || outcome === "mismatch" ? 1 : 0), 0);
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

function table(files: readonly Row[]): string[] {
  const rows = files.map(({ verdict, operations, ms, file }) => [
    verdict,
    operations === null ? "" : String(operations),
    ms === null ? "" : `${ms.toFixed(1)} ms`,
    file,
  ]);
  const lines = [["verdict", "operations", "time", "file"], ...rows];
  const widths = [0, 1, 2].map((k) => Math.max(...lines.map((line) => line[k]!.length)));
  const total = new Map<string, number>();
  for (const [verdict] of rows) total.set(verdict!, (total.get(verdict!) ?? 0) + 1);
  return [
    "",
    ...lines.map((line) =>
      line
        .map((cell, k) => (k === 3 ? cell : k === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[k]!)))
        .join("  "),
    ),
    "",
    `${count(rows.length, "file")}: ${[...total].map(([verdict, number]) => `${number} ${verdict}`).join(", ")}`,
  ];
}

function asJson(outcome: Outcome): object {
  if (outcome.kind === "broken") return { file: outcome.file, verdict: "error", reason: outcome.reason };
  const { file, verdict, read, ms } = outcome;
  const { history, format, otherLines, times } = read;
  const counts = { operations: history.length, answered: answered(history), otherLines };
  const common = { file, verdict: verdict.verdict, ...counts, format, ms };
  if (verdict.verdict === "ok") return { ...common, keys: verdict.order.size };
  if (verdict.verdict === "unknown") return { ...common, key: verdict.key, reason: verdict.reason, at: verdict.at };
  // In the history of a log times are the numbers of its events; here stands also what the file says.
  const core = verdict.core.map((one) => ({
    ...one,
    called: times.at(one.call),
    returned: one.return === null ? null : times.at(one.return),
  }));
  return { ...common, key: verdict.key, reason: verdict.kind, sentence: verdict.sentence, core };
}
