/** Each node's log at a moment, as figures 6 to 8 of the Raft paper draw it: a row of boxes, and what belongs to it. */
import type { PageEntry } from "../sim/report/entries.ts";
import { endOf, leftOf, type NodeLog } from "../sim/report/logs.ts";
import { type NodeState, standingOf } from "../sim/report/states.ts";
import { html } from "./dom.ts";

/** All nodes at a moment, and what their numbers mean. */
export type LogsShown = {
  readonly states: readonly NodeState[];
  readonly logs: readonly NodeLog[];
  /** Of every log, by its number. */
  readonly entries: readonly PageEntry[];
  readonly roleNames: readonly string[];
  /** The nodes that stand out. */
  readonly blamed: readonly number[];
};
type Drawn = Pick<LogsShown, "entries" | "roleNames" | "blamed"> & { readonly all: readonly NodeLog[] };

const boxWidth = 30;
/** One after the other, as terms rise. */
const termClasses = ["t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7"];

/** The entry at `index`, or -1. */
function entryAt({ base, entries }: NodeLog, index: number): number {
  return entries[index - base - 1] ?? -1;
}

/** The indexes that are drawn: where logs end, begin, differ or are committed; then as many before the end as there is room for. */
function columnsOf(logs: readonly NodeLog[], states: readonly NodeState[], room: number): number[] {
  const last = Math.max(0, ...logs.map(({ base, entries }) => base + entries.length));
  const wanted = new Set<number>();
  const want = (index: number): void => void (index >= 1 && index <= last && wanted.size < room && wanted.add(index));
  for (const [k, log] of logs.entries()) {
    const end = log.base + log.entries.length;
    for (const index of [end, end + 1, end - 1, log.durable, states[k]!.commit, states[k]!.commit + 1]) want(index);
  }
  for (let index = last; index > 0 && index > last - 4 * room && wanted.size < room; index--) {
    const held = new Set(logs.map((log) => entryAt(log, index)).filter((entry) => entry !== -1));
    if (held.size > 1) want(index);
  }
  for (let index = last; index > 0 && wanted.size < room; index--) want(index);
  return [...wanted].toSorted((a, b) => a - b);
}

function voteName(id: number): string {
  return id === 0 ? "none" : `n${id}`;
}

function gap(): HTMLElement {
  return html("span", "⋯", "gap");
}

/** Shows them in `place`, for `shown` nodes only. */
export function showLogs(
  place: HTMLElement,
  { states, logs: kept, ...names }: LogsShown,
  shown: readonly number[],
): void {
  const logs = kept.map(leftOf);
  const visible = shown.map((node) => logs[node - 1]!);
  const drawn: Drawn = { ...names, all: visible };
  const isNarrow = place.clientWidth < 700;
  const room = Math.max(6, Math.floor((place.clientWidth - (isNarrow ? 0 : 330)) / (boxWidth + 2)) - 3);
  const columns = columnsOf(
    visible,
    shown.map((node) => states[node - 1]!),
    room,
  );
  const rows = shown.map((node) => rowOf(node, states[node - 1]!, logs[node - 1]!, columns, drawn));
  place.replaceChildren(headOf(columns), ...rows);
}

function headOf(columns: readonly number[]): HTMLElement {
  const row = html("div", "", "log-row");
  const boxes = html("div", "", "boxes head");
  for (const [k, index] of columns.entries()) {
    if (k > 0 && columns[k - 1] !== index - 1) boxes.append(gap());
    boxes.append(html("span", String(index), "index"));
  }
  row.append(html("div", "log index", "log-of muted"), boxes);
  return row;
}

function rowOf(node: number, state: NodeState, log: NodeLog, columns: readonly number[], drawn: Drawn): HTMLElement {
  const row = html("div", "", `log-row${drawn.blamed.includes(node) ? " blamed" : ""}`);
  row.dataset["node"] = String(node);
  row.append(nodeOf(node, state, log, drawn), boxesOf(node, state, log, columns, drawn));
  return row;
}

/** By the number of a role, as `roleNames` has them. */
const roleClasses = ["role-0", "role-1", "role-2", "role-3"];

/** What Raft keeps beside the log. */
function nodeOf(node: number, state: NodeState, log: NodeLog, { entries, roleNames }: Drawn): HTMLElement {
  const about = html("div", "", "log-of");
  const isUp = state.life === "runs" && state.takesPart;
  about.append(
    html("b", `n${node}`),
    html("span", standingOf(state, roleNames), `badge ${isUp ? roleClasses[state.role]! : "off"}`),
  );
  const [last, lastTerm] = endOf(log, (entry) => entries[entry]![1]);
  about.append(html("span", `term ${log.term} · vote ${voteName(log.vote)} · last (${last}, ${lastTerm})`, "hard"));
  if (log.term !== log.durableTerm || log.vote !== log.durableVote)
    about.append(html("span", `on disk: term ${log.durableTerm}, vote ${voteName(log.durableVote)}`, "undurable"));
  return about;
}

function boxesOf(node: number, state: NodeState, log: NodeLog, columns: readonly number[], drawn: Drawn): HTMLElement {
  const boxes = html("div", "", "boxes");
  let snapshot: HTMLElement | null = null;
  for (const [k, index] of columns.entries()) {
    const hasGap = k > 0 && columns[k - 1] !== index - 1;
    if (index <= log.base) {
      if (snapshot === null) {
        snapshot = html("span", "", "snapshot");
        snapshot.title = `n${node}: a snapshot up to entry ${log.base} (term ${log.baseTerm})`;
        snapshot.dataset["columns"] = "0";
        boxes.append(snapshot);
      }
      const width = Number(snapshot.dataset["columns"]) + 1 + (hasGap ? 0.6 : 0);
      snapshot.dataset["columns"] = String(width);
      snapshot.style.width = `${width * (boxWidth + 2) - 2}px`;
      snapshot.textContent = width < 3 ? "" : `snapshot ≤ ${log.base}`;
    } else {
      if (hasGap) boxes.append(gap());
      boxes.append(boxOf(node, state, log, index, drawn));
    }
    if (index === state.commit && state.life !== "never started") boxes.lastElementChild!.classList.add("commit");
  }
  return boxes;
}

function boxOf(node: number, state: NodeState, log: NodeLog, index: number, { entries, all }: Drawn): HTMLElement {
  const entry = entryAt(log, index);
  if (entry === -1) return html("span", "", "box none");
  const [, term, words] = entries[entry]!;
  const differs = all.some((other) => ![-1, entry].includes(entryAt(other, index)));
  const isDurable = index <= log.durable;
  const classes = ["box", termClasses[term % termClasses.length]!, isDurable ? "" : "hollow", differs ? "differs" : ""];
  const box = html("span", String(term), classes.filter((one) => one !== "").join(" "));
  const committed = index <= state.commit ? "committed" : "not committed";
  box.title = `n${node}, entry ${index}, term ${term}: ${words} — ${isDurable ? "durable" : "not durable"}, ${committed} as far as n${node} knows${differs ? "; another node holds another entry here" : ""}`;
  box.dataset["index"] = String(index);
  return box;
}
