/**
 * How a cluster is founded. Founders ask each other for their store ids until each has seen all; only then do they have a
 * genesis, and only then do they vote or acknowledge. Otherwise a founder whose directory was emptied could start
 * afresh and vote a second time. A founder is seen by its answer from the URL of the founding list: what somebody says
 * who dials this node counts for nothing.
 */
import type { Trace } from "../ports.ts";
import type { CompactionPoint, Configuration } from "../protocol/configuration.ts";
import type { BootstrapHello, BootstrapReply, Removed } from "../protocol/message.ts";
import { type Genesis, genesisOf, type Identity } from "../storage/identity.ts";
import type { NodeId, StoreId } from "../units.ts";

/** What a founder is to do now. "founded": every founder has been seen, and the genesis never changes again. */
export type FoundingStep = { readonly kind: "wait" } | { readonly kind: "founded"; readonly genesis: Genesis };

/** One for each boot of a founder. Once the genesis is durable it only answers others. */
export class Bootstrap {
  readonly #identity: Identity;
  readonly #trace: Trace;
  readonly #seen = new Map<NodeId, StoreId>();
  readonly #warned = new Set<NodeId>();

  constructor(identity: Identity, trace: Trace) {
    this.#identity = identity;
    this.#trace = trace;
    this.#seen.set(identity.node, identity.storeId);
  }

  /** What this node asks the other founders. */
  hello(): BootstrapHello {
    const { storeId, founders: urls } = this.#identity;
    return { kind: "bootstrap-hello", storeId, urls };
  }

  /** The founders not yet seen, as the operator knows them. */
  missing(): readonly { readonly id: NodeId; readonly url: string }[] {
    return this.#identity.founders.map((url, k) => ({ id: k + 1, url })).filter(({ id }) => !this.#seen.has(id));
  }

  /** Call it once at the start (for a cluster of one) with null, then for each founder's answer. */
  step(from: NodeId, reply: BootstrapReply | null): FoundingStep {
    const { founders, node, storeId } = this.#identity;
    if (reply !== null) {
      if (reply.urls.join() !== founders.join()) return this.#disagree(from, reply.urls);
      if (reply.genesis.length === founders.length) {
        if (reply.genesis[node - 1] === storeId)
          return { kind: "founded", genesis: genesisOf(founders, reply.genesis) };
        return { kind: "wait" };
      }
      if (from >= 1 && from <= founders.length && from !== node) this.#seen.set(from, reply.storeId);
    }
    if (this.#seen.size < founders.length) return { kind: "wait" };
    const storeIds = founders.map((_, k) => this.#seen.get(k + 1)!);
    return { kind: "founded", genesis: genesisOf(founders, storeIds) };
  }

  #disagree(from: NodeId, urls: readonly string[]): FoundingStep {
    if (!this.#warned.has(from)) {
      this.#warned.add(from);
      this.#trace.note("warn", `node ${from} was started with another --cluster list: ${urls.join(",")}`);
    }
    return { kind: "wait" };
  }
}

/**
 * The answer to a founder, or null. Only a founder of this very cluster is told the genesis: its hash is what members
 * prove to each other. A founder whose directory is not the one that founded the cluster is told so. `isNeeded`: no
 * quorum is left without it, as far as this node knows.
 */
export function answerHello(
  identity: Identity,
  from: NodeId,
  hello: BootstrapHello,
  isNeeded: boolean,
): BootstrapReply | Removed | null {
  const { founders, genesis, storeId } = identity;
  if (founders.length === 0) return null;
  const isSameList = hello.urls.join() === founders.join();
  if (genesis === null || !isSameList || from > founders.length) {
    return { kind: "bootstrap-reply", storeId: isSameList ? storeId : "", urls: founders, genesis: [] };
  }
  if (genesis.storeIds[from - 1] === hello.storeId) {
    return { kind: "bootstrap-reply", storeId, urls: founders, genesis: genesis.storeIds };
  }
  // Then it cannot be removed, and added again, either.
  const reason = isNeeded ? "too-few-voters" : "another-directory";
  return { kind: "removed", storeId: hello.storeId, incarnation: 0, reason };
}

/** Where the log of a cluster begins that nobody has shortened. */
export function bootstrapBase(founders: readonly string[], genesis: Genesis): CompactionPoint {
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
