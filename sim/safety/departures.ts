/** Which writes have ever left the node that took them: in a forward that its network took, or as an entry of a log. */
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

  /** Whether the write of `value`, which nobody else writes, may still happen, or has. */
  hasLeft(value: string): boolean {
    return this.#values.has(value);
  }

  #add(payload: Uint8Array): void {
    const command = decodeCommand(payload);
    if (command.op === "put") this.#values.add(command.value);
  }
}
