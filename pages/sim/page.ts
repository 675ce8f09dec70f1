/** The script of the page about a run: moves the moment that is shown. Text of the run is only ever set as text. */
import type { NodeState } from "../../sim/report/states.ts";
import { find, html } from "../dom.ts";
import { showLogs } from "../log-view.ts";
import { faultKinds } from "./axis.ts";
import { chart, drawChart, lineAtX, shownNodes } from "./chart.ts";
import { data, inCone, kindOf, lineAt, lines, type Moment, momentAt, seconds, timeOf, wordsOf } from "./moments.ts";
import { drawOdds } from "./odds-view.ts";

type Goal = "election" | "fault" | "commit";

const linesAround = 7;
const stepMs = 350;
const fields = ["life", "role", "term", "leader", "commit", "applied", "durable", "snapshot"] as const;
/** Moves the moment to the next line of that kind; with shift, to the one before. */
const goalOfKey: Readonly<Record<string, Goal>> = { e: "election", f: "fault", c: "commit" };

const slider = find("#at", HTMLInputElement);
const roomSelect = find("#room", HTMLSelectElement);
const onlyCone = find("#only", HTMLInputElement);
const allLanes = find("#lanes", HTMLInputElement);
const playButton = find("#play", HTMLButtonElement);

/** The line that is shown. */
let at = lines.length - 1;
let isPlaying = false;
let isDrawn = true;

function reaches(k: number, goal: Goal): boolean {
  const kind = kindOf(k);
  if (goal === "election") return kind === "role" && lines[k]![3] === data.roleNames.indexOf("leader");
  return goal === "commit" ? kind === "commit" : faultKinds.has(kind);
}

function draw(): void {
  const choice = { at, room: Number(roomSelect.value), isAllLanes: allLanes.checked, isOnlyCone: onlyCone.checked };
  drawChart(choice);
}

function tell(): void {
  const moment = momentAt(at);
  const place = `${seconds(timeOf(at))}, event ${data.from + at + 1} of ${data.from + lines.length}`;
  find("#when", HTMLOutputElement).textContent = place;
  find("#what", HTMLElement).textContent = wordsOf(at);
  showLogs(find("#logs", HTMLDivElement), { ...data, ...moment }, shownNodes(allLanes.checked));
  tellStates(moment);
  tellLines();
  for (const button of document.querySelectorAll<HTMLElement>("#story button"))
    button.classList.toggle("here", Number(button.dataset["line"]) === at);
}

function tellStates({ states, before, changed }: Moment): void {
  const rows = states.map((state, k) => rowFor(k + 1, state, k + 1 === changed ? before : null));
  find("#states tbody", HTMLTableSectionElement).replaceChildren(...rows);
}

/** `before`: what the state was, where the line that is shown has changed it. */
function rowFor(node: number, state: NodeState, before: NodeState | null): HTMLElement {
  const row = html("tr", "", before === null ? "" : "chosen");
  row.append(html("th", `n${node}`));
  for (const field of fields) {
    const role = state.life === "runs" ? data.roleNames[state.role]! : "";
    const isChanged = before !== null && before[field] !== state[field];
    row.append(html("td", field === "role" ? role : String(state[field]), isChanged ? "changed" : ""));
  }
  return row;
}

function tellLines(): void {
  const items: HTMLElement[] = [];
  for (let k = Math.max(0, at - linesAround); k <= Math.min(lines.length - 1, at + linesAround); k++) {
    const item = html("li", "", [...(k === at ? ["here"] : []), ...(inCone[k] === 1 ? ["cone"] : [])].join(" "));
    const button = html("button", `${seconds(timeOf(k))}  ${wordsOf(k)}`);
    button.dataset["line"] = String(k);
    item.append(button);
    items.push(item);
  }
  find("#lines", HTMLOListElement).replaceChildren(...items);
}

// --- moving

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
    writeAddress();
  });
}

function go(goal: Goal, by: 1 | -1): void {
  for (let k = at + by; k >= 0 && k < lines.length; k += by) if (reaches(k, goal)) return show(k);
}

