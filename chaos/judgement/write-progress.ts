/**
 * Whether writes get through during the run: where a majority is up, connected and left alone, one must be acknowledged
 * within a bound. Only time that this process had counts, so that a machine that is busy accuses nobody.
 */
import type { Member } from "../world/member.ts";
import type { Links } from "../world/links.ts";
import type { World } from "../world/world.ts";

const lookMs = 500;
/** Without an acknowledged write for so long nothing new is struck: what follows is to be judged. */
const stallMs = 8_000;

function pairsOf(some: readonly Member[], others: readonly Member[]): [number, number][] {
  return some.flatMap(({ id }) =>
    others
      .filter((other) => other.id !== id)
      .flatMap((other): [number, number][] => [
        [id, other.id],
        [other.id, id],
      ]),
  );
}

/**
 * Since when these are up, connected with each other and left alone, in wall time; Infinity: they are not. A member beside
 * them that runs must be well connected or not at all: with a half of its connections it may keep others from electing.
 */
function wellSince(some: readonly Member[], present: readonly Member[], links: Links): number {
  const isWell = some.every(({ isUp, isShort, mayEnd }) => isUp && !isShort && mayEnd === null);
  const own = pairsOf(some, some);
  if (!isWell || own.some(([from, to]) => links.faultOf(from, to) !== null)) return Infinity;
  for (const other of present.filter((one) => !some.includes(one) && one.isUp)) {
    const faults = pairsOf(some, [other]).map(([from, to]) => links.faultOf(from, to));
    const isApart = faults.every((fault) => fault === "cut" || fault === "silent");
    if (!isApart && faults.some((fault) => fault !== null)) return Infinity;
  }
  const times = [...some.map((one) => one.disturbedAtMs), ...own.map(([from, to]) => links.touchedAtMsOf(from, to))];
  return Math.max(...times);
}

function choose<T>(all: readonly T[], count: number): T[][] {
  if (count === 0) return [[]];
  return all.flatMap((one, k) => choose(all.slice(k + 1), count - 1).map((rest) => [one, ...rest]));
}

/** The majority that has been well for the longest time, and since when; Infinity: there is none. `bereft`: do not count. */
export function wellMajority(
  present: readonly Member[],
  links: Links,
  bereft: readonly Member[],
): { readonly ids: readonly number[]; readonly sinceMs: number } {
  const whole = present.filter((member) => !bereft.includes(member));
  let best: { ids: readonly number[]; sinceMs: number } = { ids: [], sinceMs: Infinity };
  for (const some of choose(whole, Math.floor(present.length / 2) + 1)) {
    const sinceMs = wellSince(some, present, links);
    if (sinceMs < best.sinceMs) best = { ids: some.map(({ id }) => id), sinceMs };
  }
  return best;
}

/** One for each run. */
export class WriteProgress {
  readonly #world: Pick<World, "present" | "links" | "pace">;
  readonly #boundMs: number;
  /** How many writes were acknowledged so far. */
  readonly #acknowledged: () => number;
  /** Members that need not serve: without their data, or with too much asked of them. */
  readonly #bereft: () => readonly Member[];
  readonly #onFinding: (kind: string, text: string) => void;
  #count = 0;
  /** Of fair time: when the last acknowledgement was seen. */
  #acknowledgedAtMs: number;
  /** Since when it is judged: in wall time, and in fair time. */
  #since: { readonly wallMs: number; readonly fairMs: number };
  #isTold = false;

  constructor(
    world: Pick<World, "present" | "links" | "pace">,
    boundMs: number,
    acknowledged: () => number,
    bereft: () => readonly Member[],
    onFinding: (kind: string, text: string) => void,
  ) {
    this.#world = world;
    this.#boundMs = boundMs;
    this.#acknowledged = acknowledged;
    this.#bereft = bereft;
    this.#onFinding = onFinding;
    this.#acknowledgedAtMs = world.pace.fairNow();
    this.#since = { wallMs: world.pace.now(), fairMs: world.pace.fairNow() };
  }

  /** Nothing was acknowledged for a while: it needs calm to be judged. */
  get isStalled(): boolean {
    return this.#world.pace.fairNow() - this.#acknowledgedAtMs > stallMs;
  }

  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      this.look();
      await new Promise((resolve) => setTimeout(resolve, lookMs));
    }
  }

  look(): void {
    const { present, links, pace } = this.#world;
    const [wallMs, fairMs] = [pace.now(), pace.fairNow()];
    const { ids, sinceMs } = wellMajority(present, links, this.#bereft());
    const count = this.#acknowledged();
    const isNew = count !== this.#count;
    this.#count = count;
    if (isNew) [this.#acknowledgedAtMs, this.#isTold] = [fairMs, false];
    if (isNew || sinceMs >= this.#since.wallMs || pace.wasStarvedSince(this.#since.wallMs)) {
      this.#since = { wallMs, fairMs };
      return;
    }
    const lastedMs = Math.round(fairMs - this.#since.fairMs);
    if (this.#isTold || lastedMs <= this.#boundMs) return;
    this.#isTold = true;
    const who = ids.map((id) => `n${id}`).join(", ");
    this.#onFinding(
      "progress",
      `no write is acknowledged for ${lastedMs} ms, though ${who} are up, connected and left alone`,
    );
  }
}
