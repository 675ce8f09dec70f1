/** Where machines listen. A machine keeps its address until it is moved; no machine listens at an address that was left. */
import type { NodeId } from "../../core/units.ts";

/** Where strangers say that they are. */
export const strangeUrl = "http://stranger";

/** Whether `url` can only have come from a stranger. */
export function isStrange(url: string): boolean {
  return url.startsWith(strangeUrl);
}

/** One for each run. An address names one machine for ever, also after that has left it. */
export class Addresses {
  /** Its first address is each machine's until it moves. */
  readonly #moved = new Map<NodeId, string>();
  readonly #listeners = new Map<string, NodeId>();
  /** Addresses that were left; the n-th of all moves has left it. */
  readonly #left = new Map<string, number>();
  #moves = 0;

  constructor(ids: readonly NodeId[]) {
    for (const id of ids) this.#listeners.set(firstAddress(id), id);
  }

  /** Where a machine that has moved is reached now, as its operator tells its process; or null. */
  movedUrl(id: NodeId): string | null {
    return this.#moved.get(id) ?? null;
  }

  urlOf(id: NodeId): string {
    return this.#moved.get(id) ?? firstAddress(id);
  }

  /** The machine that listens at `url`, or 0. */
  listenerAt(url: string): NodeId {
    return this.#listeners.get(url) ?? 0;
  }

  /** Which of all moves, from 1 on, has left the address `url`; 0: none has. */
  leavingOf(url: string): number {
    return this.#left.get(url) ?? 0;
  }

  /** The machine, on which no process runs, is reached elsewhere from now on. */
  move(id: NodeId): void {
    this.#moves += 1;
    this.#listeners.delete(this.urlOf(id));
    this.#left.set(this.urlOf(id), this.#moves);
    const url = `${firstAddress(id)}-${this.#moves}`;
    this.#moved.set(id, url);
    this.#listeners.set(url, id);
  }

  /** Where the first `count` machines are reached now, in order of their ids. */
  list(count: number): string[] {
    return Array.from({ length: count }, (_, k) => this.urlOf(k + 1));
  }
}

/** Members are named by URL in the core; here a URL is only a name. */
export function firstAddress(id: NodeId): string {
  return `http://node-${id}`;
}
