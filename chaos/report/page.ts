/** One page about one run: answers and latency over time, with the faults as shaded bands. Works offline. */
import { element, filled, type Html, joined } from "../../checker/view/html.ts";
import type { Outcome } from "../run.ts";
import { figuresOf } from "./figures.ts";
import { template } from "./page-template.js";

const width = 1200;
const chartHeight = 140;
const laneHeight = 16;
const left = 110;
/** Of each kind the page shows so many findings; findings.txt has all. */
const findingsMax = 3;

type Scale = (second: number) => string;

function line(values: readonly number[], most: number, top: number, name: string, x: Scale): Html {
  const y = (value: number): string => (top + chartHeight * (1 - value / most)).toFixed(1);
  return element("polyline", {
    class: name,
    points: values.map((value, second) => `${x(second)},${y(value)}`).join(" "),
  });
}

function axis(top: number, words: string, most: number): Html {
  const bottom = top + chartHeight;
  return joined([
    element("text", { x: 0, y: top + 10 }, String(Math.round(most))),
    element("text", { x: left + 4, y: top + 10 }, words),
    element("line", { class: "rule", x1: left, x2: width, y1: bottom, y2: bottom }),
  ]);
}

function findingLine(text: string): Html {
  return element("p", { class: "finding" }, text);
}

function findingLines(findings: Outcome["findings"]): Html[] {
  const kinds = [...new Set(findings.map(({ kind }) => kind))];
  return kinds.flatMap((kind) => {
    const all = findings.filter((one) => one.kind === kind);
    const shown = all.slice(0, findingsMax);
    const lines = shown.map(({ atMs, text }) => findingLine(`${(atMs / 1000).toFixed(1)} s, ${kind}: ${text}`));
    const more = all.length - shown.length;
    return more === 0 ? lines : [...lines, findingLine(`and ${more} more of this kind, in findings.txt`)];
  });
}

function wordsOf({ what, from, to }: Outcome["nemesis"]["bands"][number]): string {
  const end = to === null ? "the end" : `${(to / 1e6).toFixed(1)} s`;
  return `${what}, ${(from / 1e6).toFixed(1)} s to ${end}`;
}

/** Faults as bands, and below them answers and latency over time. */
function chart({ recorder, nemesis }: Outcome): Html {
  const { seconds } = recorder;
  const length = Math.max(1, seconds.length);
  const x: Scale = (second) => (left + ((width - left) * second) / length).toFixed(1);
  const names = [...new Set(nemesis.bands.map(({ family }) => family))];
  const mostRate = Math.max(1, ...seconds.map(({ ok, refused, unknown }) => Math.max(ok, refused, unknown)));
  const mostMs = Math.max(1, ...seconds.map(({ latencyMaxMs }) => latencyMaxMs));
  const [rateTop, latencyTop] = [names.length * laneHeight + 20, names.length * laneHeight + chartHeight + 50];
  const height = latencyTop + chartHeight + 30;
  const bands = nemesis.bands.map((band) => {
    const { family, from, to } = band;
    const [start, end] = [Number(x(from / 1e6)), Number(x(Math.min(length, (to ?? length * 1e6) / 1e6)))];
    const box = { x: start, width: Math.max(1, end - start).toFixed(1) };
    const lane = names.indexOf(family) * laneHeight;
    return element(
      "g",
      {},
      element("title", {}, wordsOf(band)),
      element("rect", { class: "band", ...box, y: lane, height: laneHeight - 3 }),
      element("rect", { class: "shade", ...box, y: rateTop, height: height - rateTop - 20 }),
    );
  });
  const rate = (name: "ok" | "refused" | "unknown", style: string): Html => {
    const values = seconds.map((second) => second[name]);
    return line(values, mostRate, rateTop, style, x);
  };
  const means = seconds.map(({ ok, latencySumMs }) => (ok === 0 ? 0 : latencySumMs / ok));
  const longest = seconds.map(({ latencyMaxMs }) => latencyMaxMs);
  return element(
    "svg",
    {
      viewBox: `0 0 ${width} ${height}`,
      role: "img",
      "aria-label": "answers and latency over time, with faults as bands",
    },
    ...names.map((name, k) => element("text", { x: 0, y: k * laneHeight + 11 }, name)),
    ...bands,
    axis(rateTop, "answers a second: green answered, amber certainly not done, red unknown", mostRate),
    rate("ok", "ok"),
    rate("refused", "late"),
    rate("unknown", "bad"),
    axis(latencyTop, "latency in ms: green mean, amber longest", mostMs),
    line(means, mostMs, latencyTop, "ok", x),
    line(longest, mostMs, latencyTop, "late", x),
    element("text", { x: left, y: height - 8 }, "0 s"),
    element("text", { x: width - 60, y: height - 8 }, `${length} s`),
  );
}

function contradiction(): Html {
  return joined([
    element("h2", {}, "The contradiction"),
    element("iframe", { src: "contradiction.html", title: "the contradiction" }),
  ]);
}

/** What came of the run, in a word or two. A contradiction is a finding too. */
export function headingOf(findings: Outcome["findings"], verdict: Outcome["verdict"]["verdict"]): string {
  if (findings.length > 0) return "Found";
  return verdict === "ok" ? "Nothing found" : "Not decided";
}

/** The page's HTML. `command`: the line that runs it again. */
export function chaosPage(outcome: Outcome, title: string, command: string): string {
  const { findings, verdict } = outcome;
  return filled(template, {
    title,
    found: headingOf(findings, verdict.verdict),
    findings: joined(findingLines(findings)),
    figures: [...figuresOf(outcome), command].join("\n"),
    chart: chart(outcome),
    contradiction: verdict.verdict === "ok" ? joined([]) : contradiction(),
  });
}
