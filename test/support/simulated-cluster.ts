import type { NodeId } from "../../core/units.ts";
import { Scenario } from "../../sim/scenario.ts";
import { hostEvents } from "../../sim/world/host.ts";

/** A directed simulation whose time passes while a promise of the real world is open. */
export class SimulatedCluster extends Scenario {
  #stops = 1_000_000;

  /** Tells a node to stop, as SIGTERM does; returns whether it has, its process being gone then. */
  stop(id: NodeId): { isOver: boolean } {
    const state = { isOver: false };
    const { scheduler, hosts } = this.simulator;
    const host = hosts[id - 1]!;
    const run = (): void => {
      if (!host.isStopping) host.tellToStop();
      this.node(id).stop(() => {
        state.isOver = true;
      });
    };
    const request = { run, refused: () => undefined };
    scheduler.at(scheduler.now, ++this.#stops, host, hostEvents.request, request);
    return state;
  }

  /** Stops a node in good order, and takes its process away. */
  stopNow(id: NodeId): void {
    const state = this.stop(id);
    this.until(`node ${id} has stopped`, () => state.isOver);
    this.kill(id);
  }

  /** What `promise` comes to; gives up after 30 simulated seconds. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    const state = { open: true };
    const closed = promise.finally(() => (state.open = false));
    for (let k = 0; k < 600 && state.open; k++) {
      this.pass(0.05);
      // The web framework's own promises take a few real turns.
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (state.open) throw new Error("still open after 30 simulated seconds");
    return closed;
  }
}
