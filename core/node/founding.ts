/**
 * How a cluster is founded. Founders tell each other their store ids until each has seen all; only then do they have a
 * genesis, and only then do they vote or acknowledge. Otherwise a founder whose directory was emptied could start
 * afresh and vote a second time.
 */
import type { Trace } from "../ports.ts";
import type { LogBase } from "../raft/configurations.ts";
import type { Configuration, Founder } from "../raft/messages.ts";
import { type Genesis, genesisOf, type Identity } from "../storage/identity.ts";
import { addedAgain } from "../storage/remedies.ts";
import type { NodeId, StoreId } from "../units.ts";

export type FoundingStep =
  | { readonly kind: "wait" }
  | { readonly kind: "founded"; readonly genesis: Genesis }
  | { readonly kind: "refused"; readonly reason: string };

export class Founding {
  readonly #identity: Identity;
  readonly #trace: Trace;
  readonly #seen = new Map<NodeId, StoreId>();
  readonly #warned = new Set<NodeId>();

  constructor(identity: Identity, trace: Trace) {
    this.#identity = identity;
    this.#trace = trace;
    this.#seen.set(identity.node, identity.storeId);
  }

  /** What this node says to the other founders, now or once it has its genesis. */
  hello(genesis: Genesis | null): Founder {
    const { storeId, founders: urls } = this.#identity;
    return { kind: "founder", storeId, urls, genesis: genesis?.storeIds ?? [] };
  }

  /** The founders not yet seen, as the operator knows them. */
  missing(): readonly { readonly id: NodeId; readonly url: string }[] {
    return this.#identity.founders.map((url, k) => ({ id: k + 1, url })).filter(({ id }) => !this.#seen.has(id));
  }

  /** Call it once at the start (for a cluster of one) with null, then for each founder's word. */
  step(from: NodeId, word: Founder | null): FoundingStep {
    const { founders, node, storeId } = this.#identity;
    if (word !== null) {
      if (word.urls.join() !== founders.join()) return this.#disagree(from, word);
      if (word.genesis.length === founders.length) {
        if (word.genesis[node - 1] === storeId) return { kind: "founded", genesis: genesisOf(founders, word.genesis) };
        const reason = `the cluster was founded with another directory of node ${node}: ${addedAgain(node)}`;
        return { kind: "refused", reason };
      }
      if (from >= 1 && from <= founders.length && from !== node) this.#seen.set(from, word.storeId);
    }
    if (this.#seen.size < founders.length) return { kind: "wait" };
    const storeIds = founders.map((_, k) => this.#seen.get(k + 1)!);
    return { kind: "founded", genesis: genesisOf(founders, storeIds) };
  }

  #disagree(from: NodeId, word: Founder): FoundingStep {
    if (!this.#warned.has(from)) {
      this.#warned.add(from);
      this.#trace.note("warn", `node ${from} was started with another --cluster list: ${word.urls.join(",")}`);
    }
    return { kind: "wait" };
  }
}

/** Where the log of a cluster begins that nobody has shortened. */
export function foundingBase(founders: readonly string[], genesis: Genesis): LogBase {
  const configuration = foundersConfiguration(founders, genesis);
  return { place: { index: 0, term: 0, clusterMicros: 0 }, configuration: { index: 0, configuration } };
}

/** The configuration that a genesis stands for: all founders vote. */
export function foundersConfiguration(founders: readonly string[], { storeIds }: Genesis): Configuration {
  const members = founders.map((url, k) => {
    return { id: k + 1, incarnation: 0, url, storeId: storeIds[k]!, autoPromote: false };
  });
  return { members, voters: members.map(({ id }) => id), outgoing: [], learners: [], removed: [] };
}
