import test from "ava";
import type { Change, Configuration } from "../../core/protocol/configuration.ts";
import { enterJoint, isJoint, isReached, leaveJoint, refusal, stepTowards } from "../../core/raft/membership.ts";
import { committedIndex, isQuorum, voteResult } from "../../core/raft/quorum.ts";

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

/** Every set of nodes that is a quorum of `one`, by the plain definition. */
function quorumsOf({ voters, outgoing }: Configuration): number[][] {
  return subsets.filter((set) =>
    [voters, outgoing].every(
      (half) => half.length === 0 || half.filter((id) => set.includes(id)).length * 2 > half.length,
    ),
  );
}

test("from any configuration to any other, consecutive quorums share a voter, and isQuorum knows them all", (t) => {
  for (const before of subsets.slice(1)) {
    for (const after of subsets.slice(1)) {
      const old = configuration(before, []);
      const joint = enterJoint(old, after);
      const next = leaveJoint(joint);
      t.deepEqual([next.voters, next.outgoing], [after, []]);
      for (const [one, other] of [
        [old, joint],
        [joint, next],
      ] as const) {
        for (const a of quorumsOf(one)) {
          if (!isQuorum(one, (id) => a.includes(id))) t.fail(`${a.join()} is a quorum`);
          for (const b of quorumsOf(other)) if (!a.some((id) => b.includes(id))) t.fail(`${a.join()} and ${b.join()}`);
        }
      }
    }
  }
  t.pass();
});

const url = (id: number): string => `http://node-${id}`;

/** Every configuration of up to three members, each a voter or a learner. */
const small = [1, 2, 3].reduce<Configuration[]>(
  (all, id) =>
    all.flatMap((one) => {
      const member = { id, incarnation: id, url: url(id), storeId: "ab", autoPromote: true };
      const members = [...one.members, member];
      return [
        one,
        { ...one, members, voters: [...one.voters, id] },
        { ...one, members, learners: [...one.learners, id] },
      ];
    }),
  [configuration([], [])],
);

function sorted(ids: readonly number[]): number[] {
  return ids.toSorted((a, b) => a - b);
}

test("every wish leads, step by step, to what was asked for, or is refused with a reason", (t) => {
  let steps = 0;
  for (const start of small.filter(({ voters }) => voters.length > 0)) {
    for (const kind of ["add", "remove", "promote"] as const) {
      for (const id of [1, 2, 3, 4]) {
        const change: Change = kind === "add" ? { kind, id, url: url(id), autoPromote: true } : { kind, id };
        let one = start;
        if (refusal(change, one, () => true) !== null) {
          const isKnown = one.members.some((member) => member.id === id);
          t.true(kind === "remove" ? !isKnown || one.voters.join() === String(id) : kind === "promote" && !isKnown);
          continue;
        }
        for (let k = 0; k < 3 && !isReached(change, one); k++, steps++) {
          one = isJoint(one) ? leaveJoint(one) : stepTowards(change, one, 9)!;
          const named = [...new Set([...one.voters, ...one.outgoing, ...one.learners])];
          t.deepEqual(sorted(one.members.map((member) => member.id)), sorted(named));
        }
        t.true(isReached(change, one), `${JSON.stringify(change)} from ${JSON.stringify(start)}`);
      }
    }
  }
  t.true(steps > 50, `${steps} steps`);
});
