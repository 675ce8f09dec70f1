/** Which `--cluster` lists are taken for the cluster of an existing directory, and which found another one. */
import test from "ava";
import { fc } from "@fast-check/ava";
import { listProblem } from "../../core/node/cluster-list.ts";
import type { Configuration } from "../../core/protocol/configuration.ts";

const url = (name: string | number): string => `http://node-${name}:1`;
const list = (...names: (string | number)[]): string[] => names.map(url);

function configuration(voters: readonly number[], learners: readonly number[] = []): Configuration {
  const members = [...voters, ...learners].map((id) => {
    return { id, incarnation: 0, url: url(id), storeId: `store-${id}`, autoPromote: false };
  });
  return { members, voters, outgoing: [], learners, removed: [] };
}

const three = configuration([1, 2, 3]);
const one = configuration([1]);
for (const [what, self, founders, latest, given, kind] of [
  ["the founding list", 1, list(1, 2, 3), three, list(1, 2, 3), null],
  ["some of the members", 1, list(1, 2, 3), three, list(2), null],
  ["all addresses changed", 1, list(1, 2, 3), three, list("a", "b", "c"), "warning"],
  ["one of three addresses changed", 2, list(1, 2, 3), three, list(1, 2, "c"), "warning"],
  ["a member added, and known", 1, list(1), configuration([1, 2]), list(1, 2), null],
  ["a learner added, and moved", 1, list(1), configuration([1], [2]), list(1, "b"), "warning"],
  ["its own place, where the log lags", 4, list(1, 2, 3), three, list(1, 2, 3, 4), null],
  ["perhaps grown while it was down", 1, list(1, 2, 3), three, list(1, 2, 3, 4, 5), "warning"],
  ["a member removed, and its old list", 1, list(1, 2, 3), configuration([1, 2]), list(1, 2, 3), null],
  [
    "all addresses changed, the first member long gone",
    2,
    list(1),
    configuration([2, 3]),
    list("a", "b", "c"),
    "warning",
  ],
  ["the only voter left, at place 3", 3, list(1), configuration([3], [2]), list("a", "b", "c"), "refused"],
  ["one node, then three", 1, list(1), one, list("a", "b", "c"), "refused"],
  ["one node, then three with itself among them", 1, list(1), one, list(1, 2, 3), "refused"],
  ["the last one left, then five", 1, list(1, 2, 3), one, list(1, 2, 3, 4, 5), "refused"],
  ["three nodes, then the default list", 1, list(1, 2, 3), three, list("default"), "refused"],
  ["three nodes, then five others", 1, list(1, 2, 3), three, list("a", "b", "c", "d", "e"), "refused"],
] as const) {
  test(`${what}: ${kind ?? "nothing is said"}`, (t) => {
    const problem = listProblem(self, founders, latest, given);
    t.is(problem?.kind ?? null, kind);
    if (problem !== null) t.true(problem.reason.includes(`${latest.members[0]!.id} at ${latest.members[0]!.url}`));
  });
}

test("what is said of a refused list can be followed: its list, and one of changed addresses, are taken", (t) => {
  const ids = fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 5 });
  const names = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d", "e", "f", "g"), { minLength: 1, maxLength: 7 });
  fc.assert(
    fc.property(ids, names, (voters, given) => {
      const latest = configuration(voters);
      const self = voters[0]!;
      const founders = latest.members.map((member) => member.url);
      const kindOf = (urls: readonly string[]): string | null =>
        listProblem(self, founders, latest, urls)?.kind ?? null;
      const problem = listProblem(self, founders, latest, list(...given));
      if (problem?.kind !== "refused") return;
      const [, own, , peerUrl] = /give its own list, --cluster (\S+?)( --peer-url (\S+?))?;/.exec(problem.reason)!;
      t.is(kindOf(own!.split(",")), null);
      t.is(own!.split(",")[self - 1] === url(self) || peerUrl === url(self), true, problem.reason);
      const moved = /where its addresses have changed, give (\d+), /.exec(problem.reason)?.[1];
      if (moved !== undefined) {
        t.is(kindOf(Array.from({ length: Number(moved) }, (_, k) => url(`new-${k}`))), "warning");
      }
      t.is(/POST/.test(problem.reason), given.length > voters.length);
      t.regex(problem.reason, /another --data-dir$/);
    }),
    { numRuns: 1_000, seed: 11 },
  );
});

test("a list that names all members, or has as many entries, is never refused; a sole voter's longer one always is", (t) => {
  const members = fc.uniqueArray(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });
  const names = fc.uniqueArray(fc.constantFrom(1, 2, 3, 4, 5, "a", "b", "c", "d"), { minLength: 1, maxLength: 7 });
  fc.assert(
    fc.property(members, fc.integer({ min: 1, max: 4 }), names, (voters, founderCount, given) => {
      const founders = list(...Array.from({ length: founderCount }, (_, k) => k + 1));
      const self = voters[0]!;
      const latest = configuration(voters);
      const kind = listProblem(self, founders, latest, list(...given))?.kind ?? null;
      const isWhole = given.length === voters.length && voters.every((id) => given.includes(id));
      if (isWhole) t.is(kind, null);
      if (given.length === voters.length || given.length === founderCount) t.not(kind, "refused");
      const known = [...founders, ...latest.members.map((member) => member.url)];
      const unknown = given.filter((name, k) => !known.includes(url(name)) && k + 1 !== self);
      const isLonger = given.length > voters.length && given.length !== founderCount;
      if (voters.length === 1 && isLonger && unknown.length > 0) t.is(kind, "refused");
    }),
    { numRuns: 2_000, seed: 7 },
  );
});
