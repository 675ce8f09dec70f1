/**
 * Whether a member recovers: ready after it was added or moved, whole after it lost its data. Faults that strike others
 * meanwhile may delay it. So a slow member is given calm, and is judged by that time alone.
 */
import type { Pace } from "../world/pace.ts";

/**
 * - `there`: it came.
 * - `late`: it did not, though everything was left alone for the whole bound.
 * - `untold`: it did not, and something may explain it.
 */
export type Arrival = "there" | "late" | "untold";

/** What the judgement needs of its world. */
export type Surroundings = {
  readonly pace: Pace;
  readonly isHurried: boolean;
  until(condition: () => boolean | Promise<boolean>, patienceMs: number): Promise<boolean>;
  /** Whether nothing was done to any member or link since `sinceMs`, in wall time. */
  wasLeftAlone(sinceMs: number): boolean;
};

/** What it needs of a strike's field. */
export type Calm = {
  readonly world: Surroundings;
  /** Asks for calm; what it returns ends it. */
  readonly keepCalm: () => () => void;
  /** Whether much is asked of members at once: that may be why they are late. */
  readonly isLoaded: () => boolean;
};

/** Strikes that are under way end within this. */
const healMs = 60_000;

/**
 * Waits `patienceMs` whatever else happens; then asks for calm, and judges it late when it is not there after `boundMs` in
 * which everything was left alone.
 */
export async function awaitArrival(
  { world, keepCalm, isLoaded }: Calm,
  isThere: () => Promise<boolean>,
  patienceMs: number,
  boundMs: number,
): Promise<Arrival> {
  if (await world.until(isThere, patienceMs)) return "there";
  const { pace } = world;
  const release = keepCalm();
  let [calmSinceMs, calmFairMs] = [pace.now(), pace.fairNow()];
  let [hasCome, isLate] = [false, false];
  const isDecided = async (): Promise<boolean> => {
    hasCome = await isThere();
    if (isLoaded() || !world.wasLeftAlone(calmSinceMs)) [calmSinceMs, calmFairMs] = [pace.now(), pace.fairNow()];
    isLate = !hasCome && pace.fairNow() - calmFairMs > boundMs;
    return hasCome || isLate;
  };
  await world.until(isDecided, healMs + boundMs).finally(release);
  if (hasCome) return "there";
  return isLate && !world.isHurried ? "late" : "untold";
}
