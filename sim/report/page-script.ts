/** What runs in the page: it draws what the JSON in it says. Text of the run is only ever set as text. */
import { after, clientKinds, stops } from "./states.ts";

/** The page tells the states by the very function that the story is told by. */
const shared = `
const stops = new Set(${JSON.stringify([...stops])});
const clientKinds = new Set(${JSON.stringify([...clientKinds])});
${after.toString()}`;

export const pageScript = String.raw`
(() => {${shared}
const data = JSON.parse(document.getElementById("data").textContent);
const { lines, kinds, nodes, bars } = data;
const byId = (id) => document.getElementById(id);
const svgName = "http://www.w3.org/2000/svg";
const [TIME, KIND, NODE, A, B, C, MESSAGE] = [0, 1, 2, 3, 4, 5, 6];
const left = 70, lane = 34, top = 18, elementsMax = 3000, messagesMax = 800;
const marks = new Set([...stops, "logDamaged"]);
const fields = ["life", "role", "term", "leader", "commit", "applied", "durable", "snapshot"];
let at = lines.length - 1, span = 1000000, only = false;

const inCone = new Uint8Array(lines.length);
{ let k = 0, value = 0; for (const run of data.cone) { inCone.fill(value, k, k + run); k += run; value = 1 - value; } }

function kindOf(k) { return kinds[lines[k][KIND]]; }
function word(k) {
  const [, kind, node, a, b, c] = lines[k];
  return data.words[kind].replace("{n}", node).replace("{m}", data.messageNames[c] || "").replace("{r}", data.roleNames[a] || "")
    .replace("{o}", data.changeNames[a] || "").replace("{w}", data.outcomeNames[b] || "").replace("{y}", b === 1 ? "done" : "not done")
    .replace("{t}", b === 0 ? "" : " term " + b).replace("{l}", c === 0 ? "no leader" : "leader n" + c).replace("{a}", a).replace("{b}", b).replace("{c}", c);
}
function stateAfter(state, k) {
  const [, , , a, b, c] = lines[k];
  return after(state, { kind: kindOf(k), a, b, c });
}
// The states before every thousandth line.
const kept = [];
{ const states = data.initial.map((one) => ({ ...one }));
  for (let k = 0; k < lines.length; k++) {
    if (k % 1000 === 0) kept.push(states.map((one) => ({ ...one })));
    const node = lines[k][NODE];
    if (!clientKinds.has(kindOf(k)) && states[node - 1]) states[node - 1] = stateAfter(states[node - 1], k);
  } }
/** The states after line k, and what that line changed. */
function statesAt(k) {
  const from = Math.floor(k / 1000), states = kept[from].map((one) => ({ ...one }));
  let before = null, changed = 0;
  for (let i = from * 1000; i <= k; i++) {
    const node = lines[i][NODE];
    if (clientKinds.has(kindOf(i)) || !states[node - 1]) continue;
    if (i === k) { before = states[node - 1]; changed = node; }
    states[node - 1] = stateAfter(states[node - 1], i);
  }
  return { states, before, changed };
}
function make(name, attributes, text) {
  const element = document.createElementNS(svgName, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}
function seconds(micros) { return (micros / 1e6).toFixed(6) + " s"; }
function firstAt(time) { let low = 0, high = lines.length; while (low < high) { const middle = (low + high) >> 1; if (lines[middle][TIME] < time) low = middle + 1; else high = middle; } return low; }
function classOf(state) {
  if (state.life === "paused") return "paused";
  if (state.life !== "runs") return "down";
  return state.role === 3 ? "leads" : state.role > 0 ? "stands" : "runs";
}

function draw() {
  const chart = byId("chart"), now = lines[at][TIME];
  const [first, last] = [lines[0][TIME], lines[lines.length - 1][TIME]];
  const begin = span === 0 ? first : Math.max(first, Math.min(now - span / 2, last - span)), end = span === 0 ? last : Math.min(last, begin + span);
  const width = chart.clientWidth || 1200, clients = [...new Set(bars.map((bar) => bar.client))].sort((a, b) => a - b);
  const height = top + (nodes + clients.length) * lane + 30;
  chart.setAttribute("viewBox", "0 0 " + width + " " + height);
  chart.setAttribute("height", height);
  chart.replaceChildren();
  const x = (time) => left + (Math.min(end, Math.max(begin, time)) - begin) / Math.max(1, end - begin) * (width - left - 20);
  const y = (node) => top + (node - 1) * lane + 10;
  for (let node = 1; node <= nodes; node++) chart.append(make("text", { x: 8, y: y(node) + 5 }, "n" + node));
  // Lives and roles.
  const [from, to] = [firstAt(begin), Math.min(lines.length, firstAt(end + 1))];
  const states = from === 0 ? data.initial.map((one) => ({ ...one })) : statesAt(from - 1).states;
  const since = states.map(() => begin);
  const bar = (node, until) => {
    const state = states[node - 1];
    if (state.life === "never started" || until <= since[node - 1]) return;
    const rect = make("rect", { x: x(since[node - 1]), y: y(node) - 7, width: Math.max(1, x(until) - x(since[node - 1])), height: 14, class: "life " + classOf(state) });
    rect.append(make("title", {}, "n" + node + " " + state.life + ", " + data.roleNames[state.role] + ", term " + state.term));
    chart.append(rect);
    if (state.role === 3 && x(until) - x(since[node - 1]) > 50) chart.append(make("text", { x: x(since[node - 1]) + 4, y: y(node) + 4 }, "term " + state.term));
  };
  const messages = [], sentAt = new Map(), over = [];
  for (let k = from; k < to; k++) {
    const kind = kindOf(k), [time, , node, a, b, , message] = lines[k];
    if (kind === "send") sentAt.set(message, k);
    else if (kind === "receive") { messages.push([message, k]); }
    else if (kind === "block" || kind === "clog") over.push(["cut", time, node, a, time + b, word(k)]);
    else if (marks.has(kind)) over.push(["mark", time, node, 0, 0, word(k)]);
    if (clientKinds.has(kind) || !states[node - 1]) continue;
    const next = stateAfter(states[node - 1], k);
    if (classOf(next) !== classOf(states[node - 1]) || next.term !== states[node - 1].term || next.life !== states[node - 1].life) { bar(node, time); since[node - 1] = time; }
    states[node - 1] = next;
  }
  for (let node = 1; node <= nodes; node++) bar(node, end);
  const shown = only ? messages.filter(([, k]) => inCone[k]) : messages;
  if (shown.length > messagesMax) chart.append(make("text", { x: width / 2 - 160, y: height - 6 }, shown.length + " messages: narrow the window to see them"));
  for (const [message, k] of shown.length > messagesMax ? [] : shown) {
    const sent = sentAt.get(message);
    if (sent === undefined) continue;
    const line = make("line", { x1: x(lines[sent][TIME]), y1: y(lines[sent][NODE]), x2: x(lines[k][TIME]), y2: y(lines[k][NODE]), class: "message" + (inCone[k] ? " cone" : "") });
    line.append(make("title", {}, word(sent) + ", " + seconds(lines[sent][TIME])));
    chart.append(line);
  }
  for (const [what, time, node, other, until, text] of over.slice(0, elementsMax)) {
    if (what === "mark") {
      const group = make("g", { class: "mark" });
      group.append(make("line", { x1: x(time) - 5, x2: x(time) + 5, y1: y(node) - 8, y2: y(node) + 8 }), make("line", { x1: x(time) - 5, x2: x(time) + 5, y1: y(node) + 8, y2: y(node) - 8 }), make("title", {}, text));
      chart.append(group);
    } else {
      const line = make("line", { x1: x(time), x2: Math.max(x(time) + 1, x(until)), y1: y(node) + 10 + other, y2: y(node) + 10 + other, class: "cut" });
      line.append(make("title", {}, text));
      chart.append(line);
    }
  }
  clients.forEach((client, row) => {
    const yy = top + (nodes + row) * lane + 10;
    chart.append(make("text", { x: 8, y: yy + 5 }, client === data.readerLane ? "reader" : "client " + client));
    for (const one of bars) {
      if (one.client !== client || one.end < begin || one.call > end) continue;
      const rect = make("rect", { x: x(one.call), y: yy - 8, width: Math.max(2, x(one.end) - x(one.call)), height: 16, class: "op " + one.role });
      rect.append(make("title", {}, one.label + (one.point === null ? "" : ", number " + one.point + " in the order")));
      chart.append(rect);
      const room = Math.floor((x(one.end) - x(one.call)) / 7.4);
      if (room > 6) chart.append(make("text", { x: x(one.call) + 3, y: yy + 4 }, ((one.point === null ? "" : one.point + ": ") + one.label).slice(0, room)));
    }
  });
  chart.append(make("line", { x1: x(now), x2: x(now), y1: 4, y2: height - 24, class: "now" }));
  chart.append(make("text", { x: left, y: height - 6 }, seconds(begin)), make("text", { x: width - 110, y: height - 6 }, seconds(end)));
}

function tell() {
  const { states, before, changed } = statesAt(at);
  byId("when").textContent = seconds(lines[at][TIME]) + ", event " + (data.from + at + 1) + " of " + (data.from + lines.length);
  const body = document.querySelector("#states tbody");
  body.replaceChildren();
  states.forEach((state, k) => {
    const row = document.createElement("tr");
    if (k + 1 === changed) row.className = "chosen";
    const name = document.createElement("th");
    name.textContent = "n" + (k + 1);
    row.append(name);
    for (const field of fields) {
      const cell = document.createElement("td");
      cell.textContent = field === "role" ? (state.life === "runs" ? data.roleNames[state.role] : "") : state[field];
      if (k + 1 === changed && before[field] !== state[field]) cell.className = "changed";
      row.append(cell);
    }
    body.append(row);
  });
  const list = byId("lines");
  list.replaceChildren();
  for (let k = Math.max(0, at - 8); k <= Math.min(lines.length - 1, at + 8); k++) {
    const item = document.createElement("li");
    item.textContent = seconds(lines[k][TIME]) + "  " + word(k);
    item.className = (k === at ? "here " : "") + (inCone[k] ? "cone" : "");
    list.append(item);
  }
}

let waits = false;
function show(k) {
  let next = Math.min(lines.length - 1, Math.max(0, k));
  if (only) { const step = next >= at ? 1 : -1; while (next > 0 && next < lines.length - 1 && !inCone[next]) next += step; }
  at = next;
  byId("at").value = at;
  if (waits) return;
  waits = true;
  requestAnimationFrame(() => { waits = false; tell(); draw(); });
}
const heads = document.createElement("tr");
for (const name of ["node", ...fields]) { const cell = document.createElement("th"); cell.textContent = name; heads.append(cell); }
document.querySelector("#states thead").append(heads);
byId("at").max = lines.length - 1;
byId("at").addEventListener("input", () => show(Number(byId("at").value)));
byId("span").addEventListener("change", () => { span = Number(byId("span").value); draw(); });
byId("only").addEventListener("change", () => { only = byId("only").checked; show(at); });
addEventListener("resize", draw);
addEventListener("keydown", (event) => {
  if (event.target.tagName === "SELECT" || event.ctrlKey || event.metaKey || event.altKey) return;
  const step = event.shiftKey ? 100 : 1, spans = [...byId("span").options];
  if (event.key === "ArrowLeft") show(at - step);
  else if (event.key === "ArrowRight") show(at + step);
  else if (event.key === "Home") show(0);
  else if (event.key === "End") show(lines.length - 1);
  else if (event.key === "[" || event.key === "]") {
    byId("span").selectedIndex = Math.min(spans.length - 1, Math.max(0, byId("span").selectedIndex + (event.key === "]" ? 1 : -1)));
    span = Number(byId("span").value);
    draw();
  } else return;
  event.preventDefault();
});
byId("at").value = at;
if (lines.length > 0) { tell(); draw(); }
document.body.dataset.ready = "yes";
})();
`;
