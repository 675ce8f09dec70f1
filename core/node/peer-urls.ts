/**
 * Where the members are, by the configuration in force and the committed one. A member that is removed stays for an
 * election timeout, so that the stream to it can still tell it so.
 */
import type { Raft } from "../raft/raft.ts";
import type { Index, Micros, NodeId } from "../units.ts";

export class PeerUrls {
  readonly #raft: Raft;
  readonly #electionMicros: Micros;
  #latest: Index = -1;
  #committed: Index = -1;
  #members: ReadonlyMap<NodeId, string> = new Map();
  readonly #leaving = new Map<NodeId, { readonly url: string; readonly until: Micros }>();
  #nextUntil: Micros = Infinity;

  constructor(raft: Raft, electionMicros: Micros) {
    this.#raft = raft;
    this.#electionMicros = electionMicros;
  }

  /** All URLs where they are not what they were, else null: call it every turn. */
  update(now: Micros): ReadonlyMap<NodeId, string> | null {
    const { latest } = this.#raft.log.configurations;
    const committed = this.#raft.committedConfiguration;
    const isSame = latest.index === this.#latest && committed.index === this.#committed;
    if (isSame && now < this.#nextUntil) return null;
    this.#latest = latest.index;
    this.#committed = committed.index;
    const members = new Map<NodeId, string>();
    for (const { configuration } of [committed, latest]) {
      for (const { id, url } of configuration.members) members.set(id, url);
    }
    for (const [id, url] of this.#members) this.#leaving.set(id, { url, until: now + this.#electionMicros });
    for (const [id, { until }] of this.#leaving) if (members.has(id) || until <= now) this.#leaving.delete(id);
    this.#members = members;
    this.#nextUntil = Math.min(...[...this.#leaving.values()].map(({ until }) => until));
    return new Map([...[...this.#leaving].map(([id, { url }]): [NodeId, string] => [id, url]), ...members]);
  }

  nextDeadline(): Micros {
    return this.#nextUntil;
  }
}
