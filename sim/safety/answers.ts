/**
 * What clients are answered: I18 answer integrity. Answers are held against the fold of the committed prefix: a command's
 * result is what its own entry gave, at its first run; a refusal has its reason; a read is the row as it was at the revision
 * that it names.
 */
import { crc32 } from "../../core/bytes.ts";
import { type Command, encodeCommand } from "../../core/kv/command.ts";
import type { Applied, Row } from "../../core/kv/machine.ts";
import type { SessionKey } from "../../core/node/options.ts";
import type { Index } from "../../core/units.ts";
import type { GhostMachine } from "./ghost-machine.ts";

/** A command that has run, now or before. */
type Ran = Extract<Applied, { readonly revision: Index }>;

/** One for each run. It throws a Violation where an answer cannot be. */
export class Answers {
  readonly #machine: GhostMachine;

  constructor(machine: GhostMachine) {
    this.#machine = machine;
  }

  /** What is wrong with the answer `applied` to `command`, or null. */
  ofWrite(command: Command, key: SessionKey, applied: Applied): string | null {
    const digest = crc32(encodeCommand(command), 0);
    if (applied.code === "done" || applied.code === "mismatch") return this.#ofRun(command, key, digest, applied);
    const { session, sequence } = key;
    if (applied.code === "other-command") {
      const first = this.#machine.firstRun(session, sequence);
      const isOther = first !== undefined && this.#machine.run(first)!.digest !== digest;
      return isOther ? null : `sequence ${sequence} of session ${session} is no other command's`;
    }
    if (this.#machine.isGone(session)) return null;
    if (applied.code === "sequence-too-old" && this.#machine.isTooOld(session, sequence)) return null;
    return `${applied.code} for sequence ${sequence} of session ${session}, which is not so`;
  }

  #ofRun(command: Command, key: SessionKey, digest: number, applied: Ran): string | null {
    const { revision, code } = applied;
    const run = this.#machine.run(revision);
    const isOwn = run?.session === key.session && run.sequence === key.sequence && run.digest === digest;
    if (!isOwn) return `entry ${revision} is said to have run it, and did not`;
    if (run.matched !== (code === "done"))
      return `${code} at ${revision}, where its condition ${run.matched ? "held" : "failed"}`;
    if (applied.code === "done") {
      const { existed } = applied;
      return existed === run.existed ? null : `the key existed ${existed ? "not " : ""}before ${revision}`;
    }
    if (command.op === "open-session" || applied.row === null) return null;
    return this.ofRead(command.key, applied.row, applied.row.modRevision);
  }

  /** What is wrong with `row` as the state of `key` at `revision`, or null. */
  ofRead(key: string, row: Row | null, revision: Index): string | null {
    const was = this.#machine.rowAt(key, revision);
    const isSame =
      row === null || was === null
        ? row === was
        : row.value === was.value &&
          row.modRevision === was.modRevision &&
          row.createRevision === was.createRevision &&
          row.version === was.version;
    return isSame ? null : `at ${revision} the row was ${wordsOf(was)}, not ${wordsOf(row)}`;
  }
}

function wordsOf(row: Row | null): string {
  if (row === null) return "absent";
  return `"${row.value.slice(0, 20)}" of ${row.modRevision}, made at ${row.createRevision}, version ${row.version}`;
}
