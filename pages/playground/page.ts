/** The script of the playground: one run, which stands still after an event; what is typed and clicked moves or changes it. */
import { deedWords, type Deed, isText } from "../../sim/interventions.ts";
import { lawName, laws } from "../../sim/laws.ts";
import { Play } from "../../sim/play.ts";
import { lawWords } from "../../sim/report/law-words.ts";
import { stops } from "../../sim/report/states.ts";
import { printTape, TapeError } from "../../sim/tape.ts";
import type { Line } from "../../sim/trace/recorder.ts";
import { leaderRole, roleNames } from "../../sim/trace/vocabulary.ts";
import { find, html, pageData } from "../dom.ts";
import { showLogs } from "../log-view.ts";
import { addressOf, type Beginning, readAddress, tapeOf } from "./beginning.ts";
import { Follower } from "./moment.ts";
import { Player } from "./player.ts";
import { drawRing } from "./ring.ts";

const linesShown = 14;
const answersShown = 6;
const flyingShown = 14;
const secondMicros = 1_000_000;
/** So long the page goes on for something that may never come. */
const untilMicrosMax = 10 * secondMicros;
const faults: ReadonlySet<string> = new Set([...stops, "pause", "block", "clog", "reset", "slow", "clockStall"]);
const goals: Readonly<Record<string, (line: Line) => boolean>> = {
  leader: ({ kind, a }) => kind === "role" && a === leaderRole,
  commit: ({ kind }) => kind === "commit",
  return: ({ kind }) => kind === "return",
  fault: ({ kind }) => faults.has(kind),
};
const goalOfKey: Readonly<Record<string, string>> = { e: "leader", c: "commit", a: "return", f: "fault" };

const kindSelect = find("#kind", HTMLSelectElement);
const nodesSelect = find("#nodes", HTMLSelectElement);
const seedInput = find("#seed", HTMLInputElement);
const tapeText = find("#text", HTMLTextAreaElement);
const slider = find("#at", HTMLInputElement);
const playButton = find("#play", HTMLButtonElement);
const player = new Player(playButton, {
  isOver: () => play.isOver,
  forward: () => move(() => play.forward()),
  eventsPerSecond: () => Number(find("#speed", HTMLSelectElement).value),
});

let beginning: Beginning = { kind: "calm", nodes: 3, seed: 1 };
let play = new Play(tapeOf(beginning, []));
let follower = new Follower(play);
let chosen = 1;
/** The last event that anybody has seen: the slider goes up to it. */
let known = 0;
/** What the last move has not come to. */
let missed = "";

// --- what is shown

function tell(): void {
  follower.catchUp();
  const { recorder, simulator, event } = play;
  const { states, logs } = follower;
  const shown = states.flatMap(({ life }, k) => (k < play.plan.nodes || life !== "never started" ? [k + 1] : []));
  known = Math.max(known, event);
  slider.max = String(known);
  slider.value = String(event);
  const { now } = simulator.scheduler;
  find("#when", HTMLOutputElement).textContent = `${(now / 1e6).toFixed(6)} s, event ${event}`;
  const last = recorder.lines.length - 1;
  find("#what", HTMLElement).textContent = last < 0 ? "nothing has happened" : missed + follower.wordsOf(last);
  const flying = follower.flying();
  const isCut = (from: number, to: number): boolean => simulator.network.isBlocked(from, to);
  drawRing({ states, shown, chosen, flying, isCut });
  const blamed = [...(play.broken?.message.matchAll(/\bn(\d+)\b/g) ?? [])].map(([, id]) => Number(id));
  showLogs(find("#logs", HTMLDivElement), { states, logs, entries: follower.entries, roleNames, blamed }, shown);
  tellChosen(shown);
  tellLaw();
  tellLines();
  tellList(
    "#flying",
    flying
      .slice(0, flyingShown)
      .map(
        ({ from, to, words, arrives }) => `n${from} → n${to}  ${words}; in ${((arrives - now) / 1_000).toFixed(1)} ms`,
      ),
    flying.length > flyingShown ? `and ${flying.length - flyingShown} more` : flying.length === 0 ? "none" : "",
  );
  tellList(
    "#answers",
    follower
      .asked()
      .slice(0, answersShown)
      .map(({ request, answer }) => `${request}: ${answer}`),
    follower.asked().length === 0 ? "You have asked nothing yet. Send a request, then step or play." : "",
  );
  tellDeeds();
  for (const id of ["#on", "#play"]) find(id, HTMLButtonElement).disabled = play.isOver;
  for (const id of ["#back", "#first"]) find(id, HTMLButtonElement).disabled = event === 0;
  for (const button of document.querySelectorAll<HTMLButtonElement>("[data-until]")) button.disabled = play.isOver;
  document.body.dataset["event"] = String(event);
}

