/** What a campaign knows, in its file: where it goes on, what it has found and reached. */
import { existsSync, readFileSync } from "node:fs";
import { troubleOf, writeWhole } from "./files.ts";
import type { Kind } from "./kinds.ts";
import { UsageError } from "./options.ts";

/** Failures of one kind. */
export type Finding = Kind & {
  /** Its runs end their threads, or hang: there is no tape to be shrunk. */
  isLost?: boolean;
};

/** As it stands in the file. Each seed is counted once: it is below `next` or in `ahead`, or has yet to be run. */
export type State = {
  readonly campaign: 1;
  /** `--engines`, `--tier`, `--only` and `--without`, as they were typed. */
  readonly typed: string;
  /** Every seed below it is done. */
  next: number;
  /** Seeds above it that are done too. */
  ahead?: readonly number[];
  done: number;
  failed: number;
  events: number;
  micros: number;
  seconds: number;
  /** By mark: after how many seeds it was first reached. */
  readonly marks: Record<string, number>;
  readonly findings: Finding[];
};

/** What is in the file, or a new one. Throws UsageError where the file is broken, or of a campaign with other options. */
export function openState(path: string, typed: string): State {
  if (!existsSync(path)) {
    const none = { next: 1, ahead: [], done: 0, failed: 0, events: 0, micros: 0, seconds: 0 };
    return { campaign: 1, typed, ...none, marks: {}, findings: [] };
  }
  let state: Partial<State> | null;
  try {
    state = JSON.parse(readFileSync(path, "utf8")) as Partial<State> | null;
  } catch {
    throw new UsageError(`${path} is broken: move it away to start over`);
  }
  if (state?.campaign !== 1) throw new UsageError(`${path} is no campaign's: move it away to start over`);
  if (state.typed !== typed)
    throw new UsageError(`${path} is of a campaign with other options:${state.typed ?? ""}; give another --out`);
  return state as State;
}

/** Null, or why the file could not be replaced; then it holds what it held. */
export function saveState(path: string, state: State): string | null {
  return troubleOf(() => writeWhole(path, `${JSON.stringify(state, null, 1)}\n`));
}
