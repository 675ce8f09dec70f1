/** The causal cone of an event: all that can have had a part in it, by the order on each node and by messages (Lamport 1978). */
import type { Line } from "../trace/recorder.ts";
import { clientKinds } from "./states.ts";

/** One flag a line. `nodes`: where the last event is; all lines up to the end are looked at. */
export function coneOf(lines: readonly Line[], nodes: readonly number[]): Uint8Array {
  const inCone = new Uint8Array(lines.length);
  const reached = new Set(nodes);
  const wanted = new Set<number>();
  for (let k = lines.length - 1; k >= 0; k--) {
    const { kind, node, a, message } = lines[k]!;
    if (clientKinds.has(kind)) {
      // A client's question is a message to the node that it asks.
      if (kind === "call" && reached.has(a)) inCone[k] = 1;
      continue;
    }
    if (kind === "send" && wanted.has(message)) reached.add(node);
    if (!reached.has(node)) continue;
    inCone[k] = 1;
    if (kind === "receive") wanted.add(message);
  }
  return inCone;
}
