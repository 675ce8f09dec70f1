/** One self-contained page about one history: what contradicts what, or the order that explains it. Works offline. */
import type { History, Operation, Transaction } from "../history.ts";
import type { Verdict } from "../index.ts";
import { type Part, partition } from "../partition.ts";
import { spoken, spokenValue } from "../spoken.ts";
import type { Times } from "../times.ts";
import { label } from "../words.ts";
import { dataHtml, filled } from "./html.ts";
import type { PageData, View } from "./page-data.ts";
import { template } from "./page-template.js";
import { type Window, windowAround, windowFromStart } from "./window.ts";

type Any = Operation | Transaction;

const keysMax = 500;
const keyLengthMax = 60;
/** Operations shown of keys that the verdict is not about: of each key, and of all. */
const othersMaxOfKey = 40;
const othersMax = 400;

const orderHeadings = {
  ok: "An order, and what the key holds after each",
  illegal: "The longest order of those that contradict each other, and what the key holds after each",
  unknown: "Where the search ended",
} as const;

function headline(verdict: Verdict): string {
  if (verdict.verdict === "illegal") return verdict.sentence;
  if (verdict.verdict === "unknown") return `key ${spoken(verdict.key)}: ${verdict.reason}`;
  return "an order of the operations explains every answer";
}

/** The page's HTML. `title`: where the history came from. */
export function page(title: string, history: History, verdict: Verdict, times: Times): string {
  const parts = partition(history);
  const isSubject = ({ name }: Part): boolean => verdict.verdict !== "ok" && name === verdict.key;
  const listed = [...parts.filter(isSubject), ...parts.filter((part) => !isSubject(part))].slice(0, keysMax);
  const views: View[] = [];
  let others = 0;
  const keys = listed.map((part, k) => {
    const { name, operations } = part;
    const entry = { name: spoken(name, keyLengthMax), count: operations.length };
    if (others >= othersMax) return { ...entry, view: null };
    const order = verdict.verdict === "ok" ? verdict.order.get(name) : undefined;
    const window =
      verdict.verdict !== "ok" && isSubject(part)
        ? windowAround(part, verdict)
        : windowFromStart(part, order ?? [], k === 0 ? undefined : othersMaxOfKey);
    if (k > 0) others += window.operations.length;
    const kind = isSubject(part) ? verdict.verdict : order === undefined ? null : "ok";
    return { ...entry, view: views.push(viewOf(entry.name, window, kind, times)) - 1 };
  });
  if (views.length === 0)
    views.push(viewOf("", windowFromStart({ name: "", operations: [], isJoined: false }, []), "ok", times));
  const data: PageData = { views, keys };
  return filled(template, { verdict: verdict.verdict, title, sentence: headline(verdict), data: dataHtml(data) });
}

/** `kind`: of the verdict about this part; null: it was not decided. */
function viewOf(name: string, window: Window, kind: Verdict["verdict"] | null, times: Times): View {
  const { operations, total, core, order, states, stuck } = window;
  const place = new Map(operations.map((operation, k) => [operation, k]));
  const stuckOnes = new Set(stuck);
  const say = (operation: Any): string => sentenceOf(operation, times);
  const roleOf = (operation: Any): View["operations"][number]["role"] => {
    if (kind === "illegal" && stuckOnes.has(operation)) return "stuck";
    return core.has(operation) ? "core" : "plain";
  };
  const shown =
    operations.length < total ? `${operations.length} of its ${total} operations are shown` : `all ${total} operations`;
  return {
    heading: `Key ${name}: ${shown}`,
    orderHeading: kind === null ? "This key was not decided" : orderHeadings[kind],
    operations: operations.map((operation) => ({
      client: operation.client,
      call: operation.call,
      end: operation.return,
      label: label(operation),
      title: say(operation),
      role: roleOf(operation),
    })),
    order: order.map((operation, k) => {
      const state = k < states.length ? ` -> ${spokenValue(states[k] ?? null)}` : "";
      return { operation: place.get(operation) ?? null, text: `${say(operation)}${state}` };
    }),
    stuck: stuck.map((operation) => `${say(operation)} ${kind === "unknown" ? "was next" : "fits nowhere here"}`),
  };
}

function sentenceOf(operation: Any, times: Times): string {
  const end = operation.return === null ? "no answer" : times.at(operation.return);
  const revision = operation.revision === undefined ? "" : `, revision ${operation.revision}`;
  return `client ${operation.client}: ${label(operation)} (${times.at(operation.call)} .. ${end}, ${operation.outcome}${revision})`;
}
