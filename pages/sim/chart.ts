/** The run as lanes on the axis of events: lives, messages, faults, and what clients asked. */
import type { PageBar } from "../../sim/report/page-data.ts";
import { after, clientKinds, type NodeState, standingOf } from "../../sim/report/states.ts";
import { find, svg } from "../dom.ts";
import { faultKinds, folds, lineAtPlace, placeOf, placeOfTime } from "./axis.ts";
import {
  contentOf,
  data,
  fateAt,
  hasArrived,
  inCone,
  kindOf,
  lines,
  momentAt,
  nodes,
  seconds,
  sendOf,
  timeOf,
  wordsOf,
} from "./moments.ts";

/** The part of the run that the chart shows, and where lines and lanes are in it. */
type View = {
  readonly from: number;
  readonly to: number;
  readonly width: number;
  readonly height: number;
  /** Of a place on the axis. */
  readonly x: (place: number) => number;
  /** The middle of a node's or a client's lane; -1: it is not shown. */
  readonly y: (lane: string) => number;
};
type Choice = {
  readonly at: number;
  readonly room: number;
  readonly isAllLanes: boolean;
  readonly isOnlyCone: boolean;
};

const laneLeft = 74;
const laneHeight = 38;
const laneTop = 26;
const elementsMax = 3000;
const messagesMax = 900;

export const chart = find("#chart", SVGSVGElement);
const isPassed = data.verdict === "ok";
const partNodes = nodesWithPart();
const partClients = [...new Set(data.bars.filter(({ red }) => red !== "").map(({ client }) => client))];
const allClients = [...new Set(data.bars.map(({ client }) => client))].toSorted((a, b) => a - b);

function nodesWithPart(): Set<number> {
  const found = new Set(data.blamed);
  for (const [k, [, , node, a]] of lines.entries())
    if (inCone[k] === 1 && kindOf(k) !== "call") {
      found.add(node);
      if (kindOf(k) === "receive") found.add(a);
    }
  return found;
}

/** The nodes that are drawn; those without a part only where all are asked for. */
export function shownNodes(isAllLanes: boolean): number[] {
  const all = Array.from({ length: nodes }, (_, k) => k + 1);
  return isAllLanes || isPassed ? all : all.filter((node) => partNodes.has(node));
}

function shownClients(isAllLanes: boolean): number[] {
  return isAllLanes || isPassed ? allClients : allClients.filter((client) => partClients.includes(client));
}

function viewOf({ at, room, isAllLanes }: Choice): View {
  const [first, last] = [placeOf(0), placeOf(lines.length - 1)];
  const begin = room === 0 ? first : Math.max(first, Math.min(placeOf(at) - room * 0.6, last - room));
  const end = room === 0 ? last : Math.min(last, begin + room);
  const width = chart.clientWidth === 0 ? 1200 : chart.clientWidth;
  const lanes = [...shownNodes(isAllLanes).map((node) => `n${node}`), ...shownClients(isAllLanes).map(clientName)];
  const x = (place: number): number =>
    laneLeft + ((Math.min(end, Math.max(begin, place)) - begin) / Math.max(1, end - begin)) * (width - laneLeft - 14);
  const y = (lane: string): number => {
    const k = lanes.indexOf(lane);
    return k === -1 ? -1 : laneTop + k * laneHeight + 10;
  };
  const height = laneTop + lanes.length * laneHeight + 22;
  return { from: lineAtPlace(begin), to: lineAtPlace(end), width, height, x, y };
}

function clientName(client: number): string {
  return client === data.readerLane ? "reader" : `client ${client}`;
}

/** `element` with a text that shows when it is pointed at, which leads to line k when it is clicked. */
function told<Kind extends SVGElement>(element: Kind, text: string, k: number): Kind {
  element.append(svg("title", {}, text));
  element.dataset["line"] = String(k);
  return element;
}

let shownView: View | null = null;

export function drawChart(choice: Choice): void {
  const view = viewOf(choice);
  shownView = view;
  chart.setAttribute("viewBox", `0 0 ${view.width} ${view.height}`);
  chart.setAttribute("height", String(view.height));
  chart.replaceChildren(arrowHeads());
  drawFolds(view);
  for (const node of shownNodes(choice.isAllLanes))
    chart.append(
      svg(
        "text",
        { x: 8, y: view.y(`n${node}`) + 5, ...(data.blamed.includes(node) ? { class: "blamed" } : {}) },
        `n${node}`,
      ),
    );
  drawLives(view);
  drawMessages(view, choice.isOnlyCone);
  drawFaults(view);
  for (const client of shownClients(choice.isAllLanes)) drawClient(view, client);
  const now = view.x(placeOf(choice.at));
  chart.append(
    svg("line", { x1: now, x2: now, y1: 4, y2: view.height - 16, class: "now" }),
    svg("text", { x: laneLeft, y: view.height - 4, class: "muted" }, seconds(timeOf(view.from))),
    svg("text", { x: view.width - 8, y: view.height - 4, class: "muted end" }, seconds(timeOf(view.to))),
  );
}

