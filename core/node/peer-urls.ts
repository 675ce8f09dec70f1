/**
 * Where the members are: by the configuration in force, then by the committed one. A member that is removed stays for an
 * election timeout, so that the stream to it can still tell it so.
 */
import type { Raft } from "../raft/raft.ts";
import type { Index, Micros, NodeId } from "../units.ts";
import type { ContextOf } from "./context.ts";

type Urls = ReadonlyMap<NodeId, readonly string[]>;

/** Looked at once a turn; it says something only where the members' URLs have changed. */
export class PeerUrls {
  readonly #raft: Raft;
  readonly #electionMicros: Micros;
  #latest: Index = -1;
  #committed: Index = -1;
  #members: Urls = new Map();
  readonly #leaving = new Map<NodeId, { readonly urls: readonly string[]; readonly until: Micros }>();
  #nextUntil: Micros = Infinity;

  constructor({ options }: ContextOf<never, "electionMicros">, raft: Raft) {
    this.#raft = raft;
    this.#electionMicros = options.electionMicros;
  }

  /** All URLs where they are not what they were, else null: call it every turn. */
  update(now: Micros): Urls | null {
    const { latest } = this.#raft.log.configurations;
    const committed = this.#raft.committedConfiguration;
    const isSame = latest.index === this.#latest && committed.index === this.#committed;
    if (isSame && now < this.#nextUntil) return null;
    this.#latest = latest.index;
    this.#committed = committed.index;
    const members = new Map<NodeId, readonly string[]>();
    for (const { configuration } of [latest, committed]) {
      for (const { id, url } of configuration.members) members.set(id, [...new Set([...(members.get(id) ?? []), url])]);
    }
    for (const [id, urls] of this.#members) this.#leaving.set(id, { urls, until: now + this.#electionMicros });
    for (const [id, { until }] of this.#leaving) if (members.has(id) || until <= now) this.#leaving.delete(id);
    this.#members = members;
    this.#nextUntil = Math.min(...[...this.#leaving.values()].map(({ until }) => until));
    const leaving = [...this.#leaving].map(([id, { urls }]): [NodeId, readonly string[]] => [id, urls]);
    return new Map([...leaving, ...members]);
  }

  /** Whether no entry has changed the founders' configuration yet. */
  get areFounders(): boolean {
    return this.#latest === 0;
  }

  nextDeadline(): Micros {
    return this.#nextUntil;
  }
}