function tellList(selector: string, items: readonly string[], more: string): void {
  const all = items.map((item) => html("li", item));
  if (more !== "") all.push(html("li", more, "muted"));
  find(selector, HTMLOListElement).replaceChildren(...all);
}

function tellChosen(shown: readonly number[]): void {
  find("#chosen", HTMLElement).textContent = `n${chosen}`;
  find("#via", HTMLElement).textContent = `n${chosen}`;
  const buttons = shown.map((id) => {
    const button = html("button", `n${id}`, id === chosen ? "here" : "");
    button.type = "button";
    button.dataset["node"] = String(id);
    button.setAttribute("aria-pressed", String(id === chosen));
    return button;
  });
  find("#choices", HTMLDivElement).replaceChildren(...buttons);
  const host = play.simulator.hosts[chosen - 1]!;
  const isUp = host.node !== null;
  const may: Readonly<Record<string, boolean>> = {
    kill: isUp,
    "power-cut": isUp,
    start: host.canStart && host.boot > 0,
    pause: isUp && !host.paused,
    resume: host.paused,
    cut: shown.some((id) => id !== chosen && !isLinkCut(chosen, id)),
    heal: shown.some((id) => id !== chosen && isLinkCut(chosen, id)),
  };
  for (const button of document.querySelectorAll<HTMLButtonElement>("[data-deed]"))
    button.disabled = play.isOver || may[button.dataset["deed"]!] !== true;
  find("#request button", HTMLButtonElement).disabled = play.isOver;
  find("#value", HTMLInputElement).hidden = find("#op", HTMLSelectElement).value !== "put";
}

function isLinkCut(a: number, b: number): boolean {
  const { network } = play.simulator;
  return network.isBlocked(a, b) || network.isBlocked(b, a);
}

function tellLaw(): void {
  const place = find("#law", HTMLElement);
  const { broken } = play;
  place.classList.toggle("broken", broken !== null);
  if (broken === null) {
    const end = play.isOver
      ? " The run ends here. What comes behind, a healed cluster that must come back to life, is for the tape in a terminal."
      : "";
    // Determinism and liveness are looked at from outside a run.
    const count = Object.values(laws).filter(({ checks }) => checks.length > 0).length;
    return place.replaceChildren(html("p", `${count} safety laws hold after every event up to here.${end}`));
  }
  const { law, reference } = lawWords(broken.property);
  const what = html("p");
  what.append(html("b", `Law broken. ${lawName(broken.property)}: `), broken.message);
  const must = html("p");
  must.append(html("b", "The law: "), law, reference === "" ? "" : ` (${reference})`);
  place.replaceChildren(what, must, html("p", "The run ends here. Go back to see how it came to this.", "muted"));
}

function tellLines(): void {
  const { lines } = play.recorder;
  const items: HTMLElement[] = [];
  for (let k = Math.max(0, lines.length - linesShown); k < lines.length; k++) {
    const item = html("li", "", play.eventOf(k) === play.event ? "here" : "");
    const button = html("button", `${(lines[k]!.time / 1e6).toFixed(6)} s  ${follower.wordsOf(k)}`);
    button.type = "button";
    button.dataset["event"] = String(play.eventOf(k));
    item.append(button);
    items.push(item);
  }
  find("#lines", HTMLOListElement).replaceChildren(...items);
}

