/** Reads each file, decides it, and says so. */
import { createReadStream, writeFileSync } from "node:fs";
import { HistoryError, type HistoryFile, HistoryReader } from "../formats/index.ts";
import { check, type History, type Verdict } from "../index.ts";
import { strangerTo } from "../models.ts";
import { page } from "../view/page.ts";
import { timeline } from "../view/timeline.ts";
import type { Options } from "./options.ts";
import { TextError, textOf } from "./text-of.ts";
import { Watch } from "./watch.ts";

type Checked = { readonly file: string; readonly read: HistoryFile; readonly verdict: Verdict; readonly ms: number };
/** `broken`: why the file is no history. */
type Outcome = Checked | { readonly file: string; readonly broken: string };

/** Returns the exit status: broken input outweighs illegal, illegal outweighs unknown. */
export async function checkFiles(options: Options, print: (line: string) => void): Promise<number> {
  const outcomes: Outcome[] = [];
  for (const file of options.files) {
    const outcome = await checkFile(file, options);
    outcomes.push(outcome);
    if (options.json) print(JSON.stringify(asJson(outcome)));
    else for (const line of inWords(outcome)) print(line);
  }
  if (!options.json && outcomes.length > 1) for (const line of table(outcomes)) print(line);
  const checked = outcomes.filter((outcome): outcome is Checked => "verdict" in outcome);
  const shown = checked.find(({ verdict }) => verdict.verdict === "illegal") ?? checked[0];
  if (options.html !== null && shown !== undefined) {
    try {
      writeFileSync(options.html, page(shown.file, shown.read.history, shown.verdict, shown.read.times));
    } catch (error) {
      print(`error ${options.html}: ${(error as Error).message}`);
      return 2;
    }
  }
  if (checked.length < outcomes.length) return 2;
  if (checked.some(({ verdict }) => verdict.verdict === "illegal")) return 1;
  return checked.some(({ verdict }) => verdict.verdict === "unknown") ? 3 : 0;
}

async function checkFile(file: string, { format, model, timeoutMs }: Options): Promise<Outcome> {
  const watch = new Watch(file, timeoutMs);
  try {
    const reader = new HistoryReader(format);
    for await (const text of textOf(file === "-" ? process.stdin : createReadStream(file))) {
      reader.feed(text);
      if (watch.shouldStop()) return { file, broken: "the time was over before it was read" };
    }
    const read = reader.end();
    const stranger = model === null ? undefined : strangerTo(model, read.history);
    if (stranger !== undefined) return { file, broken: `a ${model} has no ${stranger.op}` };
    const verdict = check(read.history, { shouldStop: () => watch.shouldStop(), times: read.times });
    return { file, read, verdict, ms: watch.ms };
  } catch (error) {
    if (error instanceof HistoryError || error instanceof TextError) return { file, broken: error.message };
    if (error instanceof Error && "code" in error) return { file, broken: error.message };
    throw error;
  }
}

function inWords(outcome: Outcome): string[] {
  if ("broken" in outcome) return [`error ${outcome.file}: ${outcome.broken}`];
  const { file, verdict, read, ms } = outcome;
  const passed = read.otherLines === 0 ? "" : `; ${count(read.otherLines, "other line")} of the log passed over`;
  if (verdict.verdict === "ok") {
    const size = `${count(read.history.length, "operation")} on ${count(verdict.order.size, "key")}`;
    const empty = answered(read.history) === 0 ? "; no operation was answered, so nothing was checked" : "";
    return [`ok ${file}: ${size}, ${Math.round(ms)} ms${empty}${passed}`];
  }
  if (verdict.verdict === "unknown") {
    const { key, reason, at } = verdict;
    const where = `at client ${at.client}'s ${at.op}, called at ${read.times.at(at.call)}`;
    return [`unknown ${file}: key ${key}: ${reason}, ${where}${passed}`];
  }
  return [`illegal ${file}: ${verdict.sentence}${passed}`, "", ...timeline(verdict.core, read.times), ""];
}

function answered(history: History): number {
  return history.reduce((sum, { outcome }) => sum + (outcome === "ok" || outcome === "mismatch" ? 1 : 0), 0);
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

function table(outcomes: readonly Outcome[]): string[] {
  const rows = outcomes.map((outcome) => {
    if ("broken" in outcome) return ["error", "", "", outcome.file];
    const { verdict, read, ms, file } = outcome;
    return [verdict.verdict, String(read.history.length), `${ms.toFixed(1)} ms`, file];
  });
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
  if ("broken" in outcome) return { file: outcome.file, verdict: "error", reason: outcome.broken };
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
