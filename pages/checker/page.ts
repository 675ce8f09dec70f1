/** The script of the page about a history. Text of the history is only ever set as text. */
import type { PageData } from "../../checker/view/page-data.ts";
import { find, html, pageData, svg } from "../dom.ts";

type Operation = PageData["operations"][number];
/** A row of the chart: operations of one client that do not overlap. */
type Lane = { readonly client: number; until: number; row: number };

const rowHeight = 30;
const left = 8;
const top = 14;

const data = pageData() as PageData;
const chart = find("#chart", SVGSVGElement);
const names = find("#names", SVGSVGElement);
const warp = find("#warp", HTMLInputElement);
const zoom = find("#zoom", HTMLInputElement);
const search = find("#search", HTMLInputElement);

/** Operations of one client that overlap (those of unknown outcome) are in lanes of their own. */
function layLanes(): { readonly lanes: readonly Lane[]; readonly laneOf: ReadonlyMap<Operation, Lane> } {
  const clients = [...new Set(data.operations.map((one) => one.client))];
  const lanes: Lane[] = [];
  const laneOf = new Map<Operation, Lane>();
  for (const one of data.operations) {
    let lane = lanes.find((other) => other.client === one.client && other.until < one.call);
    if (lane === undefined) lanes.push((lane = { client: one.client, until: 0, row: 0 }));
    lane.until = one.end ?? Infinity;
    laneOf.set(one, lane);
  }
  lanes.sort((a, b) => clients.indexOf(a.client) - clients.indexOf(b.client));
  for (const [row, lane] of lanes.entries()) lane.row = row;
  return { lanes, laneOf };
}

const { lanes, laneOf } = layLanes();
const moments = [
  ...new Set(data.operations.flatMap((one) => (one.end === null ? [one.call] : [one.call, one.end]))),
].toSorted((a, b) => a - b);
const rank = new Map(moments.map((moment, k) => [moment, k]));

function x(time: number, width: number): number {
  if (warp.checked) return left + (rank.get(time)! / Math.max(1, moments.length - 1)) * width;
  const first = moments[0]!;
  return left + ((time - first) / Math.max(1, moments.at(-1)! - first)) * width;
}

function y(one: Operation): number {
  return top + laneOf.get(one)!.row * rowHeight;
}

function draw(): void {
  const width = Math.max(300, chart.parentElement!.clientWidth - left - 40) * Number(zoom.value);
  chart.replaceChildren();
  names.replaceChildren();
  chart.setAttribute("width", String(left + width + 40));
  for (const one of [chart, names]) one.setAttribute("height", String(top * 2 + lanes.length * rowHeight));
  for (const lane of lanes) {
    const laneTop = top + lane.row * rowHeight;
    const rule = laneTop + rowHeight - 4;
    names.append(svg("text", { x: 4, y: laneTop + 17, class: "client" }, `client ${lane.client}`));
    chart.append(svg("line", { x1: left, x2: left + width + 30, y1: rule, y2: rule, class: "rule" }));
  }
  for (const [k, one] of data.operations.entries()) chart.append(barOf(one, k, width));
  drawPoints(width);
}

function barOf(one: Operation, k: number, width: number): SVGElement {
  const from = x(one.call, width);
  const to = one.end === null ? left + width + 20 : x(one.end, width);
  const filter = search.value.toLowerCase();
  const isShown = filter === "" || `${one.label} ${one.client}`.toLowerCase().includes(filter);
  const classes = ["bar", one.role, ...(one.end === null ? ["unknown"] : []), ...(isShown ? [] : ["faded"])];
  const bar = svg("g", {
    tabindex: 0,
    role: "button",
    "aria-label": one.title,
    "data-k": k,
    class: classes.join(" "),
  });
  const room = Math.max(0, Math.floor((to - from) / 7) - 1);
  const label = one.label.length * 7.3 + 6 < to - from ? one.label : one.label.slice(0, room);
  bar.append(
    svg("rect", { x: from, y: y(one), width: Math.max(3, to - from), height: rowHeight - 10, rx: 3 }),
    svg("text", { x: from + 4, y: y(one) + 14 }, label),
    svg("title", {}, one.title),
  );
  bar.addEventListener("click", () => tell(k));
  bar.addEventListener("focus", () => tell(k));
  return bar;
}

/** Where each operation of the order takes effect: at its call, or behind the one before it. */
function drawPoints(width: number): void {
  let latest = 0;
  for (const step of data.order) {
    if (step.operation === null) continue;
    const one = data.operations[step.operation]!;
    latest = Math.max(latest + (warp.checked ? 3 : 1), x(one.call, width), 0);
    chart.append(svg("line", { x1: latest, x2: latest, y1: y(one) - 2, y2: y(one) + rowHeight - 8, class: "point" }));
  }
}

function tell(k: number): void {
  find("#detail", HTMLElement).textContent = data.operations[k]!.title;
  for (const bar of document.querySelectorAll<SVGElement>(".bar"))
    bar.classList.toggle("chosen", Number(bar.dataset["k"]) === k);
}

function listOrder(): void {
  const list = find("#order", HTMLOListElement);
  for (const { operation, text } of data.order) {
    const item = html("li", text);
    if (operation !== null) item.addEventListener("click", () => tell(operation));
    list.append(item);
  }
  for (const text of data.stuck) list.append(html("li", text, "stuck"));
}

function listKeys(): void {
  const items = data.keys.map((key) => html("li", `${key.name} (${key.count})`, key.isShown ? "here" : ""));
  find("#keys", HTMLUListElement).append(...items);
}

warp.addEventListener("change", draw);
zoom.addEventListener("input", draw);
search.addEventListener("input", draw);
window.addEventListener("resize", draw);
listOrder();
listKeys();
// Wide enough to read, and what matters in sight.
zoom.value = String(Math.max(1, Math.min(20, Math.round((moments.length * 24) / 1000))));
draw();
const first = document.querySelector(".bar.core rect, .bar.stuck rect");
if (first !== null) find(".scroll", HTMLElement).scrollLeft = Number(first.getAttribute("x")) - 200;
document.body.dataset["ready"] = "yes";
