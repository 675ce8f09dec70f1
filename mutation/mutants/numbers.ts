/** Mutants of large numbers, which are right while a run begins near 0; and of messages that come from an earlier boot. */
import type { Mutant } from "../mutant.ts";

/** In the order of the table. */
export const mutantsOfNumbers: readonly Mutant[] = [
  {
    name: "a sequence keeps 32 bits where an entry is read",
    layer: "numbers",
    file: "core/protocol/entry-codec.ts",
    old: "sequence: readU64(own, 80),",
    new: "sequence: readU32(own, 80),",
  },
  {
    name: "the number of a segment keeps 32 bits in its name",
    layer: "numbers",
    file: "core/storage/wal-record.ts",
    old: 'return `wal-${segment.toString(16).padStart(12, "0")}.log`;',
    new: 'return `wal-${(segment >>> 0).toString(16).padStart(12, "0")}.log`;',
  },
  {
    name: "a term is a signed number of 32 bits where the log is read",
    layer: "numbers",
    file: "core/storage/wal-record.ts",
    old: "taker.hardState({ term: readU64(bytes, at), vote: readU64(bytes, at + 8) });",
    new: "taker.hardState({ term: readU64(bytes, at) | 0, vote: readU64(bytes, at + 8) });",
  },
  {
    name: "an answer to a read of an earlier boot is taken for one to a read of this boot",
    layer: "late messages",
    file: "core/node/pending-reads.ts",
    old: "if (incarnation !== own.incarnation || boot !== own.boot) return;",
    new: "if (incarnation !== own.incarnation || boot < 0) return;",
  },
  {
    name: "an answer to a change of an earlier boot is taken for one to a change of this boot",
    layer: "late messages",
    file: "core/node/pending-changes.ts",
    old: "if (incarnation !== this.#identity.incarnation || boot !== this.#identity.boot) return;",
    new: "if (incarnation !== this.#identity.incarnation || boot < 0) return;",
  },
  {
    name: "an entry of an earlier boot answers a write of this boot",
    layer: "late messages",
    file: "core/node/pending-writes.ts",
    old: "if (origin.incarnation !== this.#identity.incarnation || origin.boot !== this.#identity.boot) return;",
    new: "if (origin.incarnation !== this.#identity.incarnation || origin.boot < 0) return;",
  },
];
