/** One self-contained page about a run: what went wrong and why, each node's log at any moment, and who did what when. */
import { dataHtml, element, filled, type Html, joined } from "../../checker/view/html.ts";
import { lawName } from "../laws.ts";
import { faultFamilies } from "../plan/families.ts";
import type { Result } from "../run.ts";
import type { Recorder } from "../trace/recorder.ts";
import { changeNames, messageNames, outcomeNames, roleNames, type TraceKind, words } from "../trace/vocabulary.ts";
import { readerLane } from "../workload/reader.ts";
import { barsOf, judgedOf } from "./bars.ts";
import { missedEntry } from "./causes/reads.ts";
import { RunFacts } from "./causes/run-facts.ts";
import { coneOf } from "./cone.ts";
import { EntryNumbers, entryWords, pageNote } from "./entries.ts";
import { lawWords } from "./law-words.ts";
import { emptyLog, logAfter, noted, type NodeLog, type PageNote } from "./logs.ts";
import { fateNames, fieldsOf } from "./messages.ts";
import type { PageData, PageLine, PageOdds } from "./page-data.ts";
import { template } from "./page-template.js";
import { after, clientKinds, type NodeState, unstarted } from "./states.ts";
import { type Cause, coreOf, storyOf } from "./story.ts";

/** Of longer runs the last so many lines are shown: the page stays below 2 MB. */
const linesMax = 30_000;

/** The nodes that what was seen names. */
function blamedOf({ verdict, message }: Result): number[] {
  if (verdict === "ok") return [];
  return [...new Set([...message.matchAll(/\bn(\d+)\b/g)].map((match) => Number(match[1])))];
}

/** Where the end happened: the node that is named first, or who answered last, or any. */
function placesOf(result: Result, answeredBy: number): number[] {
  if (result.verdict === "ok") return [];
  const named = result.verdict === "violation" ? (blamedOf(result)[0] ?? answeredBy) : 0;
  if (named !== 0) return [named];
  return Array.from({ length: result.plan.nodes + result.plan.spares }, (_, k) => k + 1);
}

/** `again`: what to type to see the run again. `odds`: null where nobody has replayed it. */
export function reportPage(result: Result, recorder: Recorder, again: string, odds: PageOdds | null = null): string {
  const { verdict, property, plan, message } = result;
  const all = recorder.lines;
  const judged = verdict === "violation" ? judgedOf(recorder.open) : null;
  const core = verdict === "violation" && property === "linearizability" ? coreOf(result.history) : [];
  const inCone = coneOf(all, placesOf(result, judged?.node ?? 0));
  const from = Math.max(0, all.length - linesMax);
  const kinds = [...new Set(all.map(({ kind }) => kind))];
  const code = new Map<TraceKind, number>(kinds.map((kind, k) => [kind, k]));
  const numbers = new EntryNumbers();
  const { states, logs, rest } = before(result, recorder, from, numbers);
  const shown = all.slice(from);
  const firstMessage = shown.reduce(
    (least, line) => (line.message > 0 ? Math.min(least, line.message) : least),
    recorder.messages.length,
  );
  const data: PageData = {
    nodes: plan.nodes + plan.spares,
    kinds,
    words: kinds.map((kind) => words[kind]),
    roleNames,
    messageNames,
    changeNames,
    outcomeNames,
    initial: states,
    initialLogs: logs,
    lines: shown.map(({ time, kind, node, a, b, c, message: of }): PageLine => [
      time,
      code.get(kind)!,
      node,
      a,
      b,
      c,
      of,
    ]),
    entries: numbers.all,
    notes: rest,
    messages: recorder.messages.slice(firstMessage).map((one) => fieldsOf(one!)),
    firstMessage,
    fates: [...recorder.fates].filter(([of]) => of >= firstMessage).map(([of, fate]) => [of, fateNames.indexOf(fate)]),
    cone: coneRuns(inCone.subarray(from)),
    bars: barsOf(result.history, recorder.open, core, missedWords(result, recorder), result.simulatedMicros),
    readerLane,
    from,
    blamed: judged === null ? blamedOf(result) : [...new Set([judged.node, ...blamedOf(result)])],
    verdict,
    odds: odds === null ? null : { ...odds, points: odds.points.map((one) => ({ ...one, line: one.line - from })) },
  };
  const { law, reference } = lawWords(property);
  const name = property === "" ? "" : lawName(property);
  return filled(template, {
    title: `seed ${plan.seed}: ${verdict}${name === "" ? "" : ` (${name})`}`,
    verdict,
    heading: name === "" ? `seed ${plan.seed}` : `${name}: ${message}`,
    law:
      law === ""
        ? ""
        : element("p", { class: "law" }, element("b", {}, "The law: "), law, reference === "" ? "" : ` (${reference})`),
    setting: settingOf(result),
    again,
    story: joined(storyOf({ result, recorder, inCone, judged, core }).map((cause) => causeHtml(cause, recorder, from))),
    data: dataHtml(data),
  });
}

