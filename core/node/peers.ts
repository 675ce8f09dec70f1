/**
 * Whom a node can reach. Its configuration says so; but one that lags, or joins, may have to answer a leader that its log
 * does not know yet. Each stream begins with where its dialler is reached: that holds until a newer configuration names it.
 */
import type { Network } from "../ports.ts";
import type { NodeId } from "../units.ts";

export class Peers {
  readonly #network: Network;
  readonly #self: NodeId;
  #listed: ReadonlyMap<NodeId, string> = new Map();
  readonly #met = new Map<NodeId, string>();
  /** Where this node is reached; empty while no list has said so. */
  #ownUrl = "";

  constructor(network: Network, self: NodeId) {
    this.#network = network;
    this.#self = self;
  }

  /** Those of a configuration, or of the command line: replaces what was listed before. */
  list(urls: ReadonlyMap<NodeId, string>): void {
    for (const id of new Set([...this.#listed.keys(), ...urls.keys()])) {
      if (urls.get(id) !== this.#listed.get(id)) this.#met.delete(id);
    }
    this.#listed = urls;
    const ownUrl = urls.get(this.#self) ?? this.#ownUrl;
    // Streams that were begun before this was known are begun anew, and say it.
    if (ownUrl !== this.#ownUrl) this.#network.setPeers(new Map());
    this.#ownUrl = ownUrl;
    this.#tell();
  }

  get ownUrl(): string {
    return this.#ownUrl;
  }

  /** One that may speak has dialled, and said where it is reached ("" where it does not know). */
  meet(id: NodeId, url: string): void {
    if (url === "" || id === this.#self || (this.#met.get(id) ?? this.#listed.get(id)) === url) return;
    this.#met.set(id, url);
    this.#tell();
  }

  get ids(): NodeId[] {
    return [...new Set([...this.#listed.keys(), ...this.#met.keys()])];
  }

  #tell(): void {
    this.#network.setPeers(new Map([...this.#listed, ...this.#met].filter(([id]) => id !== this.#self)));
  }
}
