/**
 * Faults that wait for the moment at which they hurt: just after an acknowledgement left, while a vote is on its way, in
 * the first turn of a leadership. Each moment of each node is an occasion of its own.
 */
import type { NodeId } from "../../core/units.ts";
import type { Draws } from "../draws.ts";
import { keyOfNode, occasionOf } from "../keys.ts";
import { type TargetedAction, targetedActions } from "../plan/families.ts";
import type { Plan } from "../plan/plan.ts";

/** `often`: of so many moments of the kind one counts, so that rare ones are struck about as often as common ones. */
const moments = {
  /** A node is asked for its vote, or whether it would give it; the question is on its way. */
  voteAsked: { code: 1, often: 2 },
  /** A node has granted a vote. */
  voteGranted: { code: 2, often: 1 },
  elected: { code: 3, often: 1 },
  /** A node has acknowledged entries or a heartbeat. */
  acknowledged: { code: 4, often: 40 },
  /** A leader's commit index has moved. */
  committed: { code: 5, often: 40 },
  /** A piece of a snapshot is on its way to the node. */
  snapshotSent: { code: 6, often: 10 },
  installed: { code: 7, often: 1 },
  /** A node takes part again, after a start. */
  recovered: { code: 8, often: 1 },
  /** The operator's change request has reached a node, or one is answered. */
  changed: { code: 9, often: 1 },
  /** A node's configuration has become joint, or has ceased to be. */
  joint: { code: 10, often: 1 },
} as const;
/** A moment at which a fault hurts most. */
export type Moment = keyof typeof moments;

/** One for each run. It only draws; what a strike does is the nemesis's. */
export class TargetedFaults {
  readonly #draws: Draws;
  readonly #strength: number;
  readonly #strike: (action: TargetedAction, node: NodeId, occasion: number) => void;
  /** By moment and node: how often it has come. */
  readonly #seen = new Map<number, number>();

  /** `strike` is called in the moment itself, in the middle of a turn. */
  constructor(draws: Draws, plan: Plan, strike: (action: TargetedAction, node: NodeId, occasion: number) => void) {
    this.#draws = draws;
    this.#strength = plan.faults.targeted;
    this.#strike = strike;
  }

  observe(moment: Moment, node: NodeId): void {
    const { code, often } = moments[moment];
    const which = keyOfNode(code, node);
    const count = this.#seen.get(which) ?? 0;
    this.#seen.set(which, count + 1);
    if (!this.#draws.chance(this.#strength / often, "targeted", code, node, count)) return;
    const occasion = occasionOf(which, count);
    this.#strike(
      targetedActions[this.#draws.below(targetedActions.length, "targetedAction", occasion)]!,
      node,
      occasion,
    );
  }
}
