/** Mutants of loops over pages, blocks, slices and batches: nothing is wrong while the loop runs once. */
import type { Mutant } from "../mutant.ts";

/** In the order of the table. */
export const mutantsOfSizes: readonly Mutant[] = [
  {
    name: "sessions beyond the first page are forgotten where a store opens",
    layer: "sizes",
    file: "core/storage/ordered-state.ts",
    old: "if (pairs.length === this.#sessionsAtOnce) return more();",
    new: "if (pairs.length < 0) return more();",
  },
  {
    name: "the first session of a snapshot's next page is left out",
    layer: "sizes",
    file: "core/storage/snapshot-store.ts",
    old: "this.#sessionsWritten += itemsAtOnce;",
    new: "this.#sessionsWritten += itemsAtOnce + 1;",
  },
  {
    name: "the row behind a full block of a snapshot is left out",
    layer: "sizes",
    file: "core/kv/snapshot.ts",
    old: "for (let at = 0; at < rows.length;) {",
    new: "for (let at = 0; at < rows.length; at++) {",
  },
  {
    name: "only the last page of a snapshot's sessions is installed",
    layer: "sizes",
    file: "core/storage/snapshot-store.ts",
    old: "sessions: (sessions) => this.#sessions.push(...sessions),",
    new: "sessions: (sessions) => this.#sessions.splice(0, Infinity, ...sessions),",
  },
  {
    name: "what a full batch of writes held goes with the next one too",
    layer: "sizes",
    file: "core/node/pending-writes.ts",
    old: "return queued.slice(start, end);",
    new: "return queued.slice(0, end);",
  },
  {
    name: "an entry larger than an append may be is never sent",
    layer: "sizes",
    file: "core/raft/log.ts",
    old: "if (entries.length > 0 && bytes > bytesMax) break;",
    new: "if (bytes > bytesMax) break;",
  },
  {
    name: "a snapshot's checksum is of its last slice",
    layer: "sizes",
    file: "core/storage/snapshot-store.ts",
    old: "const bytes = this.#writer.bytes();\n      this.#crc = crc32(bytes, this.#crc);",
    new: "const bytes = this.#writer.bytes();\n      this.#crc = crc32(bytes, 0);",
  },
  {
    name: "rows of an earlier slice are put once more",
    layer: "sizes",
    file: "core/storage/snapshot-store.ts",
    old: "      this.#rows = [];\n      this.#into.put",
    new: "      this.#into.put",
  },
];
