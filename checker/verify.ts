/** The judge of the engines: whether an order explains a history. It knows nothing of how the order was found. */
import type { Model } from "./model.ts";

type Answered = { readonly call: number; readonly return: number | null; readonly outcome: string };

/**
 * Null if `order` explains `operations`, else why not. The order holds each operation that happened once, each of
 * unknown outcome at most once, and no other. If `a` returned before `b` was called, `b` does not stand before `a`. The
 * model gives each answer.
 */
export function whyNotWitness<State, Op extends Answered>(
  model: Model<State, Op, Op>,
  operations: readonly Op[],
  order: readonly Op[],
): string | null {
  const placed = new Set(order);
  if (placed.size !== order.length) return "an operation stands twice in the order";
  for (const operation of operations) {
    const { outcome } = operation;
    if ((outcome === "ok" || outcome === "mismatch") && !placed.delete(operation))
      return "one that happened is missing";
    if (outcome === "unknown") placed.delete(operation);
  }
  if (placed.size > 0) return "one that did not happen is in the order";
  let state = model.initial;
  let latestCall = -Infinity;
  for (const operation of order) {
    if (operation.return !== null && operation.return < latestCall)
      return "one stands behind an operation that it precedes";
    latestCall = Math.max(latestCall, operation.call);
    const after = model.step(state, operation, operation.outcome === "unknown" ? undefined : operation);
    if (after === undefined) return "an answer is not what the model gives";
    state = after;
  }
  return null;
}