function stop(): void {
  isPlaying = false;
  playButton.textContent = "▶ play";
}

function play(): void {
  if (isPlaying) return stop();
  if (at === lines.length - 1) show(0);
  isPlaying = true;
  playButton.textContent = "❚❚ pause";
  let shownAt = 0;
  const frame = (now: number): void => {
    if (!isPlaying) return;
    if (at === lines.length - 1) return stop();
    if (now - shownAt >= stepMs) {
      shownAt = now;
      show(at + 1);
    }
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

// --- the address: #t=1.25 is the last line at that second; #t=1.25,2 is the second one of that moment

function writeAddress(): void {
  const first = lineAt(timeOf(at));
  history.replaceState(null, "", `#t=${(timeOf(at) / 1e6).toFixed(6)},${at - first + 1}`);
}

function readAddress(): void {
  const said = /^#t=(\d+(?:\.\d+)?)(?:,(\d+))?$/.exec(location.hash);
  if (said === null) return;
  const time = Math.round(Number(said[1]) * 1e6);
  const last = lineAt(time + 1) - 1;
  const wanted = said[2] === undefined ? last : Math.min(last, lineAt(time) + Number(said[2]) - 1);
  show(Math.max(0, wanted));
}

// --- what is typed and clicked

function onKey(event: KeyboardEvent): void {
  const { target, key } = event;
  if (target instanceof HTMLSelectElement || event.ctrlKey || event.metaKey || event.altKey) return;
  const isOnButton =
    target instanceof HTMLButtonElement || (target instanceof HTMLInputElement && target.type === "checkbox");
  const by = event.shiftKey ? 100 : 1;
  const goal = goalOfKey[key.toLowerCase()];
  if (key === "ArrowLeft") show(at - by);
  else if (key === "ArrowRight") show(at + by);
  else if (key === "Home") show(0);
  else if (key === "End") show(lines.length - 1);
  else if (key === " " && !isOnButton) play();
  else if (goal !== undefined) go(goal, event.shiftKey ? -1 : 1);
  else if (key === "[" || key === "]") {
    const chosen = roomSelect.selectedIndex + (key === "]" ? 1 : -1);
    roomSelect.selectedIndex = Math.min(roomSelect.options.length - 1, Math.max(0, chosen));
    draw();
  } else return;
  event.preventDefault();
}

/** What has a line leads to it, wherever on the page it stands. */
function onClick(event: MouseEvent): void {
  if (!(event.target instanceof Element)) return;
  const place = event.target.closest<HTMLElement | SVGElement>("[data-line],[data-go]");
  if (place?.dataset["go"] !== undefined) return go(place.dataset["go"] as Goal, place.dataset["by"] === "1" ? 1 : -1);
  if (place !== null) return show(Number(place.dataset["line"]));
  if (chart.contains(event.target)) show(lineAtX(event.clientX));
}

const heads = html("tr");
for (const name of ["node", ...fields]) heads.append(html("th", name));
find("#states thead", HTMLTableSectionElement).append(heads);
slider.max = String(lines.length - 1);
slider.addEventListener("input", () => show(Number(slider.value)));
roomSelect.addEventListener("change", draw);
onlyCone.addEventListener("change", () => show(at));
allLanes.addEventListener("change", () => show(at));
playButton.addEventListener("click", play);
find("#first", HTMLButtonElement).addEventListener("click", () => show(0));
find("#back", HTMLButtonElement).addEventListener("click", () => show(at - 1));
find("#on", HTMLButtonElement).addEventListener("click", () => show(at + 1));
find("#last", HTMLButtonElement).addEventListener("click", () => show(lines.length - 1));
addEventListener("resize", () => show(at));
addEventListener("keydown", onKey);
addEventListener("click", onClick);
addEventListener("hashchange", readAddress);
slider.value = String(at);
if (lines.length > 0) {
  tell();
  draw();
  drawOdds();
  readAddress();
}
document.body.dataset["ready"] = "yes";
