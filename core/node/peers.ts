/**
 * Where each peer is reached, in order of trust: by the replicated configuration; by the command line, which may name
 * where the others are now; by the peer itself, in a handshake that was accepted; by a member that has heard it from the
 * peer. A later one is tried only where those before it cannot be reached, or are answered by somebody else. So nobody's
 * word can cut a member off, and a cluster whose addresses have all changed finds itself again.
 */
import type { LimitsOf } from "../limits.ts";
import type { Network, Trace } from "../ports.ts";
import type { NodeId } from "../units.ts";

type Urls = ReadonlyMap<NodeId, readonly string[]>;

/** One for each boot, from before it takes part. URLs are tried in the order in which it gives them. */
export class Peers {
  readonly #network: Network;
  readonly #trace: Trace;
  readonly #self: NodeId;
  /** Of the operator, by --peer-url; null: none. */
  readonly #announcedUrl: string | null;
  /** Addresses of peers that the configuration does not name (yet), as they have said themselves. */
  readonly #learnedUrlsMax: number;
  #configured: Urls = new Map();
  #hints: Urls = new Map();
  /** Whether those are peers too of whom only the command line speaks. */
  #hintsArePeers = true;
  /** In the order in which they came. */
  readonly #learned = new Map<NodeId, string>();
  /** What members say of others. */
  readonly #relayed = new Map<NodeId, string>();
  /** For whom a difference has been told, and from what. */
  readonly #told = new Map<NodeId, string>();
  /** Where this node is reached; empty while nothing has said so. */
  #ownUrl = "";
  #hasPeers = false;
  /** What comes of all of that: whom this node dials, and where. */
  #candidates: Urls = new Map();

  constructor(
    network: Network,
    trace: Trace,
    self: NodeId,
    announcedUrl: string | null,
    { learnedUrlsMax }: LimitsOf<"learnedUrlsMax">,
  ) {
    this.#network = network;
    this.#trace = trace;
    this.#self = self;
    this.#announcedUrl = announcedUrl;
    this.#learnedUrlsMax = learnedUrlsMax;
  }

  /** What the command line, or the founding, says; replaces what it said before. */
  setHints(urls: Urls): void {
    this.#hints = urls;
    this.#update();
  }

  /** What the configurations in force say. While they are the founders', others of the command line are peers too. */
  setConfigured(urls: Urls, isFounders: boolean): void {
    // A peer that leaves the configuration dials again. What other peers have said is kept: an open stream does not
    // repeat it.
    for (const id of this.#configured.keys()) if (!urls.has(id)) this.#forget(id);
    this.#configured = urls;
    this.#hintsArePeers = isFounders;
    this.#update();
  }

  get ownUrl(): string {
    return this.#ownUrl;
  }

  /** A peer whose handshake was accepted says where it is reached ("" where it does not know). */
  learnAddress(id: NodeId, url: string): void {
    if (url === "" || id === this.#self) return;
    // Not #hints: the command line's URL of a peer that the configuration does not name may be no address to dial.
    if (this.#candidates.get(id)?.includes(url) === true) return;
    const configured = this.#configured.get(id);
    if (configured !== undefined) this.#tellDifference(id, configured, url);
    this.#relayed.delete(id);
    this.#learned.set(id, url);
    const others = [...this.#learned.keys()].filter((one) => !this.#configured.has(one));
    if (others.length > this.#learnedUrlsMax) this.#learned.delete(others[0]!);
    this.#update();
  }

  /** A member says where another has told it that it is reached. Never takes the place of that one's own word. */
  relayAddress(id: NodeId, url: string): void {
    if (url === "" || id === this.#self || this.#candidates.get(id)?.includes(url) === true) return;
    this.#relayed.set(id, url);
    this.#update();
  }

  /**
   * This node takes part from now on, and its streams are about to begin again: each member says again where it is
   * reached. Any other node that has said so meanwhile is not looked for any more.
   */
  forgetUnaccepted(): void {
    for (const id of this.#learned.keys()) if (!this.#configured.has(id)) this.#forget(id);
    this.#update();
  }

  /** Members that are connected, and have said that they are elsewhere than the configuration says. */
  foundElsewhere(): readonly { readonly node: NodeId; readonly url: string }[] {
    return [...this.#learned].flatMap(([node, url]) => {
      const isElsewhere = this.#configured.get(node)?.includes(url) === false;
      return isElsewhere && this.isConnected(node) ? [{ node, url }] : [];
    });
  }

  get ids(): NodeId[] {
    return [...this.#candidates.keys()];
  }

  /** All streams, or those with `peer`, both ways, begin again with a handshake. */
  restartStreams(peer: NodeId | null): void {
    this.#network.restart(peer);
  }

  /** Whether this node's own stream to that peer stands. */
  isConnected(peer: NodeId): boolean {
    return this.#network.connected(peer);
  }

  /** Finds out again who answers where `peer` is dialled. */
  redial(peer: NodeId): void {
    this.#network.redial(peer);
  }

  #forget(id: NodeId): void {
    this.#learned.delete(id);
    this.#relayed.delete(id);
  }

  #tellDifference(id: NodeId, configured: readonly string[], url: string): void {
    const known = configured.join(" and ");
    if (this.#told.get(id) === known) return;
    this.#told.set(id, known);
    this.#trace.note("info", `node ${id} says that it is reached at ${url}; the configuration says ${known}, and wins`);
  }

  #update(): void {
    const own = (urls: Urls): string | undefined => urls.get(this.#self)?.[0];
    const ownUrl = this.#announcedUrl ?? own(this.#hints) ?? own(this.#configured) ?? this.#ownUrl;
    const isNews = ownUrl !== this.#ownUrl;
    this.#ownUrl = ownUrl;
    this.#candidates = this.#allCandidates();
    this.#network.setPeers(this.#candidates);
    // Streams that began before this was known begin again, and say it.
    if (isNews && this.#hasPeers) this.restartStreams(null);
    this.#hasPeers = this.#candidates.size > 0;
  }

  #allCandidates(): Urls {
    const ids = new Set([...this.#configured.keys(), ...this.#learned.keys()]);
    if (this.#hintsArePeers) for (const id of this.#hints.keys()) ids.add(id);
    ids.delete(this.#self);
    const words = [this.#configured, this.#hints, this.#learned, this.#relayed];
    return new Map([...ids].map((id) => [id, [...new Set(words.flatMap((urls) => urls.get(id) ?? []))]]));
  }
}
