/**
 * A leader is cut off from the others, not from its clients. Once another leader has committed something, the old
 * leader is back and the new one goes down: entries that only one of them holds meet those of the other (paper, figures
 * 7 and 8).
 */
import type { Micros, NodeId } from "../../core/units.ts";

/** What an isolation asks of the nemesis, which draws and acts. */
export interface IsolationWorld {
  readonly now: Micros;
  /** Whether the leader `id` is to be deposed now. */
  strikes(id: NodeId): boolean;
  cutOff(id: NodeId): void;
  /** `old` hears the others again, and `successor` goes down. */
  turn(old: NodeId, successor: NodeId): void;
}

/** One for each run: one leader at a time is cut off. */
export class LeaderIsolation {
  readonly #world: IsolationWorld;
  /** The leader that is cut off, and until when; 0: none. */
  #old: NodeId = 0;
  #until: Micros = 0;
  readonly #micros: Micros;

  /** A leader stays cut off for `micros`, if no other comes before. */
  constructor(world: IsolationWorld, micros: Micros) {
    this.#world = world;
    this.#micros = micros;
  }

  /** The leader `id` has committed something. */
  committed(id: NodeId): void {
    const { now } = this.#world;
    if (this.#old === 0 || now >= this.#until) {
      this.#old = 0;
      if (!this.#world.strikes(id)) return;
      this.#old = id;
      this.#until = now + this.#micros;
      this.#world.cutOff(id);
    } else if (id !== this.#old) {
      this.#world.turn(this.#old, id);
      this.#old = 0;
    }
  }
}
