/** Runs that have failed once, each with what it had found, as tapes: they stay what they were when seeds draw other plans. */
import { readFileSync } from "node:fs";
import test from "ava";
import { simulate } from "../../sim/run.ts";
import { parseTape } from "../../sim/tape.ts";

const found: readonly (readonly [seed: number, what: string])[] = [
  [12, "the quorum that counts an entry is the one of the configuration appended in that very turn, or the one before"],
  [98, "the same, with a joint configuration that is left"],
  [719, "voters are not removed down to one that has lost its rows"],
  [527, "a learner that was promoted early votes before its log has come to the entry that added it"],
  [875, "an acknowledgement of a log that was lost is not taken for one of the life that follows"],
  [1599, "a leader that has just been elected does not know which binding anew is committed, and needs that member"],
  [2093, "a lone voter that restarts at once stands while a removed leader still believes in its lease"],
  [2719, "failed compare-and-sets in a row, behind an unknown write that nobody saw, are decided without a search"],
  [2186, "a learner that never came to the entry that added it is promoted by hand, and is missed as a voter for ever"],
  [
    216,
    "removed by an entry that only it holds, a node that has restarted must stand, though it does not know what is committed",
  ],
  [
    36653,
    "a leader whose log was cut up to its commit index still knows that it has committed in its term, and grants reads",
  ],
  [205575, "a machine that was removed and wiped is asked for nothing, while its leader still has to tell it"],
  [310454, "a leader that has lost its rows hands over to a voter that answers, not for ever to one that is down"],
  [300291, "a leader that has lost its own rows does not remove the last voter that has them"],
  [305524, "the same, in the first turns of its leadership"],
  [7524, "a learner that restarts stands, because the founders' configuration had a voter of its name"],
  [90, "a member that lags, and may not know of it, does not turn away one that was removed and added anew"],
  [885, "the only founder was removed and is added again, empty: by the founders' configuration it would elect itself"],
  [1123, "one that was removed, and never stands, hears of it once another directory is added in its place"],
  [1334, "a node answers a leader that its own log does not know yet: the leader says where it is reached"],
  [3326, "a log is damaged only where a power cut cannot take the mark that vouches for it"],
  [8868, "what a process had not taken from a stream when it died has not begun that stream for the next one"],
  [18197, "a base that has replaced a log may lie before all that is left of it: such a log is whole"],
  [18554, "a forwarded write whose entry comes inside a snapshot is answered at its timeout, also where that is short"],
  [324, "tier b: rows of the directory that a machine had before count as nothing, by the ghost's reckoning too"],
  [425, "a segment of an empty log is begun again after a restart: the ghost counts what is in it once"],
  [606306, "rows that come back from before a directory was bound anew count as lost, and the node goes on"],
  [
    50508,
    "what a snapshot has replaced of a log does not come back, though the segment that held the replaced entry is gone",
  ],
  [
    70003655,
    "a transfer that arrives after its operator has given up still moves the leadership: the term stays once that is over",
  ],
  [
    71004165,
    "an entry that binds a directory fills the leader's room: a forward is refused then, as a write at the leader is",
  ],
  [519859, "what a node has acknowledged in one term does not go out with the vote of the next, which may replace it"],
  [2, "a machine that is added at a mistyped URL knows its own, and says it: so its operator must tell it"],
  [91, "what a peer has said of itself is kept when the configuration names it for the first time, at a mistyped URL"],
  [
    82,
    "a leader that was removed and added again is dialled by a joiner whose log is in between, as the command line is not",
  ],
  [
    26,
    "a vote waits behind what a leader has taken and not made durable: it bounds that, and so does the law with its time",
  ],
  [32, "a new machine gets a long log entry by entry: its time grows with that"],
  [9, "a leader that is to be removed hands over to one that nobody else hears, once and not in every term"],
  [
    80000080,
    "an entry in its leader's own log, written nowhere and sent to nobody yet, may still happen: it is unknown",
  ],
  [80000238, "the same, of an entry that another leader's has replaced before its own leader's disk came to it"],
  [
    80000200,
    "two members outside the founders' list move at once: neither finds the other before the operator says where",
  ],
  [80000506, "a log that is set aside twice leaves the ghost one segment of each name"],
  [138, "where a peer is by its own word outlives a change of the configuration: it is said once on each stream"],
  [
    81000422,
    "a new leader commits behind all that an earlier one has left, entry by entry on a slow disk: the law's time grows with that",
  ],
  [
    86001955,
    "a learner that waited for its snapshot was removed, and believed for ever in a leader that it did not hear",
  ],
  [86005672, "answers to a member that has just joined are late: it is asked to lead when they are there"],
  [
    87015855,
    "a node that is told to stop does not ask once more for its new URL to be written down, and wait for that",
  ],
  [87001847, "a machine whose request to join was late comes to its log before it is asked anything"],
  [85002049, "a leader that never heard of a member outside the list lacks the way to it, and its operator says it"],
  [
    84000444,
    "two members that are not in the list have moved: the operator says where they are before one of them is to lead",
  ],
  [
    83002612,
    "a failure of a disk that was drawn before the healing ends a node of the core just after it: it starts again",
  ],
  [
    361,
    "the same, where no leader can be had either: started again, the one outside the list dials those who are in it",
  ],
  [80003222, "a disk that fails in the turn in which a leader took a write leaves that write unknown"],
];

for (const [seed, what] of found) {
  test(`seed ${seed}: ${what}`, (t) => {
    const { plan, decisions } = parseTape(readFileSync(`test/sim/tapes/seed-${seed}.json`, "utf8"));
    const { verdict, property, message } = simulate(plan, { print: null, invariants: true, given: decisions });
    t.is(verdict, "ok", `${property}: ${message}`);
  });
}
