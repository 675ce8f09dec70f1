/** The script of the page about a history. Text of the history is only ever set as text. */
import type { PageData, View } from "../../checker/view/page-data.ts";
import { find, html, pageData, svg } from "../dom.ts";

type Operation = View["operations"][number];
/** A row of the chart: operations of one client that do not overlap. */
type Lane = { readonly client: number; until: number; row: number };

const rowHeight = 30;
const left = 8;
const top = 14;
/** Of a character of the chart, in pixels. */
const letterWidth = 7.3;
/** What one moment takes, at least, so that a bar can be read. */
const momentWidth = 44;
const hint = "Choose an operation to read it whole.";

const data = pageData() as PageData;
const chart = find("#chart", SVGSVGElement);
const names = find("#names", SVGSVGElement);
const warp = find("#warp", HTMLInputElement);
const zoom = find("#zoom", HTMLInputElement);
const search = find("#search", HTMLInputElement);
const detail = find("#detail", HTMLElement);

/**
 * Operations of one client that overlap (those of unknown outcome) are in lanes of their own. Clients that have a part in
 * the contradiction come first.
 */
function layLanes(operations: readonly Operation[]): { lanes: readonly Lane[]; laneOf: ReadonlyMap<Operation, Lane> } {
  const central = operations.filter(({ role }) => role !== "plain");
  const clients = [...new Set([...central, ...operations].map((one) => one.client))];
  const lanes: Lane[] = [];
  const laneOf = new Map<Operation, Lane>();
  for (const one of operations) {
    let lane = lanes.find((other) => other.client === one.client && other.until < one.call);
    if (lane === undefined) lanes.push((lane = { client: one.client, until: 0, row: 0 }));
    lane.until = one.end ?? Infinity;
    laneOf.set(one, lane);
  }
  lanes.sort((a, b) => clients.indexOf(a.client) - clients.indexOf(b.client));
  for (const [row, lane] of lanes.entries()) lane.row = row;
  return { lanes, laneOf };
}

/** Of the chart that can be seen at one time, in pixels. */
function widthAtHand(): number {
  return Math.max(240, chart.parentElement!.clientWidth - left - 40);
}

/** The chart of one key. */
class Chart {
  readonly #view: View;
  readonly #lanes: readonly Lane[];
  readonly #laneOf: ReadonlyMap<Operation, Lane>;
  readonly #moments: readonly number[];
  readonly #rank: ReadonlyMap<number, number>;

