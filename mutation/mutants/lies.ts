/**
 * Mutants of what is made of a disk that has lied: only runs of tier c have such disks. Whatever follows once a committed
 * entry, a vote or a state is gone is excused there, so these show where nothing of that is.
 */
import type { Mutant } from "../mutant.ts";

/** In the order of the table. */
export const mutantsOfLies: readonly Mutant[] = [
  {
    name: "a snapshot that is cut off is taken for whole",
    layer: "snapshot",
    tier: "c",
    file: "core/storage/snapshot-store.ts",
    old: "if (!this.#reader.ended || header === null)",
    new: "if (header === null)",
  },
  {
    name: "what a sync had promised, and a power cut has taken, is not told to the judge",
    layer: "simulator",
    tier: "c",
    file: "sim/world/disk.ts",
    old: "      this.counters.changesLost += 1;\n      if (change.seq <= file.promisedThrough) this.#world.lieTold(name);\n",
    new: "      this.counters.changesLost += 1;\n",
  },
  {
    name: "a write that the disk has put elsewhere is not told to the judge",
    layer: "simulator",
    tier: "c",
    file: "sim/world/disk.ts",
    old: "        this.#world.lieTold(name);\n        file.media.set(before, change.offset);\n",
    new: "        file.media.set(before, change.offset);\n",
  },
  {
    name: "a batch of the log need not stand where it says",
    layer: "recovery",
    tier: "c",
    file: "core/storage/wal-record.ts",
    old: "if (ownSegment !== segment || ownOffset !== offset)",
    new: "if (ownSegment !== segment)",
    defended:
      "what lands before its place says that all up to that place was durable, so that whatever it leaves unreadable is damage; and entries follow each other without a gap",
  },
];
