/** Which writes have ever left the node that took them: in a forward that its network took, or as an entry of a log. */
import { entryPayload } from "../../core/protocol/entry-codec.ts";
import { type Entry, entryKinds } from "../../core/protocol/entry.ts";
import type { Message } from "../../core/protocol/message.ts";
import type { LogView } from "../../core/raft/log.ts";
import { decodeCommand } from "../../core/kv/command.ts";
import type { Index, NodeId } from "../../core/units.ts";

/** One for each run. Values are known by their text, which no two writes share. */
export class Departures {
  readonly #values = new Set<string>();
  /** Where each node's log ended after its last turn. */
  readonly #seen = new Map<NodeId, Index>();

  /** A network has taken `message`: it may arrive. */
  taken(message: Message): void {
    if (message.kind !== "forward") return;
    for (const { kind, payload } of message.proposals) if (kind === entryKinds.command) this.#add(payload);
  }

  /** A leader has made `entry`. */
  made(entry: Entry): void {
    if (entry.kind === entryKinds.command) this.#add(entryPayload(entry));
  }

  /** Takes note of the log of `node`, after each turn. An entry may wait in it, written nowhere and sent to nobody yet: it counts too. */
  noteLog(node: NodeId, log: LogView): void {
    const from = Math.max(this.#seen.get(node) ?? 0, log.baseIndex);
    for (let index = from + 1; index <= log.lastIndex; index++) this.made(log.entryAt(index));
    this.#seen.set(node, log.lastIndex);
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
