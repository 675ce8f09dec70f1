/**
 * How a cluster is founded. Founders ask each other for their store ids, and tell each other once they have seen all. A
 * founder has a genesis only when every founder has told it one and the same list, or when a founder that has the
 * genesis answers; only then does it vote or acknowledge. Otherwise a founder whose directory was emptied could start
 * afresh and vote a second time, or found another cluster with a founder that remembers the earlier directories.
 *
 * A directory that has told a list, and taken part since, tells no other one. So two clusters can both be taken part in only
 * if every directory that took part in the earlier one is gone: test/node/founding-model.test.ts. A founder is seen by its
 * answer from the URL of the founding list: what somebody says who dials this node counts for nothing.
 */
import type { Trace } from "../ports.ts";
import type { CompactionPoint, Configuration } from "../protocol/configuration.ts";
import type { BootstrapHello, BootstrapReply, Removed } from "../protocol/message.ts";
import { type Genesis, genesisOf, type Identity } from "../storage/identity.ts";
import type { NodeId, StoreId } from "../units.ts";

/** What a founder is to do now. "founded": every founder has told the same list, and the genesis never changes again. */
export type FoundingStep = { readonly kind: "wait" } | { readonly kind: "founded"; readonly genesis: Genesis };

/** What a founder without a genesis knows of the others: by their answers to this boot, in this round. */
export type FoundersSeen = {
  /** Rises when a founder is seen with another store id: all are asked again, and no answer to an earlier round counts. */
  readonly round: number;
  /** In the order of the founding list, this founder's own among them; empty where one was not seen. */
  readonly storeIds: readonly StoreId[];
  /** In that order too: the store ids of all, as each other founder has last told them; empty where it had not seen all. */
  readonly told: readonly (readonly StoreId[])[];
};

/** Who is a founder of what: all that founding depends on. */
export type Founder = Pick<Identity, "node" | "storeId" | "boot" | "founders">;

/** At the beginning of `round` a founder knows only itself. */
export function beginRound({ founders, node, storeId }: Founder, round: number): FoundersSeen {
  return { round, storeIds: founders.map((_, k) => (k + 1 === node ? storeId : "")), told: founders.map(() => []) };
}

/** What a founder tells of what it has seen: the store ids of all founders, or none. */
export function listToTell({ storeIds }: FoundersSeen): readonly StoreId[] {
  return storeIds.includes("") ? [] : storeIds;
}

/**
 * What is seen after `from`, another founder of the same list, has answered. A late answer, to an earlier boot or round,
 * changes nothing: its sender may be gone.
 */
export function afterReply(self: Founder, seen: FoundersSeen, from: NodeId, reply: BootstrapReply): FoundersSeen {
  if (!isAnswerTo(self, seen, from, reply)) return seen;
  const known = seen.storeIds[from - 1]!;
  if (known !== "" && known !== reply.storeId) return beginRound(self, seen.round + 1);
  return {
    round: seen.round,
    storeIds: seen.storeIds.with(from - 1, reply.storeId),
    told: seen.told.with(from - 1, reply.seen),
  };
}

/** The genesis that `seen` and the answer that led to it amount to, or null. */
export function genesisBy(
  self: Founder,
  seen: FoundersSeen,
  from: NodeId,
  reply: BootstrapReply | null,
): Genesis | null {
  const { founders, node, storeId } = self;
  const list = listToTell(seen);
  if (reply?.genesis.length === founders.length && isAnswerTo(self, seen, from, reply)) {
    return reply.genesis[node - 1] === storeId ? genesisOf(founders, reply.genesis) : null;
  }
  if (list.length === 0) return null;
  const agrees = seen.told.every((told, k) => k + 1 === node || told.join() === list.join());
  return agrees ? genesisOf(founders, list) : null;
}

function isAnswerTo(self: Founder, { round }: FoundersSeen, from: NodeId, reply: BootstrapReply): boolean {
  const isFounder = from >= 1 && from <= self.founders.length && from !== self.node;
  return isFounder && reply.asker === self.storeId && reply.boot === self.boot && reply.round === round;
}

