/** What runs in the page: it draws what the JSON in it says. Text from the history is only ever set as text. */
export const pageScript = String.raw`
(() => {
const data = JSON.parse(document.getElementById("data").textContent);
const svgName = "http://www.w3.org/2000/svg";
const rowHeight = 30, left = 8, top = 14;
let warped = true, zoom = 1, filter = "";

function make(name, attributes, text) {
  const element = document.createElementNS(svgName, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

const clients = [...new Set(data.operations.map((one) => one.client))];
// Operations of one client that overlap (unknown ones) get lanes of their own.
const lanes = [];
for (const one of data.operations) {
  let lane = lanes.find((other) => other.client === one.client && other.until < one.call);
  if (lane === undefined) { lane = { client: one.client, until: 0, row: 0 }; lanes.push(lane); }
  lane.until = one.end === null ? Infinity : one.end;
  one.lane = lane;
}
lanes.sort((a, b) => clients.indexOf(a.client) - clients.indexOf(b.client));
lanes.forEach((lane, row) => { lane.row = row; });

const moments = [...new Set(data.operations.flatMap((one) => one.end === null ? [one.call] : [one.call, one.end]))].sort((a, b) => a - b);
const rank = new Map(moments.map((moment, k) => [moment, k]));
function x(time, width) {
  if (warped) return left + (rank.get(time) / Math.max(1, moments.length - 1)) * width;
  return left + ((time - moments[0]) / Math.max(1, moments[moments.length - 1] - moments[0])) * width;
}

function draw() {
  const chart = document.getElementById("chart");
  chart.replaceChildren();
  const width = Math.max(300, (chart.parentElement.clientWidth - left - 40)) * zoom;
  chart.setAttribute("width", left + width + 40);
  const names = document.getElementById("names");
  names.replaceChildren();
  for (const one of [chart, names]) one.setAttribute("height", top * 2 + lanes.length * rowHeight);
  for (const lane of lanes) {
    const y = top + lane.row * rowHeight;
    names.append(make("text", { x: 4, y: y + 17, class: "client" }, "client " + lane.client));
    chart.append(make("line", { x1: left, x2: left + width + 30, y1: y + rowHeight - 4, y2: y + rowHeight - 4, class: "rule" }));
  }
  data.operations.forEach((one, k) => {
    const from = x(one.call, width), to = one.end === null ? left + width + 20 : x(one.end, width);
    const y = top + one.lane.row * rowHeight;
    const shown = filter === "" || (one.label + " " + one.client).toLowerCase().includes(filter);
    const group = make("g", { tabindex: 0, role: "button", "aria-label": one.title, "data-k": k, class: "bar " + one.role + (one.end === null ? " unknown" : "") + (shown ? "" : " faded") });
    group.append(make("rect", { x: from, y: y, width: Math.max(3, to - from), height: rowHeight - 10, rx: 3 }));
    group.append(make("text", { x: from + 4, y: y + 14 }, one.label.length * 7.3 + 6 < to - from ? one.label : one.label.slice(0, Math.max(0, Math.floor((to - from) / 7) - 1))));
    group.append(make("title", {}, one.title));
    group.addEventListener("click", () => tell(k));
    group.addEventListener("focus", () => tell(k));
    chart.append(group);
  });
  const points = data.order.filter((step) => step.point !== null).map((step) => {
    const one = data.operations[step.operation];
    return { cx: Math.max(x(one.call, width), 0), y: top + one.lane.row * rowHeight, step };
  });
  let latest = 0;
  for (const point of points) {
    latest = Math.max(latest + (warped ? 3 : 1), point.cx);
    chart.append(make("line", { x1: latest, x2: latest, y1: point.y - 2, y2: point.y + rowHeight - 8, class: "point" }));
  }
}

function tell(k) {
  document.getElementById("detail").textContent = data.operations[k].title;
  for (const bar of document.querySelectorAll(".bar")) bar.classList.toggle("chosen", Number(bar.dataset.k) === k);
}

function listOrder() {
  const list = document.getElementById("order");
  for (const step of data.order) {
    const item = document.createElement("li");
    item.textContent = step.text;
    if (step.operation !== null) item.addEventListener("click", () => tell(step.operation));
    list.append(item);
  }
  for (const text of data.stuck) {
    const item = document.createElement("li");
    item.className = "stuck";
    item.textContent = text;
    list.append(item);
  }
}

function listKeys() {
  const list = document.getElementById("keys");
  for (const key of data.keys) {
    const item = document.createElement("li");
    item.textContent = key.name + " (" + key.count + ")";
    if (key.isShown) item.className = "here";
    list.append(item);
  }
}

document.getElementById("warp").addEventListener("change", (event) => { warped = event.target.checked; draw(); });
document.getElementById("zoom").addEventListener("input", (event) => { zoom = Number(event.target.value); draw(); });
document.getElementById("search").addEventListener("input", (event) => { filter = event.target.value.toLowerCase(); draw(); });
window.addEventListener("resize", draw);
listOrder();
listKeys();
// Wide enough to read, and what matters in sight.
zoom = Math.max(1, Math.min(20, Math.round((moments.length * 24) / 1000)));
document.getElementById("zoom").value = zoom;
draw();
const first = document.querySelector(".bar.core, .bar.stuck");
if (first !== null) document.querySelector(".scroll").scrollLeft = Number(first.firstChild.getAttribute("x")) - 200;
document.body.dataset.ready = "yes";
})();
`;
