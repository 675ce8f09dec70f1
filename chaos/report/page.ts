/** One page about one run: answers and latency over time, with the faults as shaded bands. Works offline. */
import type { Outcome } from "../run.ts";
import { figuresOf } from "./figures.ts";

const width = 1200;
const chartHeight = 140;
const laneHeight = 16;
const left = 110;
/** Of each kind the page shows so many findings; findings.txt has all. */
const findingsMax = 3;

const style = `
:root { color-scheme: light dark; --ink: #1c1c22; --paper: #fdfdfb; --rule: #d8d8d2; --ok: #2f7d4f; --bad: #b3261e; --late: #a66f00; --bar: #cfe0f3; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e4; --paper: #17181b; --rule: #34363b; --ok: #7fd09a; --bad: #ff8a80; --late: #f0c060; --bar: #2b4a6b; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 1.5rem; max-width: 1300px; }
h1 { font-size: 1.25rem; } h2 { font-size: 1rem; margin-bottom: .3rem; } pre { overflow-x: auto; }
svg text { font: 11px ui-monospace, monospace; fill: var(--ink); } .band { fill: var(--bar); } .shade { fill: var(--bar); opacity: .35; }
.ok { stroke: var(--ok); } .bad { stroke: var(--bad); } .late { stroke: var(--late); } polyline { fill: none; stroke-width: 1.5; } .rule { stroke: var(--rule); }
.finding { color: var(--bad); } iframe { width: 100%; height: 800px; border: 1px solid var(--rule); }
`;

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

type Scale = (second: number) => string;

function line(values: readonly number[], most: number, top: number, name: string, x: Scale): string {
  const y = (value: number): string => (top + chartHeight * (1 - value / most)).toFixed(1);
  const points = values.map((value, second) => `${x(second)},${y(value)}`).join(" ");
  return `<polyline class="${name}" points="${points}"/>`;
}

function axis(top: number, words: string, most: number): string {
  return `<text x="0" y="${top + 10}">${Math.round(most)}</text><text x="${left + 4}" y="${top + 10}">${escaped(words)}</text>
<line class="rule" x1="${left}" x2="${width}" y1="${top + chartHeight}" y2="${top + chartHeight}"/>`;
}

function findingLines(findings: Outcome["findings"]): string[] {
  const kinds = [...new Set(findings.map(({ kind }) => kind))];
  return kinds.flatMap((kind) => {
    const all = findings.filter((one) => one.kind === kind);
    const shown = all.slice(0, findingsMax).map(({ atMs, text }) => {
      return `<p class="finding">${(atMs / 1000).toFixed(1)} s, ${escaped(kind)}: ${escaped(text)}</p>`;
    });
    const more = all.length - shown.length;
    return more === 0 ? shown : [...shown, `<p class="finding">and ${more} more of this kind, in findings.txt</p>`];
  });
}

/** The page's HTML. `command`: the line that runs it again. */
export function chaosPage(outcome: Outcome, title: string, command: string): string {
  const { recorder, nemesis, findings, verdict } = outcome;
  const { seconds } = recorder;
  const length = Math.max(1, seconds.length);
  const x: Scale = (second) => (left + ((width - left) * second) / length).toFixed(1);
  const names = [...new Set(nemesis.bands.map(({ family }) => family))];
  const mostRate = Math.max(1, ...seconds.map(({ ok, refused, unknown }) => Math.max(ok, refused, unknown)));
  const mostMs = Math.max(1, ...seconds.map(({ latencyMaxMs }) => latencyMaxMs));
  const [rateTop, latencyTop] = [names.length * laneHeight + 20, names.length * laneHeight + chartHeight + 50];
  const height = latencyTop + chartHeight + 30;
  const bands = nemesis.bands.map(({ family, what, from, to }) => {
    const [start, end] = [Number(x(from / 1e6)), Number(x(Math.min(length, (to ?? length * 1e6) / 1e6)))];
    const box = `x="${start}" width="${Math.max(1, end - start).toFixed(1)}"`;
    const lane = names.indexOf(family) * laneHeight;
    return `<g><title>${escaped(`${what}, ${(from / 1e6).toFixed(1)} s to ${to === null ? "the end" : `${(to / 1e6).toFixed(1)} s`}`)}</title>
<rect class="band" ${box} y="${lane}" height="${laneHeight - 3}"/><rect class="shade" ${box} y="${rateTop}" height="${height - rateTop - 20}"/></g>`;
  });
  const isGood = findings.length === 0 && verdict.verdict === "ok";
  const average = seconds.map(({ ok, latencySumMs }) => (ok === 0 ? 0 : latencySumMs / ok));
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title><style>${style}</style></head><body>
<h1>${isGood ? "Nothing found" : "Found"}: ${escaped(title)}</h1>
${findingLines(findings).join("\n")}
<pre>${figuresOf(outcome).map(escaped).join("\n")}\n${escaped(command)}</pre>
<h2>Faults, answers a second, latency</h2>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="answers and latency over time, with faults as bands">
${names.map((name, k) => `<text x="0" y="${k * laneHeight + 11}">${escaped(name)}</text>`).join("")}
${bands.join("\n")}
${axis(rateTop, "answers a second: green answered, amber certainly not done, red unknown", mostRate)}
${(["ok", "refused", "unknown"] as const)
  .map((name, k) =>
    line(
      seconds.map((second) => second[name]),
      mostRate,
      rateTop,
      ["ok", "late", "bad"][k]!,
      x,
    ),
  )
  .join("")}
${axis(latencyTop, "latency in ms: green mean, amber longest", mostMs)}
${line(average, mostMs, latencyTop, "ok", x)}${line(
    seconds.map(({ latencyMaxMs }) => latencyMaxMs),
    mostMs,
    latencyTop,
    "late",
    x,
  )}
<text x="${left}" y="${height - 8}">0 s</text><text x="${width - 60}" y="${height - 8}">${length} s</text>
</svg>
${verdict.verdict === "ok" ? "" : '<h2>The contradiction</h2><iframe src="contradiction.html" title="the contradiction"></iframe>'}
</body></html>
`;
}
