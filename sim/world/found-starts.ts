/** Which starts of other directories a process has found where it dialled. */
import type { Handshake } from "../../core/protocol/frame.ts";
import type { NodeId } from "../../core/units.ts";

/** One for each machine; what a process has found is gone with it. */
export class FoundStarts {
  /** The newest boot, by node and incarnation. */
  readonly #boots = new Map<string, number>();

  clear(): void {
    this.#boots.clear();
  }

  add({ node, incarnation, boot }: Handshake): void {
    const key = `${node}.${incarnation}`;
    this.#boots.set(key, Math.max(boot, this.#boots.get(key) ?? 0));
  }

  /** Whether that start of the directory, or a later one, was found. */
  has(id: NodeId, incarnation: number, boot: number): boolean {
    return (this.#boots.get(`${id}.${incarnation}`) ?? -1) >= boot;
  }
}
