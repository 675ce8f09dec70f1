/** What somebody does to a run by hand, at which of its events: cuts, crashes and requests, as values that a tape can hold. */
import type { NodeId } from "../core/units.ts";

/** A link is cut or healed in both directions; a process ends, starts or stands still; a client asks one node. */
export type Intervention =
  | readonly [after: number, what: "cut" | "heal", a: NodeId, b: NodeId]
  | readonly [after: number, what: "kill" | "power-cut" | "start" | "pause" | "resume", node: NodeId]
  | readonly [after: number, what: "get" | "delete", node: NodeId, key: string]
  | readonly [after: number, what: "put", node: NodeId, key: string, value: string];

/** What is done, without its moment. */
export type Deed = Intervention extends infer One
  ? One extends readonly [number, ...infer Rest]
    ? Rest
    : never
  : never;

/** Behind the event (0: before the first one) and the word: how many nodes, and how many texts. */
const shapes: Readonly<Record<Intervention[1], readonly [nodes: number, texts: number]>> = {
  cut: [2, 0],
  heal: [2, 0],
  kill: [1, 0],
  "power-cut": [1, 0],
  start: [1, 0],
  pause: [1, 0],
  resume: [1, 0],
  get: [1, 1],
  delete: [1, 1],
  put: [1, 2],
};

/** Keys and values are of the characters U+0020 to U+00FF, and so long at most; a key has one or more. */
export const textLengthMax = 100;

/** Whether a key or a value may be asked with. */
export function isText(text: string): boolean {
  return text.length <= textLengthMax && /^[\u0020-\u00ff]*$/.test(text);
}

/** The first text is the key. */
function isSaid(text: unknown, k: number): boolean {
  return typeof text === "string" && isText(text) && (k > 0 || text !== "");
}

/** Whether `value`, which was read from somewhere, is one for a run of so many nodes. */
export function isIntervention(value: unknown, nodes: number): value is Intervention {
  if (!Array.isArray(value)) return false;
  const [after, what, ...parts] = value as readonly unknown[];
  if (!Number.isSafeInteger(after) || (after as number) < 0 || typeof what !== "string") return false;
  if (!Object.hasOwn(shapes, what)) return false;
  const [ids, texts] = shapes[what as Intervention[1]];
  const isNode = (id: unknown): boolean => Number.isSafeInteger(id) && (id as number) >= 1 && (id as number) <= nodes;
  const named = parts.slice(0, ids);
  return (
    parts.length === ids + texts && named.every(isNode) && new Set(named).size === ids && parts.slice(ids).every(isSaid)
  );
}

/** In words, without its moment. */
export function deedWords([what, node, a, b]: Deed): string {
  switch (what) {
    case "cut":
      return `cut the link n${node} – n${a}`;
    case "heal":
      return `heal the link n${node} – n${a}`;
    case "kill":
      return `kill the process of n${node}`;
    case "power-cut":
      return `cut the power of n${node}`;
    case "start":
      return `start n${node}`;
    case "pause":
      return `pause n${node}`;
    case "resume":
      return `resume n${node}`;
    case "get":
    case "delete":
      return `${what} ${a} at n${node}`;
    case "put":
      return `put ${a} = ${b} at n${node}`;
    default:
      return what satisfies never;
  }
}
