/** Shapes in which a network falls apart. */
import type { Micros, NodeId } from "../../core/units.ts";

/** One directed link is cut, `after` the strike; or, clogged, it holds what is sent and releases it all at the end. */
export type Cut = {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly after: Micros;
  readonly micros: Micros;
  readonly isClog: boolean;
};

/** Families of faults, each of which cuts or clogs links in its own way. */
export const shapes = ["brokenLink", "bridge", "ring", "flapping", "clog"] as const;
/** What a shape cuts is in `cutsOf`. */
export type Shape = (typeof shapes)[number];

/** The cuts of a strike that lasts `length`. `draw(bound, k)`: its k-th own draw. */
export function cutsOf(
  shape: Shape,
  ids: readonly NodeId[],
  length: Micros,
  draw: (bound: number, k: number) => number,
): Cut[] {
  const cuts: Cut[] = [];
  const both = (a: NodeId, b: NodeId, after: Micros, micros: Micros): void => {
    if (a === b) return;
    cuts.push({ from: a, to: b, after, micros, isClog: false }, { from: b, to: a, after, micros, isClog: false });
  };
  const at = (k: number): NodeId => ids[k % ids.length]!;
  switch (shape) {
    case "brokenLink": {
      // Two do not hear each other, and everybody else hears both.
      const first = draw(ids.length, 0);
      both(at(first), at(first + 1 + draw(Math.max(1, ids.length - 1), 1)), 0, length);
      return cuts;
    }
    case "bridge": {
      // Two halves, and one node between them that hears both.
      const first = draw(ids.length, 0);
      const half = Math.floor((ids.length - 1) / 2);
      for (let a = 1; a <= half; a++)
        for (let b = half + 1; b < ids.length; b++) both(at(first + a), at(first + b), 0, length);
      return cuts;
    }
    case "ring": {
      // Each hears only those beside it: everybody sees a majority, and each another one.
      const reach = Math.max(1, Math.floor(ids.length / 4));
      for (let a = 0; a < ids.length; a++) {
        for (let b = a + 1; b < ids.length; b++) {
          const distance = Math.min(b - a, ids.length - (b - a));
          if (distance > reach) both(ids[a]!, ids[b]!, 0, length);
        }
      }
      return cuts;
    }
    case "flapping": {
      // One node is away and back, again and again.
      const node = at(draw(ids.length, 0));
      const times = 2 + draw(6, 1);
      const period = Math.max(2_000, Math.floor(length / times));
      for (let k = 0; k < times; k++) for (const id of ids) both(node, id, k * period, Math.floor(period / 2));
      return cuts;
    }
    case "clog": {
      // Swizzle: links of a node clog one by one, and open in another order.
      const node = at(draw(ids.length, 0));
      for (const [k, id] of ids.entries()) {
        if (id === node) continue;
        const after = draw(Math.max(1, Math.floor(length / 2)), 10 + k);
        const micros = 1_000 + draw(length, 30 + k);
        const isOutgoing = draw(3, 50 + k);
        if (isOutgoing !== 0) cuts.push({ from: node, to: id, after, micros, isClog: true });
        if (isOutgoing !== 1) cuts.push({ from: id, to: node, after, micros, isClog: true });
      }
      return cuts;
    }
    default:
      return shape satisfies never;
  }
}