/** What the entry says that a stale answer has missed, or "". */
function missedWords({ message }: Result, recorder: Recorder): string {
  const said = / answered at revision (\d+), but (\d+) was committed/.exec(message);
  const key = judgedOf(recorder.open)?.operation.key;
  if (said === null || key === undefined) return "";
  const entry = missedEntry(new RunFacts(recorder), key, Number(said[1]), Number(said[2]));
  return entry === null ? "" : entryWords(entry);
}

function causeHtml({ line, text }: Cause, { lines }: Recorder, from: number): Html {
  if (line === null || line < from) return element("li", {}, text);
  const time = `${(lines[line]!.time / 1e6).toFixed(6)} s`;
  return element("li", {}, element("button", { type: "button", "data-line": line - from }, time), " ", text);
}

function counted(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

function settingOf({ plan }: Result): string {
  const on = faultFamilies.filter((family) => plan.faults[family] > 0);
  const spares = plan.spares === 0 ? "" : `, ${plan.spares} spare`;
  return `seed ${plan.seed}: ${counted(plan.nodes, "node")}${spares}, ${counted(plan.clients, "client")}, ${counted(plan.keys, "key")}, rows in ${plan.engines}; ${on.length === 0 ? "no faults" : `${on.length} kinds of faults`} enabled`;
}

/** What every node was and held before line `from`, and the notes after it. */
function before(
  { plan }: Result,
  { lines, notes }: Recorder,
  from: number,
  numbers: EntryNumbers,
): { states: NodeState[]; logs: NodeLog[]; rest: PageNote[] } {
  const count = plan.nodes + plan.spares;
  const states = Array.from({ length: count }, () => unstarted);
  const logs = Array.from({ length: count }, () => emptyLog);
  let next = 0;
  for (let k = 0; k < from; k++) {
    const line = lines[k]!;
    const state = clientKinds.has(line.kind) ? undefined : states[line.node - 1];
    if (state !== undefined) {
      states[line.node - 1] = after(state, line);
      logs[line.node - 1] = logAfter(logs[line.node - 1]!, line.kind);
    }
    for (; next < notes.length && notes[next]!.at <= k; next++) {
      const note = notes[next]!;
      logs[note.node - 1] = noted(logs[note.node - 1]!, pageNote(note, 0, numbers));
    }
  }
  return { states, logs, rest: notes.slice(next).map((note) => pageNote(note, from, numbers)) };
}

/** Runs of lines inside and outside, in turn, beginning outside. */
function coneRuns(flags: Uint8Array): number[] {
  const runs: number[] = [];
  let value = 0;
  let length = 0;
  for (const flag of flags) {
    if (flag !== value) {
      runs.push(length);
      value = flag;
      length = 0;
    }
    length += 1;
  }
  runs.push(length);
  return runs;
}