function tellDeeds(): void {
  const items = play.interventions.map(([after, ...done], k) => {
    const item = html("li", "", after > play.event ? "muted" : "");
    const go = html("button", `event ${after}`);
    go.dataset["event"] = String(after);
    const undo = html("button", "undo");
    undo.dataset["undo"] = String(k);
    undo.title = "Undo this and all after it.";
    for (const button of [go, undo]) button.type = "button";
    item.append(go, ` ${deedWords(done)} `, undo);
    return item;
  });
  find("#deeds", HTMLOListElement).replaceChildren(...(items.length === 0 ? [html("li", "nothing", "muted")] : items));
}

// --- moving and changing

function move(act: () => void): void {
  missed = "";
  find("#copied", HTMLOutputElement).textContent = "";
  act();
  tell();
  const address = addressOf(beginning, play.interventions, play.event);
  history.replaceState(null, "", address ?? "#");
}

function until(goal: string): void {
  if (goal === "second") return move(() => play.pass(secondMicros));
  if (goal === "end") return move(() => play.goTo(Infinity));
  const name = goal === "return" ? "answer" : goal;
  move(() => {
    const isReached = play.until(goals[goal]!, untilMicrosMax);
    missed =
      isReached || play.broken !== null
        ? ""
        : `no ${name} within ${untilMicrosMax / secondMicros} s of simulated time. Last: `;
  });
}

function actOn(what: string): void {
  const others = play.simulator.hosts.filter(({ id, boot }) => id !== chosen && boot > 0).map(({ id }) => id);
  move(() => {
    if (what === "cut" || what === "heal") {
      for (const id of others) if (isLinkCut(chosen, id) === (what === "heal")) play.intervene([what, chosen, id]);
    } else play.intervene([what, chosen] as Deed);
  });
}

function ask(): void {
  const op = find("#op", HTMLSelectElement).value;
  const key = find("#key", HTMLInputElement);
  const value = find("#value", HTMLInputElement);
  for (const input of [key, value]) {
    input.setCustomValidity(isText(input.value) ? "" : "characters up to U+00FF");
    if (!input.reportValidity()) return;
  }
  move(() => {
    if (op === "put") play.intervene(["put", chosen, key.value, value.value]);
    else play.intervene([op === "get" ? "get" : "delete", chosen, key.value]);
  });
}

// --- which run

function tellParts(): void {
  const { value } = kindSelect;
  find("#nodes-part", HTMLElement).hidden = value !== "calm";
  find("#seed-part", HTMLElement).hidden = value === "tape";
  find("#text-part", HTMLElement).hidden = value !== "tape";
}

/** Shows that run at `event`; null: where its first leader has committed something. */
function begin(next: Beginning, interventions: Play["interventions"] = [], event: number | null = null): void {
  const trouble = find("#trouble", HTMLOutputElement);
  trouble.textContent = "";
  player.stop();
  try {
    const tape = tapeOf(next, interventions);
    play = new Play(tape);
  } catch (error) {
    if (!(error instanceof TapeError)) throw error;
    trouble.textContent = `This is not a tape: ${error.message}.`;
    return;
  }
  beginning = next;
  follower = new Follower(play);
  chosen = 1;
  known = 0;
  kindSelect.value = next.kind;
  if (next.kind !== "tape") seedInput.value = String(next.seed);
  if (next.kind === "calm") nodesSelect.value = String(next.nodes);
  tellParts();
  move(() => {
    if (event === null) play.until(({ kind }) => kind === "commit");
    else play.goTo(event);
  });
}

function submitted(): void {
  const seed = Number(seedInput.value);
  const { value } = kindSelect;
  if (value === "tape") begin({ kind: "tape", text: tapeText.value });
  else if (value === "seed") begin({ kind: "seed", seed }, [], 0);
  else begin({ kind: "calm", nodes: Number(nodesSelect.value), seed });
}

function fromAddress(): void {
  const said = readAddress(location.hash);
  if (said !== null) begin(said.beginning, said.interventions, said.event);
}

