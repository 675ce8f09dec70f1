import { Scenario } from "../../sim/scenario.ts";

/** A directed simulation whose time passes while a promise of the real world is open. */
export class SimulatedCluster extends Scenario {
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
