/** One bug is one kind of failure, whatever numbers and lists its messages have; other bugs are other kinds. */
import test from "ava";
import { addTo, countOf, type Kind, kindOf } from "../../sim/cli/kinds.ts";

const oneKind: readonly (readonly string[])[] = [
  [
    "n1 commits entry 6, which is durable only on 1,4",
    "n2 commits entry 85, which is durable only on 1,2,4",
    "n5 commits entry 1, which is durable only on 2",
  ],
  ["n3 leads term 4 while n1 has a lease", "n3 leads term 17 while n1,2,5 has a lease"],
  ["gone are n1's log, n2's log", "gone are n3's log, n2's log"],
  [
    "clients make no progress: n1 (core) leader term 3, leader n1, last 5 commit 4 applied 3; n2 (frozen) down",
    "clients make no progress: n1 (core, paused) follower term 8, no leader, last 5 commit 4 applied 3",
  ],
  ["a log is not cut: 12, 15, 9 entries", "a log is not cut: 712, 15 entries"],
  ["what was asked has not ended: a read, a write", "what was asked has not ended: a write"],
  [
    "client 4 read c1.17. of key k at 12040, but c3.18.xxxxxxxx had been written by client 2",
    "client 1 read c7.2.xxxx of key __proto__ at 7, but c3.19. had been written by client 3",
  ],
  ['n1 exits: a write to "wal-1" failed', 'n2 exits: a write to "snap/3" failed'],
  ["n1 recovers another store 0f3a99c2d1e07b64", "n2 recovers another store 77aa01bcde9f8812"],
  ["stalled for 1.25 s", "stalled for 12 s"],
];

test("numbers, values, and how long a list is are no part of a kind", (t) => {
  for (const messages of oneKind) {
    const kinds = new Set(messages.map((message) => kindOf({ property: "I7", message })));
    t.is(kinds.size, 1, [...kinds].join(" / "));
  }
});

test("other words and other laws are other kinds", (t) => {
  const all = oneKind.map(([message]) => kindOf({ property: "I7", message: message! }));
  t.is(new Set(all).size, oneKind.length);
  const message = oneKind[0]![0]!;
  t.not(kindOf({ property: "I7", message }), kindOf({ property: "I8", message }));
});

test("a kind keeps its first words, its first seeds, and counts all", (t) => {
  const kinds: Kind[] = [];
  for (let seed = 1; seed <= 30; seed++) {
    const { isNew } = addTo(kinds, { seed, property: "I7", message: `n1 commits entry ${seed}` });
    t.is(isNew, seed === 1);
  }
  t.is(kinds.length, 1);
  t.is(kinds[0]!.message, "n1 commits entry 1");
  t.regex(countOf(kinds[0]!), /^30 times, seeds 1, 2, 3, .*, 20, \.\.\.$/);
  t.is(countOf({ property: "I7", message: "", seeds: [7], count: 1 }), "once, seed 7");
});
