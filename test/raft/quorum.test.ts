import test from "ava";
import type { Configuration } from "../../core/raft/messages.ts";
import { committedIndex, voteResult } from "../../core/raft/quorum.ts";

function configuration(voters: readonly number[], outgoing: readonly number[]): Configuration {
  return { members: [], voters, outgoing, learners: [], removed: [] };
}

function dumbCommitted(voters: readonly number[], match: readonly number[]): number {
  let best = voters.length === 0 ? Infinity : 0;
  for (let index = 1; index <= 3 && voters.length > 0; index++) {
    if (voters.filter((voter) => match[voter]! >= index).length * 2 > voters.length) best = index;
  }
  return best;
}

/** All subsets of 1..4, all matches in 0..3: every small case. */
const subsets = Array.from({ length: 16 }, (_, bits) => [1, 2, 3, 4].filter((id) => bits & (1 << (id - 1))));

test("the committed index is what a majority of each half has reached", (t) => {
  let cases = 0;
  for (const voters of subsets.slice(1)) {
    for (const outgoing of subsets) {
      for (let code = 0; code < 256; code++) {
        const match = [0, code & 3, (code >> 2) & 3, (code >> 4) & 3, (code >> 6) & 3];
        const expected = Math.min(dumbCommitted(voters, match), dumbCommitted(outgoing, match));
        if (committedIndex(configuration(voters, outgoing), (id) => match[id]!) !== expected)
          t.fail(`${voters.join()} ${outgoing.join()} ${match.join()}`);
        cases += 1;
      }
    }
  }
  t.is(cases, 15 * 16 * 256);
});

test("a vote is won by a majority of each half, lost when one half cannot be won, else open", (t) => {
  for (const voters of subsets.slice(1)) {
    for (const outgoing of subsets) {
      for (let code = 0; code < 81; code++) {
        const votes = [0, 1, 2, 3].map((k) => Math.floor(code / 3 ** k) % 3);
        const voteOf = (id: number): boolean | undefined => [undefined, true, false][votes[id - 1]!];
        const halves = [voters, outgoing].map((half) => {
          const yes = half.filter((id) => voteOf(id) === true).length;
          const no = half.filter((id) => voteOf(id) === false).length;
          if (half.length === 0 || yes * 2 > half.length) return "won";
          return (half.length - no) * 2 <= half.length ? "lost" : "open";
        });
        const expected = halves.includes("lost") ? "lost" : halves.includes("open") ? "open" : "won";
        if (voteResult(configuration(voters, outgoing), voteOf) !== expected)
          t.fail(`${voters.join()} ${outgoing.join()} ${votes.join()}`);
      }
    }
  }
  t.pass();
});
