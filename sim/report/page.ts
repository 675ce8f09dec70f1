/** One self-contained page about a run: who did what when, what each node was at any moment, and what led to the end. */
import { check, type Operation } from "../../checker/index.ts";
import { dataHtml, element, filled, joined } from "../../checker/view/html.ts";
import { lawName } from "../laws.ts";
import type { Result } from "../run.ts";
import type { Line } from "../trace/recorder.ts";
import { changeNames, messageNames, outcomeNames, roleNames, type TraceKind, words } from "../trace/vocabulary.ts";
import { readerLane } from "../workload/reader.ts";
import { coneOf } from "./cone.ts";
import type { PageBar, PageData, PageLine } from "./page-data.ts";
import { template } from "./page-template.js";
import { after, type NodeState, unstarted } from "./states.ts";
import { storyOf } from "./story.ts";

/** Of longer runs the last so many lines are shown, and operations: the page stays below 2 MB. */
const linesMax = 30_000;
const operationsMax = 2_000;

/** Where the end happened: the node that is named first, or any. */
function placesOf({ verdict, message, plan }: Result): number[] {
  if (verdict === "ok") return [];
  const named = verdict === "violation" ? /\bn(\d+)\b/.exec(message) : null;
  if (named !== null) return [Number(named[1])];
  return Array.from({ length: plan.nodes + plan.spares }, (_, k) => k + 1);
}

/** The last operations; of a wrong history its core is marked, of a right one the place of each in the order. */
function barsOf(history: readonly Operation[], until: number): PageBar[] {
  const judged = check(history, { configurationsMax: 200_000 });
  const core = new Set<unknown>(judged.verdict === "illegal" ? judged.core : []);
  const place = new Map<unknown, number>();
  if (judged.verdict === "ok")
    for (const order of judged.order.values()) for (const [k, one] of order.entries()) place.set(one, k + 1);
  // A client goes on after its patience, while what it asked stays open.
  const next = new Map<number, number>();
  const ends = new Map<unknown, number>();
  for (const one of history.toReversed()) {
    ends.set(one, one.return ?? next.get(one.client % 1_000) ?? until);
    next.set(one.client % 1_000, one.call);
  }
  return history.slice(-operationsMax).map((one) => {
    const value =
      one.value === null
        ? "nothing"
        : typeof one.value === "string"
          ? one.value.slice(0, 24)
          : one.value.join(" -> ").slice(0, 32);
    const kind = one.outcome === "unknown" ? " unknown" : one.outcome === "none" ? " none" : "";
    return {
      client: one.client % 1_000,
      call: one.call,
      end: ends.get(one)!,
      label: `${one.op} ${one.key} ${value}${one.outcome === "ok" ? "" : ` (${one.outcome})`}`,
      role: (core.has(one) ? "core" : "") + kind,
      point: place.get(one) ?? null,
    };
  });
}

/** `again`: what to type to see the run again. */
export function reportPage(result: Result, all: readonly Line[], again: string): string {
  const cone = coneOf(all, placesOf(result));
  const from = Math.max(0, all.length - linesMax);
  const states = new Map<number, NodeState>();
  const nodes = result.plan.nodes + result.plan.spares;
  for (let id = 1; id <= nodes; id++) states.set(id, unstarted);
  for (const line of all.slice(0, from)) {
    const state = states.get(line.node);
    if (state !== undefined) states.set(line.node, after(state, line));
  }
  const kinds = [...new Set(all.map(({ kind }) => kind))];
  const code = new Map<TraceKind, number>(kinds.map((kind, k) => [kind, k]));
  const data: PageData = {
    nodes,
    kinds,
    words: kinds.map((kind) => words[kind]),
    roleNames,
    messageNames,
    changeNames,
    outcomeNames,
    initial: [...states.values()],
    lines: all
      .slice(from)
      .map(({ time, kind, node, a, b, c, message }): PageLine => [time, code.get(kind)!, node, a, b, c, message]),
    cone: coneRuns(cone.subarray(from)),
    bars: barsOf(result.history, result.simulatedMicros),
    readerLane,
    from,
  };
  const { verdict, property, plan } = result;
  const title = `seed ${plan.seed}: ${verdict}${property === "" ? "" : ` (${lawName(property)})`}`;
  return filled(template, {
    title,
    verdict,
    heading: result.message === "" ? title : `${title}: ${result.message}`,
    again,
    story: joined(storyOf(result, all, cone).map((line) => element("li", {}, line))),
    data: dataHtml(data),
  });
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
