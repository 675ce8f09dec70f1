/**
 * Tier c: what nodes have forgotten because their disks had lied. A wrong answer is excused only where it is named here which
 * lie has erased what was lost; all else still fails the run.
 */
import type { Raft } from "../../core/raft/raft.ts";
import type { NodeId } from "../../core/units.ts";
import { identityName } from "../world/identity-file.ts";
import type { GhostLog } from "./ghost-log.ts";
import type { GhostNode } from "./ghost-node.ts";

type Erased = { readonly id: NodeId; readonly index: number; readonly term: number; readonly crc: number };

/** One for each run. It stays empty in tiers a and b. */
export class LyingDiskLedger {
  readonly #erased: Erased[] = [];
  readonly #forgotten = new Set<string>();
  readonly #liars = new Set<NodeId>();

  /** A power cut, or a failed sync, has taken what the disk of `id` had promised of `file`. */
  lieTold(id: NodeId, file: string): void {
    this.#liars.add(id);
    // An earlier identity makes a stranger's of the log.
    if (file.startsWith(identityName)) this.#forgotten.add(`n${id}'s identity`);
  }

  /** The directory of `id` was put back from an older copy. */
  putBack(id: NodeId): void {
    this.#liars.add(id);
    this.#forgotten.add(`what n${id}'s directory held since it was copied`);
  }

  /** `before`: what a disk had promised; `found`: what the process begins with, which may be all that makes sense of it. */
  compare(before: GhostNode, found: GhostNode, makesSense: boolean): void {
    const { id } = before;
    if (!makesSense) this.#forgotten.add(`n${id}'s log behind entry ${found.durable.last}`);
    const [promised, log] = [before.durable, found.durable];
    for (let index = promised.base + 1; index <= promised.last; index++) {
      const [term, crc] = [promised.termAt(index), promised.crcAt(index)];
      const isThere = index <= log.base || (log.termAt(index) === term && log.crcAt(index) === crc);
      if (!isThere) this.#erased.push({ id, index, term, crc });
    }
    if (found.covered < before.covered) this.#forgotten.add(`n${id}'s state of entry ${before.covered}`);
    const { term, vote } = before.durableHard;
    if (found.durableHard.term < term) this.#forgotten.add(`n${id}'s term ${term}`);
    else if (found.durableHard.term === term && found.durableHard.vote !== vote)
      this.#forgotten.add(`n${id}'s vote in term ${term}`);
  }

  /** What a liar makes of its disk may be less than what is on it: then its log begins where nobody can say. */
  compareRecovered({ id, durable, durableHard }: GhostNode, { log, term }: Raft): void {
    if (log.lastIndex !== durable.last || term !== durableHard.term) this.#forgotten.add(`n${id}'s log`);
  }

  /** Each thing that was promised, was or became committed (or was a vote), and is gone, in words; empty: nothing to excuse. */
  words(committed: GhostLog): string[] {
    const gone = new Map<NodeId, number[]>();
    for (const { id, index, term, crc } of this.#erased) {
      if (committed.termAt(index) !== term || committed.crcAt(index) !== crc) continue;
      gone.set(id, [...(gone.get(id) ?? []), index]);
    }
    const entries = [...gone].map(([id, at]) => `n${id}'s entries ${Math.min(...at)} to ${Math.max(...at)}`);
    return [...entries, ...this.#forgotten];
  }

  /** The nodes whose disks have lost anything that they had promised: from then on, what they begin with is what is found. */
  get liars(): ReadonlySet<NodeId> {
    return this.#liars;
  }
}
