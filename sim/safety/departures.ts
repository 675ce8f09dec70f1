/** Which writes have ever left the node that took them: in a forward that its network took, or as an entry of a log. */
import type { RaftLog } from "../../core/raft/log.ts";
import { decodeCommand } from "../../core/kv/command.ts";
import type { Entry, Message } from "../../core/raft/messages.ts";
import { entryKinds } from "../../core/raft/messages.ts";
import { entryPayload } from "../../core/wire/entry-codec.ts";

export class Departures {
  readonly #values = new Set<string>();

  /** A network has taken `message`: it may arrive. */
  taken(message: Message): void {
    if (message.kind !== "forward") return;
    for (const { kind, payload } of message.proposals) if (kind === entryKinds.command) this.#add(payload);
  }

  /** A leader has made `entry`. */
  made(entry: Entry): void {
    if (entry.kind === entryKinds.command) this.#add(entryPayload(entry));
  }

  /**
   * Whether the write of `value`, which nobody else writes, may still happen, or has. In `log`, of the node that was asked,
   * an entry may wait that is not written and not sent yet: one who leads again sends it.
   */
  hasLeft(value: string, log: RaftLog | null): boolean {
    if (this.#values.has(value)) return true;
    if (log === null) return false;
    for (let index = log.lastIndex; index > log.baseIndex; index--) {
      const entry = log.entryAt(index);
      if (entry.kind === entryKinds.command && valueOf(entryPayload(entry)) === value) return true;
    }
    return false;
  }

  #add(payload: Uint8Array): void {
    const value = valueOf(payload);
    if (value !== null) this.#values.add(value);
  }
}

function valueOf(payload: Uint8Array): string | null {
  const command = decodeCommand(payload);
  return command.op === "put" ? command.value : null;
}
