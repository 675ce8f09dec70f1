/** One self-contained page about one history: what contradicts what, or the order that explains it. Works offline. */
import type { History, Operation, Transaction } from "../history.ts";
import type { Verdict } from "../index.ts";
import type { Times } from "../times.ts";
import { label } from "../words.ts";
import { dataHtml, filled } from "./html.ts";
import type { PageData } from "./page-data.ts";
import { template } from "./page-template.js";
import { windowOf } from "./window.ts";

type Any = Operation | Transaction;

const keysMax = 500;

function headline(verdict: Verdict): string {
  if (verdict.verdict === "illegal") return verdict.sentence;
  if (verdict.verdict === "unknown") return `key ${verdict.key}: ${verdict.reason}`;
  return "an order of the operations explains every answer";
}

function keysOf(history: History, shown: string): PageData["keys"] {
  const counts = new Map<string, number>();
  for (const operation of history) {
    const name = operation.op === "txn" ? operation.value.map(([, key]) => key).join(", ") : operation.key;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const all = [...counts].map(([name, count]) => ({ name, count, isShown: name === shown }));
  return [...all.filter(({ isShown }) => isShown), ...all.filter(({ isShown }) => !isShown)].slice(0, keysMax);
}

/** The page's HTML. `title`: where the history came from. */
export function page(title: string, history: History, verdict: Verdict, times: Times): string {
  const { key, operations, total, core, order, states, stuck } = windowOf(history, verdict);
  const place = new Map(operations.map((operation, k) => [operation, k]));
  const say = (operation: Any): string => {
    const end = operation.return === null ? "no answer" : times.at(operation.return);
    const revision = operation.revision === undefined ? "" : `, revision ${operation.revision}`;
    return `client ${operation.client}: ${label(operation)} (${times.at(operation.call)} .. ${end}, ${operation.outcome}${revision})`;
  };
  const stuckOnes = new Set(stuck);
  const roleOf = (operation: Any): PageData["operations"][number]["role"] => {
    if (verdict.verdict === "illegal" && stuckOnes.has(operation)) return "stuck";
    return core.has(operation) ? "core" : "plain";
  };
  const data: PageData = {
    operations: operations.map((operation) => ({
      client: operation.client,
      call: operation.call,
      end: operation.return,
      label: label(operation),
      title: say(operation),
      role: roleOf(operation),
    })),
    order: order.map((operation, k) => {
      const state = k < states.length ? ` -> ${states[k] ?? "nothing"}` : "";
      return { operation: place.get(operation) ?? null, text: `${say(operation)}${state}` };
    }),
    stuck: stuck.map((operation) => `${say(operation)} fits nowhere here`),
    keys: keysOf(history, key),
  };
  const shown =
    operations.length < total ? `${operations.length} of its ${total} operations are shown` : `all ${total} operations`;
  const orderHeading =
    verdict.verdict === "ok"
      ? "An order, and what the key holds after each"
      : "The longest order of those that contradict each other, and what the key holds after each";
  return filled(template, {
    verdict: verdict.verdict,
    title,
    sentence: headline(verdict),
    key,
    shown,
    orderHeading,
    data: dataHtml(data),
  });
}
