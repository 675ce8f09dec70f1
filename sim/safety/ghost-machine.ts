/** The state machine once more, in the plainest way: the fold of the committed prefix, and its digest at every index. */
import { decodeCommand } from "../../core/kv/command.ts";
import type { Row } from "../../core/kv/machine.ts";
import { StateHash } from "../../core/kv/state-hash.ts";
import { type Entry, entryKinds } from "../../core/raft/messages.ts";
import { entryPayload } from "../../core/wire/entry-codec.ts";

export class GhostMachine {
  readonly digests: number[] = [0];
  readonly #rows = new Map<string, Row>();
  readonly #hash = new StateHash();

  apply(entry: Entry): void {
    if (entry.kind === entryKinds.command) {
      const command = decodeCommand(entryPayload(entry));
      const old = this.#rows.get(command.key);
      if (old !== undefined) this.#hash.remove(command.key, old);
      if (command.op === "delete") this.#rows.delete(command.key);
      else {
        const createRevision = old === undefined ? entry.index : old.createRevision;
        const version = old === undefined ? 1 : old.version + 1;
        const row = { value: command.value, createRevision, modRevision: entry.index, version, crc: entry.crc };
        this.#rows.set(command.key, row);
        this.#hash.add(command.key, row);
      }
    }
    this.digests[entry.index] = this.#hash.digest;
  }
}
