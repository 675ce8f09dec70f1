/** That nothing a node has begun goes on for ever: I23 bounded waits. */
import type { Micros, NodeId } from "../../core/units.ts";
import { must } from "../violation.ts";

/** What a node waits for, in words. */
export const waitKinds = {
  handOver: "hands over its leadership",
  joint: "leads in a joint configuration, with a quorum of both halves",
  promotion: "leads, and a learner that is to vote holds its log",
  sending: "sends a snapshot to a peer that hears it, and the peer comes no further",
  install: "has a durable snapshot that is not its state",
  received: "has received a snapshot that is not durable",
  heldLog: "has a log whose beginning is durable elsewhere",
  heldSegment: "has a segment of its log that nothing needs",
  unmarked: "has durable records above the watermark of its log",
  logQueue: "has entries in its log that are not durable",
  applyQueue: "has committed entries that are not applied",
  change: "has a change request without an answer",
} as const satisfies Record<string, string>;

/** A wait has a kind and, told by who watches it, a key that changes with all progress. */
export type WaitKind = keyof typeof waitKinds;

/** I23. `id` has waited for `micros`, in which it and all whom that takes were up, undisturbed and connected. */
export function waitMustEnd(id: NodeId, kind: WaitKind, micros: Micros, microsMax: Micros): void {
  must(micros <= microsMax, "I23", () => {
    return `n${id} ${waitKinds[kind]}, for ${micros} us of the ${microsMax} us that this may take`;
  });
}

/** I23. The leader `id` sends one piece of a snapshot to `to` for the `tries`-th time in a row. */
export function snapshotPieceMustNotBeSentForEver(id: NodeId, to: NodeId, tries: number, triesMax: number): void {
  must(tries <= triesMax, "I23", () => `n${id} sends n${to} one piece of a snapshot ${tries} times in a row`);
}
