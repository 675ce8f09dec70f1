/** The script of the page about a run. Text of the run is only ever set as text. */
import type { PageBar, PageData } from "../../sim/report/page-data.ts";
import { after, clientKinds, type NodeState, stops } from "../../sim/report/states.ts";
import type { TraceKind } from "../../sim/trace/vocabulary.ts";
import { find, html, pageData, svg } from "../dom.ts";

/** The part of the run that the chart shows, and where times and nodes are in it. */
type View = {
  readonly begin: number;
  readonly end: number;
  /** The lines of that time: from the first one to the last one, exclusive. */
  readonly from: number;
  readonly to: number;
  readonly width: number;
  readonly height: number;
  readonly x: (time: number) => number;
};

const left = 70;
const laneHeight = 34;
const top = 18;
const elementsMax = 3000;
const messagesMax = 800;
const linesAround = 8;
/** How many lines apart states are kept. */
const keptEvery = 1000;
const leaderRole = 3;
const marks: ReadonlySet<TraceKind> = new Set([...stops, "logDamaged"]);
const fields = ["life", "role", "term", "leader", "commit", "applied", "durable", "snapshot"] as const;

const data = pageData() as PageData;
const { lines, nodes, bars } = data;
const clients = [...new Set(bars.map((bar) => bar.client))].toSorted((a, b) => a - b);
const chart = find("#chart", SVGSVGElement);
const slider = find("#at", HTMLInputElement);
const spanSelect = find("#span", HTMLSelectElement);
const onlyCone = find("#only", HTMLInputElement);

/** The line that is shown. */
let at = lines.length - 1;

const inCone = coneFlags();
const kept = keptStates();

function coneFlags(): Uint8Array {
  const flags = new Uint8Array(lines.length);
  let k = 0;
  for (const [turn, run] of data.cone.entries()) {
    flags.fill(turn % 2, k, k + run);
    k += run;
  }
  return flags;
}

function kindOf(k: number): TraceKind {
  return data.kinds[lines[k]![1]]!;
}

function wordsOf(k: number): string {
  const [, kind, node, a, b, c] = lines[k]!;
  return data.words[kind]!.replace("{n}", String(node))
    .replace("{m}", data.messageNames[c] ?? "")
    .replace("{r}", data.roleNames[a] ?? "")
    .replace("{o}", data.changeNames[a] ?? "")
    .replace("{w}", data.outcomeNames[b] ?? "")
    .replace("{y}", b === 1 ? "done" : "not done")
    .replace("{t}", b === 0 ? "" : ` term ${b}`)
    .replace("{l}", c === 0 ? "no leader" : `leader n${c}`)
    .replace("{a}", String(a))
    .replace("{b}", String(b))
    .replace("{c}", String(c));
}

function seconds(micros: number): string {
  return `${(micros / 1e6).toFixed(6)} s`;
}

// --- states

/** Takes line k into `states`. Returns the node's state before, or null where the line is of no node. */
function step(states: NodeState[], k: number): NodeState | null {
  const [, , node, a, b, c] = lines[k]!;
  const kind = kindOf(k);
  const before = states[node - 1];
  if (clientKinds.has(kind) || before === undefined) return null;
  states[node - 1] = after(before, { kind, a, b, c });
  return before;
}

/** The states before every thousandth line. */
function keptStates(): readonly (readonly NodeState[])[] {
  const found: NodeState[][] = [];
  const states = [...data.initial];
  for (let k = 0; k < lines.length; k++) {
    if (k % keptEvery === 0) found.push([...states]);
    step(states, k);
  }
  return found;
}

/** The states after line k, and which state that line changed: of which node, and what it was. */
function statesAt(k: number): { states: NodeState[]; before: NodeState | null; changed: number } {
  const from = Math.floor(k / keptEvery);
  const states = [...kept[from]!];
  let before: NodeState | null = null;
  for (let i = from * keptEvery; i <= k; i++) before = step(states, i);
  return { states, before, changed: before === null ? 0 : lines[k]![2] };
}

// --- the chart

function view(): View {
  const span = Number(spanSelect.value);
  const [first, last] = [lines[0]![0], lines.at(-1)![0]];
  const now = lines[at]![0];
  const begin = span === 0 ? first : Math.max(first, Math.min(now - span / 2, last - span));
  const end = span === 0 ? last : Math.min(last, begin + span);
  const width = chart.clientWidth === 0 ? 1200 : chart.clientWidth;
  const height = top + (nodes + clients.length) * laneHeight + 30;
  const x = (time: number): number =>
    left + ((Math.min(end, Math.max(begin, time)) - begin) / Math.max(1, end - begin)) * (width - left - 20);
  return { begin, end, from: firstAt(begin), to: Math.min(lines.length, firstAt(end + 1)), width, height, x };
}

