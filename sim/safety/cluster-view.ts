/** What is known of the cluster as a whole: by the ghost where there is one, else by what nodes say of themselves. */
import type { Configuration } from "../../core/protocol/configuration.ts";
import type { Raft } from "../../core/raft/raft.ts";
import type { NodeId } from "../../core/units.ts";
import type { Subscriber } from "../bus.ts";
import type { Host } from "../world/host.ts";
import { type Ghost, nobody } from "./ghost.ts";

/** One for each run. What it knows is for the harness alone: no node is told. */
export class ClusterView implements Subscriber {
  readonly #ghost: Ghost | null;
  readonly #hosts: readonly Host[];
  readonly #founders: number;
  /** The nodes that have taken part at some time. */
  readonly #everRan = new Set<NodeId>();
  /** The furthest committed configuration that any node has reported. */
  #heardOf = { commit: -1, configuration: nobody };

  /** `ghost`: null where nobody judges. The first `founders` hosts are those of the founders. */
  constructor(ghost: Ghost | null, hosts: readonly Host[], founders: number) {
    this.#ghost = ghost;
    this.#hosts = hosts;
    this.#founders = founders;
  }

  /** Of a node that takes part, or null. */
  raftOf(id: NodeId): Raft | null {
    return this.#hosts[id - 1]!.node?.replica?.raft ?? null;
  }

  /** Whether every founder has taken part once: before that, the cluster cannot be without any of them. */
  get everyoneHasRun(): boolean {
    return this.#hosts.every(({ id }) => id > this.#founders || this.#everRan.has(id));
  }

  /** Whether any node has said that something is committed. */
  get hasCommitted(): boolean {
    return this.#heardOf.commit > 0;
  }

  /** The newest committed configuration. */
  get committedConfiguration(): Configuration {
    return this.#ghost?.committedConfiguration() ?? this.#heardOf.configuration;
  }

  /** The configuration in force in the log of `id`. */
  configurationAt(id: NodeId): Configuration {
    if (this.#ghost !== null) return this.#ghost.configurationOf(this.#ghost.node(id).written);
    return this.raftOf(id)?.configuration ?? this.committedConfiguration;
  }

  fact({ id }: Host): void {
    const raft = this.raftOf(id);
    if (raft === null || raft.commit <= this.#heardOf.commit) return;
    this.#heardOf = { commit: raft.commit, configuration: raft.committedConfiguration.configuration };
  }

  recovered({ id }: Host): void {
    this.#everRan.add(id);
  }
}