/** The line that is nearest to a point of the chart. */
export function lineAtX(clientX: number): number {
  if (shownView === null) return 0;
  const { from, to, width, x } = shownView;
  const box = chart.getBoundingClientRect();
  const wanted = ((clientX - box.left) / box.width) * width;
  let best = from;
  for (let k = from; k <= to; k++)
    if (Math.abs(x(placeOf(k)) - wanted) <= Math.abs(x(placeOf(best)) - wanted)) best = k;
  return best;
}

function arrowHeads(): SVGElement {
  const defs = svg("defs", {});
  for (const name of ["plain", "cone"]) {
    const shape = { id: `head-${name}`, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7 };
    const marker = svg("marker", { ...shape, orient: "auto-start-reverse", markerUnits: "userSpaceOnUse" });
    marker.append(svg("path", { d: "M0 0 L8 4 L0 8 z", class: `head ${name}` }));
    defs.append(marker);
  }
  return defs;
}

function drawFolds({ from, to, x, height }: View): void {
  for (const fold of folds) {
    if (fold.to <= from || fold.from >= to) continue;
    const [x1, x2] = [x(placeOf(fold.from)), x(placeOf(fold.to))];
    const band = svg("rect", { x: x1, y: 14, width: Math.max(1, x2 - x1), height: height - 34, class: "fold" });
    const text = `${(fold.micros / 1e3).toFixed(0)} ms`;
    chart.append(told(band, `folded: ${text}, ${fold.to - fold.from} events`, fold.to));
    if (x2 - x1 > 7 * text.length) chart.append(svg("text", { x: (x1 + x2) / 2, y: 11, class: "muted middle" }, text));
  }
}

function lifeClass(state: NodeState): string {
  if (state.life === "paused") return "paused";
  if (state.life !== "runs") return "down";
  return state.role === 3 ? "leads" : state.role > 0 ? "stands" : "runs";
}

/** Each node's life, role and term. */
function drawLives(view: View): void {
  const { from, to } = view;
  const states = [...momentAt(from).states];
  const since = states.map(() => from);
  for (let k = from + 1; k <= to; k++) {
    const node = lines[k]![2];
    const kind = kindOf(k);
    if (kind === "send" || kind === "applied" || kind === "durable") continue;
    const before = states[node - 1];
    if (before === undefined || clientKinds.has(kind)) continue;
    const [, , , a, b, c] = lines[k]!;
    const next = after(before, { kind, a, b, c });
    if (next === before) continue;
    states[node - 1] = next;
    if (lifeClass(next) === lifeClass(before) && next.term === before.term && next.life === before.life) continue;
    drawLife(view, node, before, since[node - 1]!, k);
    since[node - 1] = k;
  }
  for (const [k, state] of states.entries()) drawLife(view, k + 1, state, since[k]!, to);
}

function drawLife({ x, y }: View, node: number, state: NodeState, from: number, to: number): void {
  const middle = y(`n${node}`);
  if (state.life === "never started" || to <= from || middle < 0) return;
  const [x1, x2] = [x(placeOf(from)), x(placeOf(to))];
  const box = { x: x1, y: middle - 8, width: Math.max(1, x2 - x1), height: 16 };
  const text = `n${node}: ${standingOf(state, data.roleNames)}, term ${state.term}, from ${seconds(timeOf(from))}`;
  chart.append(told(svg("rect", { ...box, class: `life ${lifeClass(state)}` }), text, from));
  const label = state.life === "runs" ? `${state.role === 3 ? "leader " : ""}term ${state.term}` : state.life;
  if (x2 - x1 > 7.4 * label.length) chart.append(svg("text", { x: x1 + 4, y: middle + 4, class: "over" }, label));
}

