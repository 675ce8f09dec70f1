/**
 * Chance of a run, by name: a stream's draws depend on the seed and its own name alone, so that a strike more or less
 * shifts nothing elsewhere. Real processes take their own time: a seed gives the same plan, never the same run.
 */
import alea from "seedrandom/lib/alea.js";

/** Draws in turn from one named place. */
export type Stream = {
  /** An integer in [0, bound). */
  below(bound: number): number;
  /** An integer in [least, most]. */
  between(least: number, most: number): number;
  /** One of `choices`, which are not empty. */
  pick<T>(choices: readonly T[]): T;
};

/** The same seed and name give the same draws in the same order. */
export function streamOf(seed: number, name: string): Stream {
  const next = alea(`metaStore chaos 1 seed ${seed} ${name}`);
  const below = (bound: number): number => Math.floor(next() * bound);
  return {
    below,
    between: (least, most) => least + below(most - least + 1),
    pick: (choices) => choices[below(choices.length)]!,
  };
}
