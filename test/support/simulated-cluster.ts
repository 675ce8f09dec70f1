import type { Plan } from "../../sim/nemesis/options.ts";
import { faultFamilies, planOf } from "../../sim/nemesis/options.ts";
import { Simulator } from "../../sim/simulator.ts";
import type { Node } from "../../core/node/node.ts";
import type { NodeId } from "../../core/units.ts";

/** A simulated cluster without faults but those that the test makes, all invariants on. */
export class SimulatedCluster {
  readonly simulator: Simulator;

  constructor(nodes: number, changes: Partial<Plan> = {}) {
    const faults = Object.fromEntries(faultFamilies.map((family) => [family, 0])) as Plan["faults"];
    const plan = {
      ...planOf(1),
      nodes,
      faults,
      spares: 0,
      operatorMicros: 0,
      latencyMicros: 500,
      syncMicros: 500,
      electionMicros: 1_000_000,
      heartbeatMicros: 100_000,
      requestMicros: 5_000_000,
      ...changes,
    };
    this.simulator = new Simulator(plan, { print: null, invariants: true });
    this.simulator.startAll();
  }

  /** Lets `seconds` of simulated time pass. */
  pass(seconds: number): void {
    this.simulator.runUntil(this.simulator.scheduler.now + seconds * 1_000_000);
  }

  node(id: NodeId): Node {
    const { node } = this.simulator.hosts[id - 1]!;
    if (node === null) throw new Error(`node ${id} is down`);
    return node;
  }

  /** The leader that a majority follows; time passes until there is one. */
  leader(): NodeId {
    for (let k = 0; k < 200; k++) {
      const up = this.simulator.hosts.filter((host) => host.node !== null).map((host) => this.node(host.id).status());
      const leader = up.find(({ role, id, term }) => {
        return (
          role === "leader" &&
          up.filter((one) => one.leader === id && one.term === term).length * 2 > this.simulator.hosts.length
        );
      });
      if (leader !== undefined) return leader.id;
      this.pass(0.1);
    }
    throw new Error("no leader in 20 simulated seconds");
  }

  /** Cuts `id` off from all others, both ways, for `seconds`. */
  isolate(id: NodeId, seconds: number): void {
    const until = this.simulator.scheduler.now + seconds * 1_000_000;
    for (const { id: other } of this.simulator.hosts) {
      if (other === id) continue;
      this.simulator.network.block(id, other, until);
      this.simulator.network.block(other, id, until);
    }
  }

  /** What `promise` comes to, with simulated time passing while it is open; gives up after 30 simulated seconds. */
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