  constructor(view: View) {
    const { operations } = view;
    const { lanes, laneOf } = layLanes(operations);
    this.#view = view;
    this.#lanes = lanes;
    this.#laneOf = laneOf;
    this.#moments = [
      ...new Set(operations.flatMap((one) => (one.end === null ? [one.call] : [one.call, one.end]))),
    ].toSorted((a, b) => a - b);
    this.#rank = new Map(this.#moments.map((moment, k) => [moment, k]));
  }

  /** Wide enough to read. */
  get zoom(): number {
    return Math.max(1, Math.min(20, Math.ceil((this.#moments.length * momentWidth) / widthAtHand())));
  }

  draw(): void {
    const clients = this.#lanes.map(({ client }) => `client ${client}`);
    const nameWidth = Math.max(0, ...clients.map((name) => name.length)) * letterWidth + 10;
    names.setAttribute("width", String(nameWidth));
    const width = widthAtHand() * Number(zoom.value);
    chart.replaceChildren();
    names.replaceChildren();
    chart.setAttribute("width", String(left + width + 40));
    for (const one of [chart, names]) one.setAttribute("height", String(top * 2 + this.#lanes.length * rowHeight));
    for (const lane of this.#lanes) {
      const laneTop = top + lane.row * rowHeight;
      const rule = laneTop + rowHeight - 4;
      names.append(svg("text", { x: 4, y: laneTop + 17, class: "client" }, `client ${lane.client}`));
      chart.append(svg("line", { x1: left, x2: left + width + 30, y1: rule, y2: rule, class: "rule" }));
    }
    for (const [k, one] of this.#view.operations.entries()) chart.append(this.#bar(one, k, width));
    this.#drawPoints(width);
  }

  #x(time: number, width: number): number {
    if (warp.checked) return left + (this.#rank.get(time)! / Math.max(1, this.#moments.length - 1)) * width;
    const first = this.#moments[0]!;
    return left + ((time - first) / Math.max(1, this.#moments.at(-1)! - first)) * width;
  }

  #y(one: Operation): number {
    return top + this.#laneOf.get(one)!.row * rowHeight;
  }

  #bar(one: Operation, k: number, width: number): SVGElement {
    const from = this.#x(one.call, width);
    const to = one.end === null ? left + width + 20 : this.#x(one.end, width);
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
    const room = Math.max(0, Math.floor((to - from - 6) / letterWidth));
    const label = one.label.length <= room ? one.label : room < 3 ? "" : `${one.label.slice(0, room - 1)}…`;
    bar.append(
      svg("rect", { x: from, y: this.#y(one), width: Math.max(3, to - from), height: rowHeight - 10, rx: 3 }),
      svg("text", { x: from + 4, y: this.#y(one) + 14 }, label),
      svg("title", {}, one.title),
    );
    bar.addEventListener("click", () => tell(this.#view, k));
    bar.addEventListener("focus", () => tell(this.#view, k));
    return bar;
  }

  /** Where each operation of the order takes effect: at its call, or behind the one before it. */
  #drawPoints(width: number): void {
    let latest = 0;
    for (const step of this.#view.order) {
      if (step.operation === null) continue;
      const one = this.#view.operations[step.operation]!;
      latest = Math.max(latest + (warp.checked ? 3 : 1), this.#x(one.call, width), 0);
      const y = this.#y(one);
      chart.append(svg("line", { x1: latest, x2: latest, y1: y - 2, y2: y + rowHeight - 8, class: "point" }));
    }
  }
}

function tell(view: View, k: number): void {
  detail.textContent = view.operations[k]!.title;
  for (const bar of document.querySelectorAll<SVGElement>(".bar"))
    bar.classList.toggle("chosen", Number(bar.dataset["k"]) === k);
}

/** By mouse, and by Enter where it has the focus. */
function onChoice(element: HTMLElement, choose: () => void): void {
  element.tabIndex = 0;
  element.addEventListener("click", choose);
  element.addEventListener("keydown", ({ key }) => {
    if (key === "Enter") choose();
  });
}

function listOrder(view: View): void {
  const items = view.order.map(({ operation, text }) => {
    const item = html("li", text);
    if (operation !== null) onChoice(item, () => tell(view, operation));
    return item;
  });
  find("#order", HTMLOListElement).replaceChildren(...items, ...view.stuck.map((text) => html("li", text, "stuck")));
}

let shown = new Chart(data.views[0]!);

function show(place: number): void {
  const view = data.views[place]!;
  shown = new Chart(view);
  find("#heading", HTMLElement).textContent = view.heading;
  find("#order-heading", HTMLElement).textContent = view.orderHeading;
  detail.textContent = hint;
  for (const item of document.querySelectorAll<HTMLElement>(".legend [data-role]")) {
    const { role } = item.dataset;
    item.hidden = role === "order" ? view.order.length === 0 : view.operations.every((one) => one.role !== role);
  }
  for (const button of document.querySelectorAll<HTMLElement>("#keys button"))
    button.setAttribute("aria-current", String(button.dataset["view"] === String(place)));
  listOrder(view);
  zoom.value = String(shown.zoom);
  shown.draw();
  // What matters is in sight.
  const first = document.querySelector(".bar.core rect, .bar.stuck rect");
  find(".scroll", HTMLElement).scrollLeft = first === null ? 0 : Number(first.getAttribute("x")) - 200;
}

function listKeys(): void {
  const items = data.keys.map(({ name, count, view }) => {
    const text = `${name} (${count})`;
    if (view === null) return html("li", text);
    const button = html("button", text);
    button.type = "button";
    button.dataset["view"] = String(view);
    button.addEventListener("click", () => show(view));
    const item = html("li");
    item.append(button);
    return item;
  });
  find("#keys", HTMLUListElement).append(...items);
}

const redraw = (): void => shown.draw();
warp.addEventListener("change", redraw);
zoom.addEventListener("input", redraw);
search.addEventListener("input", redraw);
window.addEventListener("resize", redraw);
listKeys();
show(0);
document.body.dataset["ready"] = "yes";
