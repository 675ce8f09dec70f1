/**
 * Whether a process gives its descriptors back. Two signs that it does not: it keeps connections whose other end has ended;
 * and what it never goes below within a minute rises far above what that was at first.
 */
import type { MemberProcess } from "../world/member-process.ts";
import type { Pace } from "../world/pace.ts";
import { halfEndedOf } from "../world/proc.ts";

const lookMs = 4_000;
/** Of a process that is not looked at for so long nothing is concluded: it may have been stopped. */
const gapMsMax = 10_000;
const keptMs = 15_000;
/** Half-closed clients that wait for their answers are fewer. */
const keptMax = 4;
/** While it starts, a process has few descriptors. */
const startMs = 15_000;
const minuteMs = 60_000;
const firstMinutes = 2;
/** Pools of clients and the files of an engine grow, and then do not grow on. */
const riseMax = 200;

type Watched = {
  lookedAtMs: number;
  /** Since when it keeps too many connections without another end. */
  keepsSinceMs: number | null;
  minuteBeganMs: number;
  floor: number;
  /** The fewest descriptors of each of the first minutes. */
  readonly first: number[];
};

/** One for each run. It judges each process by itself, from its start on. */
export class DescriptorLeaks {
  readonly #watched = new WeakMap<MemberProcess, Watched>();

  /** What is wrong with the process, which has so many descriptors now, in words; or null. */
  look(running: MemberProcess, descriptors: number, pace: Pace): string | null {
    const nowMs = pace.now();
    const watched = this.#watched.get(running) ?? begin(nowMs, running);
    this.#watched.set(running, watched);
    if (nowMs - watched.lookedAtMs < lookMs) return null;
    const wasAway = nowMs - watched.lookedAtMs > gapMsMax || pace.wasStarvedSince(watched.lookedAtMs);
    watched.lookedAtMs = nowMs;
    const kept = halfEndedOf(running.pid);
    if (kept <= keptMax || wasAway) watched.keepsSinceMs = null;
    if (kept > keptMax) watched.keepsSinceMs ??= nowMs;
    if (watched.keepsSinceMs !== null && nowMs - watched.keepsSinceMs > keptMs)
      return `keeps ${kept} connections whose other end has ended`;
    return rise(watched, nowMs, descriptors);
  }
}

function begin(nowMs: number, { startedAtMs }: MemberProcess): Watched {
  return {
    lookedAtMs: nowMs,
    keepsSinceMs: null,
    minuteBeganMs: startedAtMs + startMs,
    floor: Infinity,
    first: [],
  };
}

function rise(watched: Watched, nowMs: number, descriptors: number): string | null {
  if (nowMs < watched.minuteBeganMs) return null;
  watched.floor = Math.min(watched.floor, descriptors);
  if (nowMs - watched.minuteBeganMs < minuteMs) return null;
  const { floor, first } = watched;
  watched.minuteBeganMs = nowMs;
  watched.floor = Infinity;
  if (first.length < firstMinutes) {
    first.push(floor);
    return null;
  }
  const before = Math.max(...first);
  return floor - before > riseMax ? `never has less than ${floor} descriptors open; at first it had ${before}` : null;
}
