/**
 * Which start of a peer's directory is the living one. Copies of a directory count boots alike, and each says that it is
 * the member; by its own word a copy that was started once more than the member is a later start of it. So no start is
 * believed by its word while another is known: the living start is the one that answers where this node dials the peer.
 * What a peer has promised to this node it has promised there.
 */
import type { Handshake } from "../protocol/frame.ts";
import { type Checked, passed, refused } from "../result.ts";
import type { Micros, NodeId, StoreId } from "../units.ts";
import type { ContextOf } from "./context.ts";

/** One start of one directory. Copies of a directory count boots alike, but draw other nonces. */
export type Start = Pick<Handshake, "incarnation" | "storeId" | "boot" | "nonce">;

/** Whether `theirs` is a start of a copy of the directory that has started as `known`, after the copy was made. */
function isOfCopy(known: Start, theirs: Start): boolean {
  if (!isSameDirectory(known, theirs)) return false;
  return theirs.boot < known.boot || (theirs.boot === known.boot && theirs.nonce !== known.nonce);
}

function isSameDirectory(a: Start, b: Start): boolean {
  return a.storeId === b.storeId && a.incarnation === b.incarnation;
}

function isSameStart(a: Start, b: Start): boolean {
  return isSameDirectory(a, b) && a.boot === b.boot && a.nonce === b.nonce;
}

/** A start that does not answer for so long where it is dialled is taken not to be there. */
const answerMicros: Micros = 1_000_000;
/** An open stream is not ended more often than that, however often another start dials. */
const redialMicros: Micros = 10_000_000;
const tellMicros: Micros = 60_000_000;

/** One for each boot that takes part. Where no peer was dialled, everybody is believed. */
export class PeerStarts {
  readonly #context: ContextOf<"clock" | "peers" | "trace">;
  /** The start that last answered where this node dials, by member. */
  readonly #found = new Map<NodeId, Start>();
  /** The newest start of that directory that has ever answered there. */
  readonly #newest = new Map<NodeId, Start>();
  /** When another start dialled, and this node began to wait for an answer there. */
  readonly #askedAt = new Map<NodeId, Micros>();
  readonly #redialledAt = new Map<NodeId, Micros>();
  readonly #toldAt = new Map<NodeId, Micros>();

  constructor(context: ContextOf<"clock" | "peers" | "trace">) {
    this.#context = context;
  }

  /** `theirs` takes part, and has answered where this node has dialled that member. */
  found(theirs: Handshake): void {
    const { node } = theirs;
    this.#found.set(node, theirs);
    this.#askedAt.delete(node);
    const newest = this.#newest.get(node);
    const isNewer = newest === undefined || !isSameDirectory(newest, theirs) || theirs.boot > newest.boot;
    if (isNewer) this.#newest.set(node, theirs);
  }

  /** The start that last answered where this node dials the member `id`; undefined: none has. */
  startOf(id: NodeId): Start | undefined {
    return this.#found.get(id);
  }

  isFound(theirs: Handshake): boolean {
    const found = this.#found.get(theirs.node);
    return found !== undefined && isSameStart(found, theirs);
  }

  /**
   * Whether `theirs`, which has dialled this node, may speak for its member now: not while another start lives. This node
   * dials the member again to find that out. So a start that is the living one is refused once at most, for a moment.
   */
  checkStart(theirs: Handshake): Checked {
    const { node } = theirs;
    const found = this.#found.get(node);
    if (found === undefined || isSameStart(found, theirs) || !this.#isAlive(node)) return passed;
    this.#tell(found, theirs);
    return refused(
      `node ${node} was started again, or a copy of its directory was: who answers where it is dialled is asked first`,
    );
  }

  /** Whether the directory `storeId` is known to be in use, by a process that takes part as `id`. */
  isInUse(id: NodeId, storeId: StoreId): boolean {
    return this.#found.get(id)?.storeId === storeId && this.#context.peers.isConnected(id) && this.#isAlive(id);
  }

  /** Whether a later start of that directory has answered this node. */
  isOutdated(theirs: Handshake): boolean {
    const newest = this.#newest.get(theirs.node);
    return newest !== undefined && isOfCopy(newest, theirs);
  }

  /** Whether the start that is known must be taken to live, as far as can be told now; asks it again. */
  #isAlive(id: NodeId): boolean {
    const { clock, peers } = this.#context;
    const now = clock.now();
    const isConnected = peers.isConnected(id);
    const askedAt = this.#askedAt.get(id);
    const isDue = isConnected ? now - (this.#redialledAt.get(id) ?? -Infinity) >= redialMicros : askedAt === undefined;
    if (isDue) {
      if (isConnected) this.#redialledAt.set(id, now);
      this.#askedAt.set(id, now);
      peers.redial(id);
      return true;
    }
    return isConnected || (askedAt !== undefined && now - askedAt < answerMicros);
  }

  /** Once the start that is known has answered again. */
  #tell(found: Start, { node, boot, url }: Handshake): void {
    const now = this.#context.clock.now();
    if (this.#askedAt.has(node) || now - (this.#toldAt.get(node) ?? -Infinity) < tellMicros) return;
    this.#toldAt.set(node, now);
    const where = url === "" ? "" : `, which says that it is reached at ${url}`;
    const other = `another, start ${boot}${where}, is refused`;
    const advice = "stop the one that is a copy";
    this.#context.trace.note(
      "warn",
      `the directory of node ${node} runs twice: start ${found.boot} of it answers where node ${node} is dialled; ${other}: ${advice}`,
    );
  }
}
