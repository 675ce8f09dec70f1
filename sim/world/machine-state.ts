/**
 * What a machine is for the cluster: whether a process runs on it, and if not, whether one may start again. One value at a
 * time, so that what excludes each other cannot be written; each change is a function here that asserts where it comes from.
 */
import { assert } from "../../core/assert.ts";
import type { Node } from "../../core/node/node.ts";
import type { SimClock } from "./clock.ts";

/** A process runs. Paused, it takes no turn; stopping, it has been told to end and may take its turns up to that. */
export type Up = {
  readonly kind: "up";
  readonly node: Node;
  readonly clock: SimClock;
  readonly isPaused: boolean;
  readonly isStopping: boolean;
};

/** No process runs, and one may start on what the directory holds. `areRowsDamaged`: a power cut has taken synced rows. */
type Down = { readonly kind: "down"; readonly areRowsDamaged: boolean };

/** Held by Host alone, which sets it to what these functions give. */
export type MachineState =
  /** No process has run here yet. */
  | { readonly kind: "unused" }
  | Up
  | Down
  /** The cluster goes on without it: only emptied does it come back, as a new member. */
  | { readonly kind: "retired" }
  /** Nobody can give back what it has lost: only a copy of its directory would help. */
  | { readonly kind: "lost" };

/** Whether a process may start on what is there. */
export function canStart({ kind }: MachineState): boolean {
  return kind === "unused" || kind === "down";
}

/** A process starts. */
export function started(from: MachineState, node: Node, clock: SimClock): Up {
  assert(canStart(from), "a process starts where none runs, and none has left for good");
  return { kind: "up", node, clock, isPaused: false, isStopping: false };
}

/** The process is gone, if there was one. `damagesRows`: of a power cut, whether rows are gone that had been synced; null: no power cut. */
export function stopped(from: MachineState, damagesRows: boolean | null): MachineState {
  assert(from.kind !== "unused", "a machine was started before it stops");
  if (from.kind === "up") return { kind: "down", areRowsDamaged: damagesRows === true };
  return from.kind === "down" && damagesRows !== null ? { kind: "down", areRowsDamaged: damagesRows } : from;
}

/** The process has ended itself, for good. */
export function left(from: MachineState, kind: "retired" | "lost"): MachineState {
  assert(from.kind === "down" && !from.areRowsDamaged, "a process that ran has ended by itself");
  return { kind };
}

/** The machine is replaced by an empty one. Damaged rows stay counted up to the next start. */
export function emptied(from: MachineState): Down {
  assert(from.kind !== "up" && from.kind !== "unused", "a machine is emptied when its process is gone");
  return from.kind === "down" ? from : { kind: "down", areRowsDamaged: false };
}

/** The process gets no turn until it is resumed; what comes for it waits. */
export function paused(from: MachineState): Up {
  assert(from.kind === "up" && !from.isPaused, "a process that runs is paused");
  return { ...from, isPaused: true };
}

/** Goes on, if it was paused. */
export function resumed(from: MachineState): MachineState {
  return from.kind === "up" && from.isPaused ? { ...from, isPaused: false } : from;
}

/** The process takes no more requests and ends by itself. */
export function toldToStop(from: MachineState): Up {
  assert(from.kind === "up" && !from.isStopping, "a process that runs is told to stop, once");
  return { ...from, isStopping: true };
}
