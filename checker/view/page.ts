/** One self-contained page about one history: what contradicts what, or the order that explains it. Works offline. */
import type { History, Operation, Transaction } from "../history.ts";
import type { Verdict } from "../index.ts";
import type { Times } from "../times.ts";
import { label } from "../words.ts";
import { pageScript } from "./page-script.ts";
import { windowOf } from "./window.ts";

type Any = Operation | Transaction;

const style = `
:root { color-scheme: light dark; --ink: #1c1c22; --paper: #fdfdfb; --rule: #d8d8d2; --bar: #cfe0f3; --core: #f7d488; --bad: #f2a6a0; --line: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e4; --paper: #17181b; --rule: #34363b; --bar: #2b4a6b; --core: #7a5a12; --bad: #7d2a25; --line: #ff8a80; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 1.5rem; max-width: 1500px; }
h1 { font-size: 1.25rem; } h2 { font-size: 1rem; margin-bottom: .3rem; }
.verdict { font-weight: 700; text-transform: uppercase; letter-spacing: .04em; }
.chart { display: flex; border: 1px solid var(--rule); border-radius: 6px; } #names { flex: none; } .scroll { overflow-x: auto; flex: 1; min-width: 0; }
.controls { display: flex; gap: 1.2rem; flex-wrap: wrap; margin: .6rem 0; align-items: center; }
svg text { font: 12px ui-monospace, monospace; fill: var(--ink); } svg .client { font-weight: 600; } svg .rule { stroke: var(--rule); }
.bar rect { fill: var(--bar); stroke: var(--ink); stroke-opacity: .35; } .bar.core rect { fill: var(--core); } .bar.stuck rect { fill: var(--bad); stroke: var(--line); stroke-opacity: 1; }
.bar.unknown rect { stroke-dasharray: 4 3; } .bar.faded { opacity: .15; } .bar { cursor: pointer; outline: none; }
.bar.chosen rect, .bar:focus rect { stroke-width: 2.5; stroke-opacity: 1; }
.point { stroke: var(--line); stroke-width: 2; }
#detail { min-height: 1.5em; font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
ol, ul { font-family: ui-monospace, monospace; font-size: 13px; max-height: 22rem; overflow: auto; overflow-wrap: anywhere; } li.stuck { color: var(--line); font-weight: 700; } li.here { font-weight: 700; }
`;

const keysMax = 500;

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** JSON that cannot end the script element it stands in. */
function embedded(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}

function headline(verdict: Verdict): string {
  if (verdict.verdict === "illegal") return verdict.sentence;
  if (verdict.verdict === "unknown") return `key ${verdict.key}: ${verdict.reason}`;
  return "an order of the operations explains every answer";
}

function keysOf(history: History, shown: string): { name: string; count: number; isShown: boolean }[] {
  const counts = new Map<string, number>();
  for (const operation of history) {
    const name = operation.op === "txn" ? operation.value.map(([, key]) => key).join(", ") : operation.key;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const all = [...counts].map(([name, count]) => ({ name, count, isShown: name === shown }));
  return [...all.filter(({ isShown }) => isShown), ...all.filter(({ isShown }) => !isShown)].slice(0, keysMax);
}

/** The page's HTML. `title`: where the history came from. */
export function page(title: string, history: History, verdict: Verdict, times: Times): string {
  const { key, operations, total, core, order, states, stuck } = windowOf(history, verdict);
  const place = new Map(operations.map((operation, k) => [operation, k]));
  const say = (operation: Any): string => {
    const end = operation.return === null ? "no answer" : times.at(operation.return);
    const revision = operation.revision === undefined ? "" : `, revision ${operation.revision}`;
    return `client ${operation.client}: ${label(operation)} (${times.at(operation.call)} .. ${end}, ${operation.outcome}${revision})`;
  };
  const stuckOnes = new Set(stuck);
  const roleOf = (operation: Any): string => {
    if (verdict.verdict === "illegal" && stuckOnes.has(operation)) return "stuck";
    return core.has(operation) ? "core" : "plain";
  };
  const data = {
    operations: operations.map((operation) => ({
      client: operation.client,
      call: operation.call,
      end: operation.return,
      label: label(operation),
      title: say(operation),
      role: roleOf(operation),
    })),
    order: order.map((operation, k) => {
      const state = k < states.length ? ` -> ${states[k] ?? "nothing"}` : "";
      const at = place.get(operation) ?? null;
      return { operation: at, point: at, text: `${say(operation)}${state}` };
    }),
    stuck: stuck.map((operation) => `${say(operation)} fits nowhere here`),
    keys: keysOf(history, key),
  };
  const shown =
    operations.length < total ? `${operations.length} of its ${total} operations are shown` : `all ${total} operations`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(`${verdict.verdict}: ${title}`)}</title><style>${style}</style></head>
<body>
<h1><span class="verdict">${verdict.verdict}</span> ${escaped(title)}</h1>
<p id="sentence">${escaped(headline(verdict))}</p>
<h2>Key ${escaped(key)}: ${shown}</h2>
<div class="controls"><label><input type="checkbox" id="warp" checked> moments in order, not to scale</label>
<label>zoom <input type="range" id="zoom" min="1" max="20" step="0.5" value="1"></label>
<label>search <input type="search" id="search"></label></div>
<div class="chart"><svg id="names" width="100" aria-hidden="true"></svg><div class="scroll"><svg id="chart" role="group" aria-label="operations by client"></svg></div></div>
<p id="detail" aria-live="polite">Choose an operation to read it whole. Yellow ones contradict each other; a dashed one has no answer.</p>
<h2>${verdict.verdict === "ok" ? "An order, and what the key holds after each" : "The longest order of those that contradict each other, and what the key holds after each"}</h2>
<ol id="order"></ol>
<h2>Keys</h2>
<ul id="keys"></ul>
<script type="application/json" id="data">${embedded(data)}</script>
<script>${pageScript}</script>
</body></html>
`;
}
