/** Which clients do not reach which members: their requests are lost, or the answers. */
import type { Micros, NodeId } from "../../core/units.ts";
import { type Draws, salts } from "../draws.ts";
import { keyOfNode } from "../keys.ts";
import type { FaultFamily } from "../plan/families.ts";
import type { TraceKind } from "../trace/vocabulary.ts";
import type { Host } from "../world/host.ts";

type PartitionedWorld = {
  readonly now: Micros;
  readonly hosts: readonly Host[];
  /** Draws, and counts, whether the family strikes the client now. */
  readonly strikes: (family: FaultFamily, client: number) => boolean;
  readonly line: (kind: TraceKind, client: number, a: number, b: number) => void;
};

/** One for each run. It holds up what clients say only; members hear each other as before. */
export class ClientPartitions {
  readonly #draws: Draws;
  readonly #clients: number;
  readonly #world: PartitionedWorld;
  /** By client and node, until a true time. */
  readonly #until = new Map<number, Micros>();

  /** Clients have the ids 1 to `clients`. */
  constructor(draws: Draws, clients: number, world: PartitionedWorld) {
    this.#draws = draws;
    this.#clients = clients;
    this.#world = world;
  }

  isCut(client: number, node: NodeId): boolean {
    return (this.#until.get(keyOfNode(client, node)) ?? 0) > this.#world.now;
  }

  /** In time slot `slot`; a client that is struck loses a member for `micros`. */
  strike(slot: number, micros: () => Micros): void {
    const { now, hosts } = this.#world;
    for (let client = 1; client <= this.#clients; client++) {
      if (!this.#world.strikes("clientPartition", client)) continue;
      const length = micros();
      const node = 1 + this.#draws.below(hosts.length, "faultTarget", slot, salts.faultTarget.clientsMember, client);
      this.#world.line("clientBlock", client, node, length);
      this.#until.set(keyOfNode(client, node), now + length);
    }
  }

  /** Everybody reaches everybody again. */
  heal(): void {
    this.#until.clear();
  }
}
