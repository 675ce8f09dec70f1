/** One self-contained page about a run: who did what when, what each node was at any moment, and what led to the end. */
import { check, type Operation } from "../../checker/index.ts";
import type { Result } from "../run.ts";
import { lawName } from "../safety/laws.ts";
import { changeNames, messageNames, outcomeNames, roleNames, type TraceKind, words } from "../trace/trace.ts";
import { readerLane } from "../workload/reader.ts";
import { coneOf } from "./cone.ts";
import { pageScript } from "./page-script.ts";
import type { Line } from "./record.ts";
import { after, type NodeState, unstarted } from "./states.ts";
import { storyOf } from "./story.ts";

/** Of longer runs the last so many lines are shown, and operations: the page stays below 2 MB. */
const linesMax = 30_000;
const operationsMax = 2_000;

const style = `
:root { color-scheme: light dark; --ink: #1c1c22; --paper: #fdfdfb; --rule: #d8d8d2; --run: #d9e8d5; --lead: #74b06a; --stand: #f3d58a; --down: #c9c9c9; --pause: #b9c7e4; --bad: #b3261e; --message: #7a8fb0; --cone: #d9771f; --op: #cfe0f3; --core: #f7a488; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e4; --paper: #17181b; --rule: #34363b; --run: #26402a; --lead: #3f7d3a; --stand: #7a6420; --down: #3a3a3a; --pause: #33415f; --bad: #ff8a80; --message: #6f86ad; --cone: #f0a04b; --op: #2b4a6b; --core: #8a3a25; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 1.5rem; max-width: 1500px; }
h1 { font-size: 1.25rem; } h2 { font-size: 1rem; margin-bottom: .3rem; }
.verdict { font-weight: 700; text-transform: uppercase; letter-spacing: .04em; }
.controls { display: flex; gap: 1rem; flex-wrap: wrap; margin: .6rem 0; align-items: center; } #at { flex: 1; min-width: 18rem; }
#chart { border: 1px solid var(--rule); border-radius: 6px; width: 100%; display: block; } svg text { font: 12px ui-monospace, monospace; fill: var(--ink); }
.life { stroke: none; } .runs { fill: var(--run); } .leads { fill: var(--lead); } .stands { fill: var(--stand); } .down { fill: var(--down); } .paused { fill: var(--pause); }
.message { stroke: var(--message); stroke-width: 1; } .message.cone { stroke: var(--cone); stroke-width: 2; } .lost { stroke-dasharray: 3 3; }
.mark { stroke: var(--bad); stroke-width: 2; } .cut { stroke: var(--bad); stroke-width: 3; } .now { stroke: var(--ink); stroke-dasharray: 4 3; }
.op { fill: var(--op); stroke: var(--ink); stroke-opacity: .3; } .op.unknown { stroke-dasharray: 4 3; } .op.core { fill: var(--core); stroke: var(--bad); stroke-opacity: 1; } .point { stroke: var(--bad); stroke-width: 2; }
table { border-collapse: collapse; font: 13px ui-monospace, monospace; } td, th { border: 1px solid var(--rule); padding: .15rem .5rem; text-align: right; } td.changed { background: var(--stand); font-weight: 700; } tr.chosen th { color: var(--cone); }
#lines { font: 13px/1.45 ui-monospace, monospace; list-style: none; padding: 0; overflow-wrap: anywhere; } #lines .here { font-weight: 700; } #lines .cone { color: var(--cone); }
code { overflow-wrap: anywhere; } a.skip { position: absolute; left: -99rem; } a.skip:focus { left: 1rem; }
`;

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** JSON that cannot end the script element it stands in. */
function embedded(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}

/** Where the end happened: the node that is named first, or any. */
function placesOf({ verdict, message, plan }: Result): number[] {
  if (verdict === "ok") return [];
  const named = verdict === "violation" ? /\bn(\d+)\b/.exec(message) : null;
  if (named !== null) return [Number(named[1])];
  return Array.from({ length: plan.nodes + plan.spares }, (_, k) => k + 1);
}

type Bar = { client: number; call: number; end: number; label: string; role: string; point: number | null };

/** The last operations; of a wrong history its core is marked, of a right one the place of each in the order. */
function barsOf(history: readonly Operation[], until: number): Bar[] {
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
  const data = {
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
      .map(({ time, kind, node, a, b, c, message }) => [time, code.get(kind), node, a, b, c, message]),
    cone: coneRuns(cone.subarray(from)),
    bars: barsOf(result.history, result.simulatedMicros),
    readerLane,
    from,
  };
  const { verdict, property, plan } = result;
  const title = `seed ${plan.seed}: ${verdict}${property === "" ? "" : ` (${lawName(property)})`}`;
  const story = storyOf(result, all, cone).map((line) => `<li>${escaped(line)}</li>`);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title><style>${style}</style></head>
<body><a class="skip" href="#at">to the moment shown</a>
<h1><span class="verdict">${verdict}</span> ${escaped(result.message === "" ? title : `${title}: ${result.message}`)}</h1>
<p>To see it again: <code id="again">${escaped(again)}</code></p>
<h2>The story</h2><ol id="story">${story.join("")}</ol>
<h2>Who did what</h2>
<div class="controls"><label for="at">moment</label><input id="at" type="range" min="0" max="1" value="1" step="1">
<output id="when"></output><label>window <select id="span"><option value="20000">20 ms</option><option value="100000">100 ms</option><option value="1000000" selected>1 s</option><option value="5000000">5 s</option><option value="0">all</option></select></label>
<label><input id="only" type="checkbox"> only what can have led to the end</label></div>
<p>Arrow keys: one event back or on; with shift, a hundred. <kbd>Home</kbd> and <kbd>End</kbd>: the first and the last. <kbd>[</kbd> and <kbd>]</kbd>: a narrower or wider window.</p>
<svg id="chart" role="img" aria-label="nodes over time"></svg>
<h2>Each node, then</h2><table id="states"><thead></thead><tbody></tbody></table>
<h2>Around that moment</h2><ol id="lines"></ol>
<script type="application/json" id="data">${embedded(data)}</script><script>${pageScript}</script></body></html>
`;
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
