/** The cluster as a ring: nodes with their role and term, links, and messages under way. */
import { type NodeState, standingOf } from "../../sim/report/states.ts";
import { roleNames } from "../../sim/trace/vocabulary.ts";
import { find, svg } from "../dom.ts";
import type { Flying } from "./moment.ts";

/** What the ring shows. `isCut`: whether nothing passes that way. */
export type RingShown = {
  readonly states: readonly NodeState[];
  readonly shown: readonly number[];
  readonly chosen: number;
  readonly flying: readonly Flying[];
  readonly isCut: (from: number, to: number) => boolean;
};
type Place = { readonly x: number; readonly y: number };

const size = 420;
const nodeRadius = 38;
const roleClasses = ["runs", "stands", "stands", "leads"];
/** Those that do not fit into a circle. */
const shortRoles: Readonly<Record<string, string>> = { "pre-candidate": "pre-cand.", "never started": "not there" };

const ring = find("#ring", SVGSVGElement);

function placeOf(k: number, count: number): Place {
  if (count === 1) return { x: size / 2, y: size / 2 };
  const angle = (2 * Math.PI * k) / count - Math.PI / 2;
  const radius = size / 2 - nodeRadius - 8;
  return { x: size / 2 + radius * Math.cos(angle), y: size / 2 + radius * Math.sin(angle) };
}

export function drawRing({ states, shown, chosen, flying, isCut }: RingShown): void {
  const places = new Map(shown.map((id, k) => [id, placeOf(k, shown.length)]));
  const lowest = Math.max(...[...places.values()].map(({ y }) => y));
  ring.setAttribute("viewBox", `0 0 ${size} ${Math.ceil(lowest + nodeRadius + 4)}`);
  const parts: SVGElement[] = [];
  for (const [k, a] of shown.entries())
    for (const b of shown.slice(k + 1)) parts.push(...linkOf(a, b, places.get(a)!, places.get(b)!, isCut));
  for (const id of shown) parts.push(nodeOf(id, states[id - 1]!, places.get(id)!, id === chosen));
  const atOnce = new Map<string, number>();
  for (const one of flying) {
    const [from, to] = [places.get(one.from), places.get(one.to)];
    if (from === undefined || to === undefined) continue;
    const way = `${one.from} ${one.to}`;
    const nth = atOnce.get(way) ?? 0;
    atOnce.set(way, nth + 1);
    parts.push(messageOf(one, from, to, nth));
  }
  ring.replaceChildren(...parts);
}

function linkOf(a: number, b: number, from: Place, to: Place, isCut: RingShown["isCut"]): SVGElement[] {
  const [isForthCut, isBackCut] = [isCut(a, b), isCut(b, a)];
  const ends = { x1: from.x, y1: from.y, x2: to.x, y2: to.y };
  const line = svg("line", { ...ends, class: `link${isForthCut || isBackCut ? " cut" : ""}` });
  const hit = svg("line", {
    ...ends,
    class: "hit",
    "data-a": a,
    "data-b": b,
    "data-cut": isForthCut || isBackCut ? 1 : 0,
  });
  const said =
    isForthCut && isBackCut
      ? "cut"
      : isForthCut || isBackCut
        ? `nothing passes from ${isForthCut ? `n${a} to n${b}` : `n${b} to n${a}`}`
        : "whole";
  hit.append(svg("title", {}, `link n${a} – n${b}: ${said}. Click to ${said === "whole" ? "cut" : "heal"} it.`));
  if (said === "whole") return [line, hit];
  const mark = svg("text", { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 + 5, class: "middle cut-mark" }, "✕");
  return [line, mark, hit];
}

function nodeOf(id: number, state: NodeState, { x, y }: Place, isChosen: boolean): SVGElement {
  const group = svg("g", { class: `node${isChosen ? " here" : ""}`, "data-node": id, tabindex: 0, role: "button" });
  const isUp = state.life === "runs" && state.takesPart;
  const kind = isUp
    ? roleClasses[state.role]!
    : state.life === "paused"
      ? "paused"
      : state.life === "runs"
        ? "starts"
        : "down";
  const role = standingOf(state, roleNames);
  group.append(
    svg("title", {}, `n${id}: ${role}, term ${state.term}. Click to choose it.`),
    svg("circle", { cx: x, cy: y, r: nodeRadius, class: kind }),
    svg("text", { x, y: y - 6, class: "middle name" }, `n${id}`),
    svg("text", { x, y: y + 10, class: "middle" }, isUp ? `term ${state.term}` : ""),
    svg("text", { x, y: y + (isUp ? 24 : 12), class: "middle small" }, shortRoles[role] ?? role),
  );
  return group;
}

/** Beside the line, to the right of its way, so that two ways are told apart; behind one another where several are at one place. */
function messageOf({ from, to, share, words, isReply }: Flying, start: Place, end: Place, nth: number): SVGElement {
  const [dx, dy] = [end.x - start.x, end.y - start.y];
  const length = Math.max(1, Math.hypot(dx, dy));
  const along = (nodeRadius + Math.min(1, Math.max(0, share)) * (length - 2 * nodeRadius)) / length;
  const aside = 7 + 8 * (nth % 4);
  const [x, y] = [start.x + dx * along - (dy / length) * aside, start.y + dy * along + (dx / length) * aside];
  const kind = isReply ? " answer" : words.startsWith("RequestVote") || words.startsWith("PreVote") ? " request" : "";
  const [ux, uy] = [dx / length, dy / length];
  const points = [
    [x + 8 * ux, y + 8 * uy],
    [x - 5 * ux - 6 * uy, y - 5 * uy + 6 * ux],
    [x - 5 * ux + 6 * uy, y - 5 * uy - 6 * ux],
  ];
  const head = svg("polygon", { points: points.map((one) => one.join(",")).join(" "), class: `flying${kind}` });
  head.append(svg("title", {}, `n${from} → n${to}  ${words}`));
  return head;
}