// --- what is typed and clicked

/** Where the browser gives no clipboard, the text stands in the form, to be copied by hand. */
async function copy(text: string, what: string): Promise<void> {
  const said = find("#copied", HTMLOutputElement);
  try {
    await navigator.clipboard.writeText(text);
    said.textContent = `${what} is in the clipboard`;
  } catch {
    kindSelect.value = "tape";
    tellParts();
    tapeText.value = text;
    tapeText.select();
    said.textContent = `${what} is in the form above, to be copied`;
  }
}

function copyLink(): void {
  const address = addressOf(beginning, play.interventions, play.event);
  if (address === null) find("#copied", HTMLOutputElement).textContent = "No link holds a tape: copy the tape.";
  else void copy(location.href.replace(/#.*$/, "") + address, "the link");
}

function onKey(event: KeyboardEvent): void {
  const { target, key } = event;
  const isTyping =
    target instanceof HTMLSelectElement || target instanceof HTMLTextAreaElement || target instanceof HTMLInputElement;
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  const times = event.shiftKey ? 10 : 1;
  const goal = goalOfKey[key.toLowerCase()];
  const node = /^[1-9]$/.test(key) && Number(key) <= play.simulator.hosts.length ? Number(key) : 0;
  const isOnNode = target instanceof SVGElement && target.dataset["node"] !== undefined;
  if (key === "ArrowLeft") move(() => Array.from({ length: times }).forEach(() => play.back()));
  else if (key === "ArrowRight") move(() => Array.from({ length: times }).forEach(() => play.forward()));
  else if (key === "Home") move(() => play.goTo(0));
  else if (isOnNode && (key === "Enter" || key === " ")) choose(Number(target.dataset["node"]));
  else if (key === " " && !(target instanceof HTMLButtonElement)) player.toggle();
  else if (goal !== undefined) until(goal);
  else if (node !== 0) choose(node);
  else return;
  event.preventDefault();
}

function choose(node: number): void {
  chosen = node;
  tell();
}

function onClick({ target }: MouseEvent): void {
  if (!(target instanceof Element)) return;
  const place = target.closest<HTMLElement | SVGElement>(
    "[data-event]:not(body),[data-node]:not(.log-row),[data-undo],[data-until],[data-deed],[data-a]",
  );
  if (place === null) return;
  const { event, node, undo, until: goal, deed: what, a, b, cut } = place.dataset;
  if (undo !== undefined) move(() => play.undo(Number(undo)));
  else if (event !== undefined) move(() => play.goTo(Number(event)));
  else if (goal !== undefined) until(goal);
  else if (what !== undefined) actOn(what);
  else if (node !== undefined) choose(Number(node));
  else move(() => play.intervene([cut === "1" ? "heal" : "cut", Number(a), Number(b)]));
}

find("#begin", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  submitted();
});
find("#request", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});
kindSelect.addEventListener("change", tellParts);
find("#op", HTMLSelectElement).addEventListener("change", tell);
slider.addEventListener("change", () => move(() => play.goTo(Number(slider.value))));
playButton.addEventListener("click", () => player.toggle());
find("#first", HTMLButtonElement).addEventListener("click", () => move(() => play.goTo(0)));
find("#back", HTMLButtonElement).addEventListener("click", () => move(() => play.back()));
find("#on", HTMLButtonElement).addEventListener("click", () => move(() => play.forward()));
find("#link", HTMLButtonElement).addEventListener("click", copyLink);
find("#tape", HTMLButtonElement).addEventListener("click", () => void copy(printTape(play.tape), "the tape"));
addEventListener("resize", tell);
addEventListener("keydown", onKey);
addEventListener("click", onClick);
addEventListener("hashchange", fromAddress);

const given = pageData();
if (typeof given === "string") {
  tapeText.value = given;
  begin({ kind: "tape", text: given }, [], 0);
} else {
  const said = readAddress(location.hash);
  if (said === null) begin(beginning);
  else begin(said.beginning, said.interventions, said.event);
}
document.body.dataset["ready"] = "yes";
