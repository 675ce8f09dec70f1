/** Seeds that have failed once, each with what it had found. The numbers hold for this version of the model. */
import test from "ava";
import type { Engines } from "../../sim/nemesis/options.ts";
import { simulateSeed } from "../../sim/simulator.ts";

const found: readonly (readonly [seed: number, what: string, engines?: Engines])[] = [
  [12, "the quorum that counts an entry is the one of the configuration appended in that very turn, or the one before"],
  [98, "the same, with a joint configuration that is left"],
  [719, "voters are not removed down to one that has lost its rows"],
  [527, "a learner that was promoted early votes before its log has come to the entry that added it"],
  [875, "an acknowledgement of a log that was lost is not taken for one of the life that follows"],
  [1599, "a leader that has just been elected does not know which binding anew is committed, and needs that member"],
  [2093, "a lone voter that restarts at once stands while a removed leader still believes in its lease"],
  [
    2719,
    "failed compare-and-sets in a row, behind an unknown write that nobody saw, are decided without a search",
    "memory",
  ],
];

for (const [seed, what, engines = null] of found) {
  test(`seed ${seed}: ${what}`, (t) => {
    const { verdict, property, message } = simulateSeed(seed, { print: null, invariants: true }, engines);
    t.is(verdict, "ok", `${property}: ${message}`);
  });
}