/** The first line at or after `time`. */
function firstAt(time: number): number {
  let [low, high] = [0, lines.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (lines[middle]![0] < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The middle of the node's lane. */
function y(node: number): number {
  return top + (node - 1) * laneHeight + 10;
}

/** `element` with a text that shows when it is pointed at. */
function titled<Kind extends SVGElement>(element: Kind, text: string): Kind {
  element.append(svg("title", {}, text));
  return element;
}

function draw(): void {
  const shown = view();
  const { begin, end, width, height, x } = shown;
  chart.setAttribute("viewBox", `0 0 ${width} ${height}`);
  chart.setAttribute("height", String(height));
  chart.replaceChildren();
  for (let node = 1; node <= nodes; node++) chart.append(svg("text", { x: 8, y: y(node) + 5 }, `n${node}`));
  drawLives(shown);
  drawMessages(shown);
  drawFaults(shown);
  for (const [row, client] of clients.entries()) drawClient(shown, client, y(nodes + row + 1));
  const now = x(lines[at]![0]);
  chart.append(
    svg("line", { x1: now, x2: now, y1: 4, y2: height - 24, class: "now" }),
    svg("text", { x: left, y: height - 6 }, seconds(begin)),
    svg("text", { x: width - 110, y: height - 6 }, seconds(end)),
  );
}

function classOf(state: NodeState): string {
  if (state.life === "paused") return "paused";
  if (state.life !== "runs") return "down";
  return state.role === leaderRole ? "leads" : state.role > 0 ? "stands" : "runs";
}

/** Each node's life, role and term. */
function drawLives({ begin, end, from, to, x }: View): void {
  const states = from === 0 ? [...data.initial] : statesAt(from - 1).states;
  const since = states.map(() => begin);
  for (let k = from; k < to; k++) {
    const [time, , node] = lines[k]!;
    const before = step(states, k);
    if (before === null) continue;
    const next = states[node - 1]!;
    if (classOf(next) === classOf(before) && next.term === before.term && next.life === before.life) continue;
    drawLife(node, before, x(since[node - 1]!), x(time));
    since[node - 1] = time;
  }
  for (const [k, state] of states.entries()) drawLife(k + 1, state, x(since[k]!), x(end));
}

function drawLife(node: number, state: NodeState, from: number, to: number): void {
  if (state.life === "never started" || to <= from) return;
  const box = { x: from, y: y(node) - 7, width: Math.max(1, to - from), height: 14 };
  const text = `n${node} ${state.life}, ${data.roleNames[state.role]}, term ${state.term}`;
  chart.append(titled(svg("rect", { ...box, class: `life ${classOf(state)}` }), text));
  if (state.role === leaderRole && to - from > 50)
    chart.append(svg("text", { x: from + 4, y: y(node) + 4 }, `term ${state.term}`));
}

function drawMessages({ from, to, width, height, x }: View): void {
  const sentAt = new Map<number, number>();
  const received: [message: number, k: number][] = [];
  for (let k = from; k < to; k++) {
    const message = lines[k]![6];
    if (kindOf(k) === "send") sentAt.set(message, k);
    else if (kindOf(k) === "receive" && (!onlyCone.checked || inCone[k] === 1)) received.push([message, k]);
  }
  if (received.length > messagesMax) {
    const text = `${received.length} messages: narrow the window to see them`;
    chart.append(svg("text", { x: width / 2 - 160, y: height - 6 }, text));
    return;
  }
  for (const [message, k] of received) {
    const sent = sentAt.get(message);
    if (sent === undefined) continue;
    const [[sentTime, , sender], [time, , receiver]] = [lines[sent]!, lines[k]!];
    const ends = { x1: x(sentTime), y1: y(sender), x2: x(time), y2: y(receiver) };
    const line = svg("line", { ...ends, class: inCone[k] === 1 ? "message cone" : "message" });
    chart.append(titled(line, `${wordsOf(sent)}, ${seconds(sentTime)}`));
  }
}

/** Cut links, and what befalls nodes. */
function drawFaults({ from, to, x }: View): void {
  let drawn = 0;
  for (let k = from; k < to && drawn < elementsMax; k++) {
    const [time, , node, a, b] = lines[k]!;
    const kind = kindOf(k);
    if (kind === "block" || kind === "clog") {
      const beside = y(node) + 10 + a;
      const ends = { x1: x(time), x2: Math.max(x(time) + 1, x(time + b)), y1: beside, y2: beside };
      chart.append(titled(svg("line", { ...ends, class: "cut" }), wordsOf(k)));
    } else if (marks.has(kind)) {
      const [x1, x2, y1, y2] = [x(time) - 5, x(time) + 5, y(node) - 8, y(node) + 8];
      const cross = svg("g", { class: "mark" });
      cross.append(svg("line", { x1, x2, y1, y2 }), svg("line", { x1, x2, y1: y2, y2: y1 }));
      chart.append(titled(cross, wordsOf(k)));
    } else continue;
    drawn += 1;
  }
}

function drawClient({ begin, end, x }: View, client: number, middle: number): void {
  const name = client === data.readerLane ? "reader" : `client ${client}`;
  chart.append(svg("text", { x: 8, y: middle + 5 }, name));
  for (const one of bars) {
    if (one.client !== client || one.end < begin || one.call > end) continue;
    drawOperation(one, x(one.call), x(one.end), middle);
  }
}

function drawOperation({ label, role, point }: PageBar, from: number, to: number, middle: number): void {
  const box = { x: from, y: middle - 8, width: Math.max(2, to - from), height: 16 };
  const text = point === null ? label : `${label}, number ${point} in the order`;
  chart.append(titled(svg("rect", { ...box, class: `op ${role}` }), text));
  const room = Math.floor((to - from) / 7.4);
  const short = point === null ? label : `${point}: ${label}`;
  if (room > 6) chart.append(svg("text", { x: from + 3, y: middle + 4 }, short.slice(0, room)));
}

// --- the tables

function tell(): void {
  const { states, before, changed } = statesAt(at);
  find("#when", HTMLOutputElement).textContent =
    `${seconds(lines[at]![0])}, event ${data.from + at + 1} of ${data.from + lines.length}`;
  const rows = states.map((state, k) => rowOf(k + 1, state, k + 1 === changed ? before : null));
  find("#states tbody", HTMLTableSectionElement).replaceChildren(...rows);
  const items: HTMLElement[] = [];
  for (let k = Math.max(0, at - linesAround); k <= Math.min(lines.length - 1, at + linesAround); k++) {
    const classes = [...(k === at ? ["here"] : []), ...(inCone[k] === 1 ? ["cone"] : [])];
    items.push(html("li", `${seconds(lines[k]![0])}  ${wordsOf(k)}`, classes.join(" ")));
  }
  find("#lines", HTMLOListElement).replaceChildren(...items);
}

/** `before`: what the state was, where the line that is shown has changed it. */
function rowOf(node: number, state: NodeState, before: NodeState | null): HTMLElement {
  const row = html("tr", "", before === null ? "" : "chosen");
  row.append(html("th", `n${node}`));
  for (const field of fields) {
    const role = state.life === "runs" ? data.roleNames[state.role]! : "";
    const isChanged = before !== null && before[field] !== state[field];
    row.append(html("td", field === "role" ? role : String(state[field]), isChanged ? "changed" : ""));
  }
  return row;
}

// --- moving

let isDrawn = true;

/** Shows line k; where only the cone is shown, the next one in it. */
function show(k: number): void {
  let next = Math.min(lines.length - 1, Math.max(0, k));
  const by = next >= at ? 1 : -1;
  while (onlyCone.checked && next > 0 && next < lines.length - 1 && inCone[next] !== 1) next += by;
  at = next;
  slider.value = String(at);
  if (!isDrawn) return;
  isDrawn = false;
  requestAnimationFrame(() => {
    isDrawn = true;
    tell();
    draw();
  });
}

function onKey(event: KeyboardEvent): void {
  if (event.target instanceof HTMLSelectElement || event.ctrlKey || event.metaKey || event.altKey) return;
  const by = event.shiftKey ? 100 : 1;
  if (event.key === "ArrowLeft") show(at - by);
  else if (event.key === "ArrowRight") show(at + by);
  else if (event.key === "Home") show(0);
  else if (event.key === "End") show(lines.length - 1);
  else if (event.key === "[" || event.key === "]") {
    const chosen = spanSelect.selectedIndex + (event.key === "]" ? 1 : -1);
    spanSelect.selectedIndex = Math.min(spanSelect.options.length - 1, Math.max(0, chosen));
    draw();
  } else return;
  event.preventDefault();
}

const heads = html("tr");
for (const name of ["node", ...fields]) heads.append(html("th", name));
find("#states thead", HTMLTableSectionElement).append(heads);
slider.max = String(lines.length - 1);
slider.addEventListener("input", () => show(Number(slider.value)));
spanSelect.addEventListener("change", draw);
onlyCone.addEventListener("change", () => show(at));
addEventListener("resize", draw);
addEventListener("keydown", onKey);
slider.value = String(at);
if (lines.length > 0) {
  tell();
  draw();
}
document.body.dataset["ready"] = "yes";
