/** The run that the page was written with, and what every node was and held after any of its lines. */
import { logAfter, noted, type NodeLog } from "../../sim/report/logs.ts";
import { fateNames, messageWords, type PageMessage } from "../../sim/report/messages.ts";
import type { PageData } from "../../sim/report/page-data.ts";
import { after, clientKinds, type NodeState } from "../../sim/report/states.ts";
import type { TraceKind } from "../../sim/trace/vocabulary.ts";
import { pageData } from "../dom.ts";

/** All nodes after a line. `changed`: the node that this line changed, 0 for none, and what it was before. */
export type Moment = {
  readonly states: readonly NodeState[];
  readonly logs: readonly NodeLog[];
  readonly changed: number;
  readonly before: NodeState | null;
};
type Kept = { readonly states: readonly NodeState[]; readonly logs: readonly NodeLog[]; readonly note: number };

/** How many lines apart states are kept. */
const keptEvery = 1000;

export const data = pageData() as PageData;
export const { lines, nodes } = data;
/** One flag a line: it can have had a part in the end. */
export const inCone = coneFlags();
/** Of each message: the line at which it was sent, and whether any copy has arrived. */
export const sendOf = new Map<number, number>();
export const hasArrived = new Set<number>();
const fateOf = new Map<number, number>(data.fates);
const kept = keptMoments();

function coneFlags(): Uint8Array {
  const flags = new Uint8Array(lines.length);
  let k = 0;
  for (const [turn, run] of data.cone.entries()) {
    flags.fill(turn % 2, k, k + run);
    k += run;
  }
  return flags;
}

export function kindOf(k: number): TraceKind {
  return data.kinds[lines[k]![1]]!;
}

export function timeOf(k: number): number {
  return lines[k]![0];
}

export function seconds(micros: number): string {
  return `${(micros / 1e6).toFixed(6)} s`;
}

/** The numbers of a message that matter; null where the line is of none. */
export function messageAt(k: number): PageMessage | null {
  const number = lines[k]![6];
  return number === 0 ? null : (data.messages[number - data.firstMessage] ?? null);
}

/** What the message of line k says, as the Raft paper has it. */
export function contentOf(k: number): string {
  const [, , , , term, kind] = lines[k]!;
  return messageWords(data.messageNames[kind] ?? "", term, messageAt(k) ?? []);
}

/** Why the message sent at line k has not arrived; "" where it has. */
export function fateAt(k: number): string {
  const number = lines[k]![6];
  if (hasArrived.has(number)) return "";
  const fate = fateNames[fateOf.get(number) ?? 0];
  return fate === "cut"
    ? "the link is cut"
    : fate === "" || fate === undefined
      ? "not arrived by the end"
      : `${fate} on the way`;
}

export function wordsOf(k: number): string {
  const [, kind, node, a, b, c] = lines[k]!;
  const name = kindOf(k);
  if (name === "send") return `n${node} → n${a}  ${contentOf(k)}${fateAt(k) === "" ? "" : ` — ${fateAt(k)}`}`;
  if (name === "receive") return `n${node} ← n${a}  ${contentOf(k)}`;
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

/** The first line at or after `time`. */
export function lineAt(time: number): number {
  let [low, high] = [0, lines.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (timeOf(middle) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Takes line k and its notes, of which `note` is the next, into both. Returns the next note after them. */
function step(states: NodeState[], logs: NodeLog[], k: number, note: number): number {
  const [, , node, a, b, c] = lines[k]!;
  const kind = kindOf(k);
  const state = clientKinds.has(kind) ? undefined : states[node - 1];
  if (state !== undefined) {
    states[node - 1] = after(state, { kind, a, b, c });
    logs[node - 1] = logAfter(logs[node - 1]!, kind);
  }
  let next = note;
  for (; next < data.notes.length && data.notes[next]![0] <= k; next++) {
    const one = data.notes[next]!;
    logs[one[1] - 1] = noted(logs[one[1] - 1]!, one);
  }
  return next;
}

/** What was before every thousandth line. */
function keptMoments(): readonly Kept[] {
  const found: Kept[] = [];
  const [states, logs] = [[...data.initial], [...data.initialLogs]];
  let note = 0;
  for (let k = 0; k < lines.length; k++) {
    if (k % keptEvery === 0) found.push({ states: [...states], logs: [...logs], note });
    note = step(states, logs, k, note);
    const message = lines[k]![6];
    if (kindOf(k) === "send" && !sendOf.has(message)) sendOf.set(message, k);
    else if (kindOf(k) === "receive") hasArrived.add(message);
  }
  return found;
}

export function momentAt(k: number): Moment {
  const from = Math.floor(k / keptEvery);
  const { states: keptStates, logs: keptLogs, note: keptNote } = kept[from]!;
  const [states, logs] = [[...keptStates], [...keptLogs]];
  let note = keptNote;
  for (let i = from * keptEvery; i < k; i++) note = step(states, logs, i, note);
  const before = [...states];
  step(states, logs, k, note);
  const changed = states.findIndex((state, node) => state !== before[node]) + 1;
  return { states, logs, changed, before: before[changed - 1] ?? null };
}
