/** Machines that come back at another address: one, or all at once, each told at its start where the others are now. */
import type { Micros } from "../../core/units.ts";
import type { Draws } from "../draws.ts";
import type { Trace } from "../trace/trace.ts";
import type { Host } from "../world/host.ts";
import type { Addresses } from "../world/addresses.ts";

/** What the moves ask of the nemesis. */
export interface MovingWorld {
  readonly now: Micros;
  readonly hosts: readonly Host[];
  /** Kills the process, which is back within `most`. */
  knockDown(host: Host, most: Micros): void;
}

const allDownMicros: Micros = 2_000_000;

/** One for each run. Only runs whose messages travel on streams have any. */
export class Moves {
  readonly #world: MovingWorld;
  readonly #addresses: Addresses;
  readonly #draws: Draws;
  readonly #trace: Trace;

  constructor(world: MovingWorld, addresses: Addresses, draws: Draws, trace: Trace) {
    this.#world = world;
    this.#addresses = addresses;
    this.#draws = draws;
    this.#trace = trace;
  }

  /** `host`, whose process has just gone, moves; one time of three all others do that can be taken down, before any starts again. */
  strike(host: Host): void {
    this.#move(host);
    if (this.#draws.below(3, "move", host.id, host.boot) > 0) return;
    for (const other of this.#world.hosts) {
      if (other === host || other.node === null || other.paused) continue;
      this.#world.knockDown(other, allDownMicros);
      this.#move(other);
    }
  }

  #move(host: Host): void {
    this.#addresses.move(host.id);
    this.#trace.line(this.#world.now, "moved", host.id);
  }
}
