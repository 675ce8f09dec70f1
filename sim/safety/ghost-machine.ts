/** The state machine once more, in the plainest way: the fold of the committed prefix, and all that it ever was. */
import { crc32 } from "../../core/bytes.ts";
import { type Command, decodeCommand } from "../../core/kv/command.ts";
import type { Row } from "../../core/kv/machine.ts";
import type { Session, SessionLimits, SessionResult } from "../../core/kv/sessions.ts";
import { StateHash } from "../../core/kv/state-hash.ts";
import { entryPayload } from "../../core/protocol/entry-codec.ts";
import { type Entry, entryKinds, type LogPosition } from "../../core/protocol/entry.ts";
import type { Index, Micros } from "../../core/units.ts";

/** What came of a command that ran. `digest`: of the command alone. */
export type Run = {
  readonly session: Index;
  readonly sequence: number;
  readonly digest: number;
  readonly existed: boolean;
  readonly matched: boolean;
};

/** One for each run. It shares no code of applying with core/kv, so that a mistake there is seen. */
export class GhostMachine {
  /** Of the state after each entry; before the first one of the run it is empty. */
  readonly #digests = new Map<Index, number>([[0, 0]]);
  readonly #limits: SessionLimits;
  readonly #rows = new Map<string, Row>();
  #sessions: Session[] = [];
  /** Of the last entry. */
  clusterMicros: Micros;
  readonly #runs = new Map<Index, Run>();
  /** Of each key, every state with its index; and by "session.sequence", where that ran. */
  readonly #states = new Map<string, { readonly index: Index; readonly row: Row | null }[]>();
  readonly #firstRuns = new Map<string, Index>();

  /** `origin`: of the last entry before the run. */
  constructor(limits: SessionLimits, origin: Pick<LogPosition, "index" | "clusterMicros">) {
    this.#limits = limits;
    this.clusterMicros = origin.clusterMicros;
    this.#digests.set(origin.index, 0);
  }

  /** After the committed entry `index`. */
  digestAt(index: Index): number | undefined {
    return this.#digests.get(index);
  }

  run(index: Index): Run | undefined {
    return this.#runs.get(index);
  }

  firstRun(session: Index, sequence: number): Index | undefined {
    return this.#firstRuns.get(`${session}.${sequence}`);
  }

  isGone(session: Index): boolean {
    const last = this.#sessions.find(({ id }) => id === session)?.lastMicros ?? -Infinity;
    return last + this.#limits.idleMicrosMax < this.clusterMicros;
  }

  isTooOld(session: Index, sequence: number): boolean {
    const results = this.#sessions.find(({ id }) => id === session)?.results ?? [];
    return results.length === this.#limits.resultsMax && results.every((one) => one.sequence > sequence);
  }

  /** The row of `key` once `index` was applied. */
  rowAt(key: string, index: Index): Row | null {
    return this.#states.get(key)?.findLast((state) => state.index <= index)?.row ?? null;
  }

  /** Whether `key` has ever had that value. */
  hasHad(key: string, value: string): boolean {
    return this.#states.get(key)?.some(({ row }) => row?.value === value) === true;
  }

  apply(entry: Entry): void {
    this.clusterMicros = entry.clusterMicros;
    if (entry.kind === entryKinds.command) this.#execute(entry, decodeCommand(entryPayload(entry)));
    const hash = new StateHash();
    for (const [key, row] of this.#rows) hash.addRow(key, row);
    for (const session of this.#sessions) hash.addSession(session);
    this.#digests.set(entry.index, hash.digest);
  }

  #execute(entry: Entry, command: Command): void {
    const { index, clusterMicros, session: id, sequence } = entry;
    const digest = crc32(entryPayload(entry), 0);
    if (command.op === "open-session") {
      this.#runs.set(index, { session: id, sequence, digest, existed: false, matched: true });
      const isFresh = (one: Session): boolean => one.lastMicros + this.#limits.idleMicrosMax >= clusterMicros;
      const byUse = this.#sessions.filter(isFresh).toSorted((a, b) => a.lastIndex - b.lastIndex);
      const kept = byUse.slice(Math.max(0, byUse.length - this.#limits.sessionsMax + 1));
      this.#sessions = [...kept, { id: index, lastIndex: index, lastMicros: clusterMicros, results: [] }];
      return;
    }
    const existed = this.#rows.has(command.key);
    if (id === 0) {
      const matched = this.#write(entry, command);
      this.#runs.set(index, { session: id, sequence, digest, existed, matched });
      return;
    }
    const session = this.#sessions.find((one) => one.id === id);
    if (session === undefined || session.lastMicros + this.#limits.idleMicrosMax < clusterMicros) return;
    const { results } = session;
    if (results.some((one) => one.sequence === sequence)) return;
    if (results.length === this.#limits.resultsMax && results.every((one) => one.sequence > sequence)) return;
    const matched = this.#write(entry, command);
    this.#runs.set(index, { session: id, sequence, digest, existed, matched });
    this.#firstRuns.set(`${id}.${sequence}`, index);
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
    let row: Row | null = null;
    if (command.op === "put") {
      const createRevision = old === undefined ? index : old.createRevision;
      const version = old === undefined ? 1 : old.version + 1;
      row = { value: command.value, createRevision, modRevision: index, version, crc };
      this.#rows.set(command.key, row);
    } else this.#rows.delete(command.key);
    const states = this.#states.get(command.key);
    if (states === undefined) this.#states.set(command.key, [{ index, row }]);
    else states.push({ index, row });
    return true;
  }
}