function drawMessages({ from, to, x, y, width }: View, isOnlyCone: boolean): void {
  const drawn: { sent: number; received: number | null; cone: boolean }[] = [];
  for (let k = from; k <= to; k++) {
    const [, , node, a, , , message] = lines[k]!;
    const kind = kindOf(k);
    if ((kind !== "send" && kind !== "receive") || y(`n${node}`) < 0 || y(`n${a}`) < 0) continue;
    const sent = sendOf.get(message);
    if (kind === "receive" && sent !== undefined) drawn.push({ sent, received: k, cone: inCone[k] === 1 });
    else if (kind === "send" && !hasArrived.has(message)) drawn.push({ sent: k, received: null, cone: false });
  }
  const wanted = isOnlyCone ? drawn.filter(({ cone }) => cone) : drawn;
  const shown = wanted.length > messagesMax ? wanted.filter(({ cone }) => cone).slice(-messagesMax) : wanted;
  if (shown.length < wanted.length) {
    const text = `${wanted.length - shown.length} messages are left out: zoom in to see them`;
    chart.append(svg("text", { x: width / 2, y: 11, class: "muted middle" }, text));
  }
  for (const { sent, received, cone } of shown) {
    const [, , sender, receiver] = lines[sent]!;
    const [x1, y1, y2] = [x(placeOf(sent)), y(`n${sender}`), y(`n${receiver}`)];
    const down = y2 > y1 ? 8 : -8;
    const content = `n${sender} → n${receiver}: ${contentOf(sent)}`;
    const group = svg("g", {});
    if (received === null) {
      const [x2, end] = [x1 + 10, y1 + down + (y2 - y1) * 0.45];
      const ends = { x1, y1: y1 + down, x2, y2: end };
      group.append(
        svg("line", { ...ends, class: "message gone" }),
        svg("text", { x: x2, y: end + 5, class: "gone-mark middle" }, "×"),
      );
      chart.append(told(group, `${content} — ${fateAt(sent)}`, sent));
      continue;
    }
    const ends = { x1, y1: y1 + down, x2: x(placeOf(received)), y2: y2 - down };
    const name = cone ? "cone" : "plain";
    group.append(
      svg("line", { ...ends, class: `message ${name}`, "marker-end": `url(#head-${name})` }),
      svg("line", { ...ends, class: "hit" }),
    );
    chart.append(
      told(group, `${content}; sent ${seconds(timeOf(sent))}, received ${seconds(timeOf(received))}`, received),
    );
  }
}

/** Cut links, and what befalls nodes. */
function drawFaults({ from, to, x, y }: View): void {
  let drawn = 0;
  for (let k = from; k <= to && drawn < elementsMax; k++) {
    const kind = kindOf(k);
    const [time, , node, a, b] = lines[k]!;
    const middle = y(`n${node}`);
    if (!faultKinds.has(kind) || middle < 0) continue;
    drawn += 1;
    if (kind === "block" || kind === "clog") {
      if (y(`n${a}`) < 0) continue;
      const beside = middle + 12 + (a % 4);
      const [x1, x2] = [x(placeOf(k)), x(placeOfTime(time + b))];
      chart.append(
        told(svg("line", { x1, x2: Math.max(x1 + 2, x2), y1: beside, y2: beside, class: "cut" }), wordsOf(k), k),
      );
      continue;
    }
    const [x1, x2, y1, y2] = [x(placeOf(k)) - 5, x(placeOf(k)) + 5, middle - 8, middle + 8];
    const cross = svg("g", { class: "mark" });
    cross.append(svg("line", { x1, x2, y1, y2 }), svg("line", { x1, x2, y1: y2, y2: y1 }));
    chart.append(told(cross, wordsOf(k), k));
  }
}

function drawClient(view: View, client: number): void {
  const { x, y, from, to } = view;
  const middle = y(clientName(client));
  chart.append(svg("text", { x: 8, y: middle + 5 }, clientName(client)));
  for (const one of data.bars) {
    if (one.client !== client || one.end < timeOf(from) || one.call > timeOf(to)) continue;
    drawOperation(one, x(placeOfTime(one.call)), x(placeOfTime(one.end)), middle);
  }
}

function drawOperation({ label, red, outcome, point, call }: PageBar, from: number, to: number, middle: number): void {
  const box = { x: from, y: middle - 9, width: Math.max(3, to - from), height: 18 };
  const said = red === "judged" ? " — this breaks the law" : red === "counterpart" ? " — what it has missed" : "";
  const text = `${label}${point === null ? "" : `, number ${point} in the order`}${said}`;
  const line = Math.min(lines.length - 1, lineAtPlace(placeOfTime(call)));
  chart.append(told(svg("rect", { ...box, class: `op ${red} ${outcome === "unknown" ? "unknown" : ""}` }), text, line));
  const room = Math.floor((to - from) / 7.4);
  const short = point === null ? label : `${point}: ${label}`;
  if (red !== "" && room <= short.length)
    chart.append(svg("text", { x: from - 4, y: middle + 4, class: "end blamed" }, from > 300 ? short : ""));
  else if (room > 6) chart.append(svg("text", { x: from + 3, y: middle + 4, class: "over" }, short.slice(0, room)));
}
