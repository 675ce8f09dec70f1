/**
 * The replicated state machine: pure, synchronous, total. Given an entry and the rows it names, it says what is
 * written; the clock, chance and the node's own identity do not reach it.
 */
import type { Index } from "../units.ts";
import type { Command } from "./command.ts";

/** One key's state. Revisions are log indexes; `version` counts the writes since the key was created. */
export type Row = {
  readonly value: string;
  readonly createRevision: Index;
  readonly modRevision: Index;
  readonly version: number;
  /** CRC of the entry that wrote the row: stands for the value in the state hash. */
  readonly crc: number;
};

/** What a write did. `revision` is the index of its entry; `existed` whether the key was there before. */
export type Applied = { readonly revision: Index; readonly existed: boolean; readonly row: Row | null };

/** The row that `command`, committed at `index`, leaves behind; null: no row. */
export function applyCommand(index: Index, crc: number, command: Command, before: Row | null): Applied {
  const existed = before !== null;
  if (command.op === "delete") return { revision: index, existed, row: null };
  const row: Row = {
    value: command.value,
    createRevision: before?.createRevision ?? index,
    modRevision: index,
    version: (before?.version ?? 0) + 1,
    crc,
  };
  return { revision: index, existed, row };
}
