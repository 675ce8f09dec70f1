/** An axis of events: a line of the trace takes room by how much it tells, and a stretch in which nothing happens is folded. */
import { stops } from "../../sim/report/states.ts";
import type { TraceKind } from "../../sim/trace/vocabulary.ts";
import { data, inCone, kindOf, lineAt, lines, messageAt, timeOf } from "./moments.ts";

/** A stretch that takes less room than its lines or its time would: from line `from` to line `to`. */
export type Fold = { readonly from: number; readonly to: number; readonly micros: number };

export const faultKinds: ReadonlySet<TraceKind> = new Set([
  ...stops,
  "logDamaged",
  "pause",
  "block",
  "clog",
  "late",
  "reset",
  "clientBlock",
  "slow",
  "clockStall",
  "misread",
  "logMissing",
  "segmentMissing",
  "olderCopy",
  "newer",
]);
const quietKinds: ReadonlySet<string> = new Set(["applied", "durable", "readIndex", "snapshot"]);
const quietMessages: ReadonlySet<string> = new Set(["append-reply", "read", "read-reply"]);
const quietRoom = 0.25;
/** Quiet lines in a row, and their room, from which on they are folded. */
const foldedLinesMin = 24;
const foldedRoom = 3;
/** A pause between two lines that the axis leaves out. */
const pauseMicrosMin = 50_000;

export const folds: Fold[] = [];
const places = placesOfLines();

function isQuiet(k: number): boolean {
  const kind = kindOf(k);
  if (quietKinds.has(kind)) return true;
  if (kind !== "send" && kind !== "receive") return false;
  const name = data.messageNames[lines[k]![5]] ?? "";
  return quietMessages.has(name) || (name === "append" && messageAt(k)?.[3] === 0);
}

/** Of each line: how far it is from the beginning of the axis. */
function placesOfLines(): Float64Array {
  const found = new Float64Array(lines.length);
  let place = 0;
  for (let k = 0; k < lines.length;) {
    let end = k;
    while (end < lines.length && isQuiet(end)) end += 1;
    const count = end - k;
    if (count >= foldedLinesMin) folds.push({ from: k, to: end - 1, micros: timeOf(end - 1) - timeOf(k) });
    const room = count >= foldedLinesMin ? foldedRoom / count : quietRoom;
    for (; k < end; k++) found[k] = place += room;
    if (k < lines.length) {
      const pause = k === 0 ? 0 : timeOf(k) - timeOf(k - 1);
      if (pause >= pauseMicrosMin) {
        folds.push({ from: k - 1, to: k, micros: pause });
        place += 1;
      }
      found[k] = place += inCone[k] === 1 ? 1.2 : 1;
      k += 1;
    }
  }
  return found;
}

/** Where line k is, in units of room. */
export function placeOf(k: number): number {
  return places[Math.min(lines.length - 1, Math.max(0, k))] ?? 0;
}

export function placeOfTime(time: number): number {
  const k = lineAt(time);
  return k >= lines.length ? placeOf(lines.length - 1) + 1 : placeOf(k);
}

/** The first line that is at or behind that place. */
export function lineAtPlace(place: number): number {
  let [low, high] = [0, lines.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (placeOf(middle) < place) low = middle + 1;
    else high = middle;
  }
  return low;
}
