/** The state machine once more, in the plainest way: the fold of the committed prefix, and its digest at every index. */
import { crc32 } from "../../core/bytes.ts";
import { type Command, decodeCommand } from "../../core/kv/command.ts";
import type { Row } from "../../core/kv/machine.ts";
import type { Session, SessionLimits, SessionResult } from "../../core/kv/sessions.ts";
import { StateHash } from "../../core/kv/state-hash.ts";
import { type Entry, entryKinds } from "../../core/raft/messages.ts";
import { entryPayload } from "../../core/wire/entry-codec.ts";

export class GhostMachine {
  readonly digests: number[] = [0];
  readonly #limits: SessionLimits;
  readonly #rows = new Map<string, Row>();
  #sessions: Session[] = [];

  constructor(limits: SessionLimits) {
    this.#limits = limits;
  }

  apply(entry: Entry): void {
    if (entry.kind === entryKinds.command) this.#run(entry, decodeCommand(entryPayload(entry)));
    const hash = new StateHash();
    for (const [key, row] of this.#rows) hash.addRow(key, row);
    for (const session of this.#sessions) hash.addSession(session);
    this.digests[entry.index] = hash.digest;
  }

  #run(entry: Entry, command: Command): void {
    const { index, clusterMicros, session: id, sequence } = entry;
    if (command.op === "open-session") {
      const isFresh = (one: Session): boolean => one.lastMicros + this.#limits.idleMicrosMax >= clusterMicros;
      const byUse = this.#sessions.filter(isFresh).toSorted((a, b) => a.lastIndex - b.lastIndex);
      const kept = byUse.slice(Math.max(0, byUse.length - this.#limits.sessionsMax + 1));
      this.#sessions = [...kept, { id: index, lastIndex: index, lastMicros: clusterMicros, results: [] }];
      return;
    }
    if (id === 0) {
      this.#write(entry, command);
      return;
    }
    const session = this.#sessions.find((one) => one.id === id);
    if (session === undefined || session.lastMicros + this.#limits.idleMicrosMax < clusterMicros) return;
    const { results } = session;
    if (results.some((one) => one.sequence === sequence)) return;
    if (results.length === this.#limits.resultsMax && results.every((one) => one.sequence > sequence)) return;
    const existed = this.#rows.has(command.key);
    const matched = this.#write(entry, command);
    const digest = crc32(entryPayload(entry), 0);
    const result: SessionResult = { sequence, digest, revision: index, existed, matched };
    const all = [...results, result].toSorted((a, b) => a.sequence - b.sequence).slice(-this.#limits.resultsMax);
    const others = this.#sessions.filter((one) => one !== session);
    this.#sessions = [...others, { id, lastIndex: index, lastMicros: clusterMicros, results: all }];
  }

  #write({ index, crc }: Entry, command: Exclude<Command, { op: "open-session" }>): boolean {
    const old = this.#rows.get(command.key);
    const { condition } = command;
    if (condition.kind === "absent" && old !== undefined) return false;
    if (condition.kind === "present" && old === undefined) return false;
    if (condition.kind === "revision" && old?.modRevision !== condition.revision) return false;
    if (command.op === "delete") this.#rows.delete(command.key);
    else {
      const createRevision = old === undefined ? index : old.createRevision;
      const version = old === undefined ? 1 : old.version + 1;
      this.#rows.set(command.key, { value: command.value, createRevision, modRevision: index, version, crc });
    }
    return true;
  }
}
