/**
 * The replicated state machine: pure, synchronous, total. Given an entry, the rows it names and the sessions, it says
 * what is written; the clock, chance and the node's own identity do not reach it.
 */
import { assert } from "../assert.ts";
import { crc32 } from "../bytes.ts";
import { entryPayload } from "../protocol/entry-codec.ts";
import type { Entry } from "../protocol/entry.ts";
import type { Index } from "../units.ts";
import type { Command, Condition } from "./command.ts";
import type { Session, Sessions, Standing } from "./sessions.ts";

/** One key's state. Revisions are log indexes; `version` counts the writes since the key was created. */
export type Row = {
  readonly value: string;
  readonly createRevision: Index;
  readonly modRevision: Index;
  readonly version: number;
  /** CRC of the entry that wrote the row: stands for the value in the state hash. */
  readonly crc: number;
};

/** What a batch of entries changes; null: it is gone. `before` has what each changed row was, at least. */
export type RowChanges = {
  readonly before: ReadonlyMap<string, Row | null>;
  readonly rows: Map<string, Row | null>;
  readonly sessions: Map<Index, Session | null>;
};

/**
 * What a command came to. `done`: it ran, now or (for a retry) at `revision`; `existed`: whether the key was there before.
 * `mismatch`: its condition did not hold; `row` is what the key holds now. The others: it did not run and never will.
 */
export type Applied =
  | { readonly code: "done"; readonly revision: Index; readonly existed: boolean }
  | { readonly code: "mismatch"; readonly revision: Index; readonly row: Row | null }
  | { readonly code: Exclude<Standing["kind"], "fresh" | "done"> };

function holds(condition: Condition, row: Row | null): boolean {
  switch (condition.kind) {
    case "none":
      return true;
    case "absent":
      return row === null;
    case "present":
      return row !== null;
    case "revision":
      return row?.modRevision === condition.revision;
    default:
      return condition satisfies never;
  }
}

/** Applies the command of `entry`: `rows` holds the row of its key, and takes its change; so do `sessions` and `writes`. */
export function applyCommand(
  entry: Entry,
  command: Command,
  rows: Map<string, Row | null>,
  sessions: Sessions,
  writes: RowChanges,
): Applied {
  const { index, crc, clusterMicros, session, sequence } = entry;
  if (command.op === "open-session") {
    for (const [id, changed] of sessions.open(index, clusterMicros)) writes.sessions.set(id, changed);
    return { code: "done", revision: index, existed: false };
  }
  const before = rows.get(command.key);
  assert(before !== undefined, "the row of a command is fetched before the command is applied");
  const digest = session === 0 ? 0 : commandDigest(entry);
  if (session !== 0) {
    const standing = sessions.standing(session, sequence, digest, clusterMicros);
    if (standing.kind === "done") {
      const { revision, existed, matched } = standing.result;
      return matched ? { code: "done", revision, existed } : { code: "mismatch", revision, row: before };
    }
    if (standing.kind !== "fresh") return { code: standing.kind };
  }
  const existed = before !== null;
  const matched = holds(command.condition, before);
  if (matched) {
    const row = command.op === "delete" ? null : rowAfter(index, crc, command.value, before);
    rows.set(command.key, row);
    writes.rows.set(command.key, row);
  }
  if (session !== 0) {
    const result = { sequence, digest, revision: index, existed, matched };
    writes.sessions.set(session, sessions.record(session, index, clusterMicros, result));
  }
  return matched ? { code: "done", revision: index, existed } : { code: "mismatch", revision: index, row: before };
}

function rowAfter(index: Index, crc: number, value: string, before: Row | null): Row {
  return {
    value,
    createRevision: before?.createRevision ?? index,
    modRevision: index,
    version: (before?.version ?? 0) + 1,
    crc,
  };
}

/** A number for the command alone, without its place in the log. */
function commandDigest(entry: Entry): number {
  return crc32(entryPayload(entry), 0);
}