/** One for each boot of a founder. Once the genesis is durable it only answers others. */
export class Bootstrap {
  readonly #identity: Identity;
  readonly #trace: Trace;
  readonly #warned = new Set<NodeId>();
  #seen: FoundersSeen;
  /** The genesis is about to be durable: nothing else is told from then on. */
  #isFounded = false;

  constructor(identity: Identity, trace: Trace) {
    this.#identity = identity;
    this.#trace = trace;
    this.#seen = beginRound(identity, 1);
  }

  /** What this node asks the other founders. */
  hello(): BootstrapHello {
    const { storeId, founders: urls } = this.#identity;
    return { kind: "bootstrap-hello", storeId, urls, round: this.#seen.round };
  }

  /** What this node tells the other founders of what it has seen: the store ids of all, or none. */
  get told(): readonly StoreId[] {
    return listToTell(this.#seen);
  }

  /** The founders not yet seen, as the operator knows them; where all were, those that have not told the same list. */
  missing(): readonly { readonly id: NodeId; readonly url: string }[] {
    const all = this.#identity.founders.map((url, k) => ({ id: k + 1, url }));
    const unseen = all.filter(({ id }) => this.#seen.storeIds[id - 1] === "");
    if (unseen.length > 0) return unseen;
    const list = this.told.join();
    return all.filter(({ id }) => id !== this.#identity.node && this.#seen.told[id - 1]!.join() !== list);
  }

  /** Call it once at the start (for a cluster of one) with null, then for each founder's answer. */
  step(from: NodeId, reply: BootstrapReply | null): FoundingStep {
    const { founders } = this.#identity;
    if (this.#isFounded) return { kind: "wait" };
    if (reply !== null) {
      if (reply.urls.join() !== founders.join()) return this.#disagree(from, reply.urls);
      const seen = afterReply(this.#identity, this.#seen, from, reply);
      if (seen.round > this.#seen.round) {
        this.#trace.note("warn", `founder ${from} has another directory now: all founders are asked again`);
      }
      this.#seen = seen;
    }
    const genesis = genesisBy(this.#identity, this.#seen, from, reply);
    if (genesis === null) return { kind: "wait" };
    this.#isFounded = true;
    return { kind: "founded", genesis };
  }

  #disagree(from: NodeId, urls: readonly string[]): FoundingStep {
    if (!this.#warned.has(from)) {
      this.#warned.add(from);
      this.#trace.note("warn", `node ${from} was started with another --cluster list: ${urls.join(",")}`);
    }
    return { kind: "wait" };
  }
}

/** Who asks as a founder: what its envelope says. */
export type Asker = { readonly from: NodeId; readonly fromBoot: number };

/**
 * The answer to a founder, or null. Only a founder of this very cluster is told the genesis: its hash is what members
 * prove to each other. A founder with another directory than the genesis has for it is told so. `told`: what this node
 * tells of what it has seen, while it has no genesis. `isNeeded`: no quorum is, or will be, left without the asker.
 */
export function answerHello(
  identity: Identity,
  told: readonly StoreId[],
  { from, fromBoot: boot }: Asker,
  hello: BootstrapHello,
  isNeeded: boolean,
): BootstrapReply | Removed | null {
  const { founders, genesis, storeId } = identity;
  if (founders.length === 0) return null;
  const isSameList = hello.urls.join() === founders.join();
  const reply = { kind: "bootstrap-reply", urls: founders, asker: hello.storeId, boot, round: hello.round } as const;
  if (genesis === null || !isSameList || from > founders.length) {
    const isTold = isSameList && genesis === null;
    return { ...reply, storeId: isSameList ? storeId : "", seen: isTold ? told : [], genesis: [] };
  }
  if (genesis.storeIds[from - 1] === hello.storeId) return { ...reply, storeId, seen: [], genesis: genesis.storeIds };
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
