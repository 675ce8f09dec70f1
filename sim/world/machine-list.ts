/** The `--cluster` list that a machine's operator gives it at a start. */
import type { Plan } from "../plan/plan.ts";
import type { Addresses } from "./addresses.ts";

/** One for each machine. It names machines from n1 on, where they are reached at that moment. */
export class MachineList {
  readonly #plan: Pick<Plan, "nodes" | "spares">;
  #length: number;
  #namesAll = false;

  /** The founders are named. */
  constructor(plan: Pick<Plan, "nodes" | "spares">) {
    this.#plan = plan;
    this.#length = plan.nodes;
  }

  /** From the next start on it names so many machines. */
  nameFirst(count: number): void {
    this.#length = count;
  }

  /** The machine's log is lost, and the list of a founder by itself names no other machine: until it is rebound all are named. */
  logLost(): void {
    if (this.#plan.nodes === 1) this.#namesAll = true;
  }

  /** The machine's log tells the members again. */
  rebound(): void {
    this.#namesAll = false;
  }

  /** `isJoining`: a joining node believes only the peers that its list names. */
  urls(addresses: Addresses, isJoining: boolean): string[] {
    return addresses.list(isJoining || this.#namesAll ? this.#plan.nodes + this.#plan.spares : this.#length);
  }
}
