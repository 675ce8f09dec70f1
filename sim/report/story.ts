/**
 * Why a run failed, as a few steps in words, from the law that it broke: each step at its line of the trace. Of a run that
 * passed: who led, and what struck.
 */
import { check, type Operation } from "../../checker/index.ts";
import type { NodeId } from "../../core/units.ts";
import type { Result } from "../run.ts";
import type { Recorder } from "../trace/recorder.ts";
import { wordOf } from "../trace/vocabulary.ts";
import {
  incompleteLeader,
  leadersOf,
  leaseholder,
  outdatedCandidate,
  undurableVote,
  votesOf,
} from "./causes/elections.ts";
import { countedOldTerm, rivalsAt, uncoveredCommit, undurableAcknowledgement } from "./causes/logs.ts";
import { configurationsOf } from "./causes/membership.ts";
import { conflict, staleRead } from "./causes/reads.ts";
import { type Cause, RunFacts } from "./causes/run-facts.ts";
import { stallOf } from "./causes/stalls.ts";

export type { Cause } from "./causes/run-facts.ts";

/** A story is no longer: of more steps the first and the last ones are told. */
const causesMax = 14;
const telling: ReadonlySet<string> = new Set([
  "role",
  "kill",
  "powerCut",
  "rowsLost",
  "logDamaged",
  "start",
  "pause",
  "resume",
  "block",
  "clog",
  "late",
  "change",
  "commit",
  "installed",
  "ended",
  "wipe",
]);

/** What a story is made from: the run, what it has recorded, which lines can have had a part, and the operations at fault. */
export type Told = {
  readonly result: Result;
  readonly recorder: Recorder;
  readonly inCone: Uint8Array;
  readonly judged: { readonly operation: Operation; readonly node: NodeId } | null;
  readonly core: readonly Operation[];
};

/** A way to tell of a broken law, where the words of what was seen are these. */
type Teller = readonly [words: RegExp, tell: (facts: RunFacts, said: readonly string[], told: Told) => Cause[]];

const n = Number;
/** What a law says when it breaks stands in sim/laws/. Words that no pattern knows are told by what happened last. */
const tellers: readonly Teller[] = [
  [/^n(\d+) tells n\d+ of a vote in term (\d+)/, (facts, [, voter, term]) => undurableVote(facts, n(voter), n(term))],
  [/^n\d+ and n\d+ both lead term (\d+)/, (facts, [, term]) => leadersOf(facts, n(term))],
  [/leads? term (\d+) without a quorum/, (facts, [, term]) => leadersOf(facts, n(term))],
  [/^n\d+ votes in term (\d+) for/, (facts, [, term]) => votesOf(facts, n(term))],
  [
    /^n(\d+) votes for n(\d+), whose log ends at \((\d+), term (\d+)\), its own at \((\d+), term (\d+)\)/,
    (facts, [, voter, candidate, i, t, j, u]) =>
      outdatedCandidate(facts, n(voter), n(candidate), [n(i), n(t)], [n(j), n(u)]),
  ],
  [
    /^n(\d+) leads term (\d+) without the committed entry (\d+)/,
    (facts, [, leader, term, index]) => incompleteLeader(facts, n(leader), n(term), n(index)),
  ],
  [
    /^n(\d+) leads term (\d+) while n(\d+)/,
    (facts, [, leader, term, holder]) => leaseholder(facts, n(leader), n(term), n(holder)),
  ],
  [
    /^n(\d+) acknowledges entry (\d+), but only (\d+) are durable/,
    (facts, [, node, index, durable]) => undurableAcknowledgement(facts, n(node), n(index), n(durable)),
  ],
  [
    /^n(\d+) commits entry (\d+), which is durable only on (.*)/,
    (facts, [, node, index, holders]) =>
      uncoveredCommit(
        facts,
        n(node),
        n(index),
        holders === "" ? [] : holders!.split(",").map((one) => n(one.replace("n", ""))),
      ),
  ],
  [
    /^n(\d+) commits entry (\d+) of term (\d+) by counting in term (\d+)/,
    (facts, [, node, index, term, current]) => countedOldTerm(facts, n(node), n(index), n(term), n(current)),
  ],
  [/overwrites entry (\d+)/, (facts, [, index]) => rivalsAt(facts, n(index))],
  [/commits up to (\d+) another prefix/, (facts, [, index]) => rivalsAt(facts, n(index))],
  [/^n\d+ acknowledges (\d+) to/, (facts, [, index]) => rivalsAt(facts, n(index))],
  [/\((\d+), term \d+\) names two payloads/, (facts, [, index]) => rivalsAt(facts, n(index))],
  [
    /^(.*) is answered at revision (\d+), but (\d+) was committed/,
    (facts, [, who, revision, committed], { judged }) =>
      staleRead(facts, {
        who: whoReads(who!),
        judged: judged?.operation ?? null,
        node: judged?.node ?? 0,
        revision: n(revision),
        committed: n(committed),
      }),
  ],
];

function whoReads(said: string): string {
  const client = /^client \d+/.exec(said);
  if (client !== null) return client[0].replace("client", "Client");
  return said === "a read" ? "A reader that watches leaders" : said;
}

/** The causes of the end, in order; the last one is what was seen. */
export function storyOf(told: Told): Cause[] {
  const { result, recorder } = told;
  const facts = new RunFacts(recorder);
  if (result.verdict === "ok") return passed(result, facts);
  const causes = causesOf(facts, told);
  const seen = new Set<string>();
  const ordered = causes.toSorted((a, b) => (a.line ?? facts.end) - (b.line ?? facts.end));
  const once = ordered.filter(({ text }) => !seen.has(text) && seen.add(text).size > 0);
  return [...shortened(once), { line: facts.end, text: `${result.message}.`.replace(/\.\.$/, ".") }];
}

function causesOf(facts: RunFacts, told: Told): Cause[] {
  const { result, core } = told;
  const { property, verdict, message, plan } = result;
  for (const [words, tell] of tellers) {
    const said = words.exec(message);
    if (said !== null) return tell(facts, said, told);
  }
  if (core.length > 0) return conflict(facts, core);
  if (property === "I15") return configurationsOf(facts);
  if (verdict === "liveness")
    return stallOf(
      facts,
      Array.from({ length: plan.nodes + plan.spares }, (_, k) => k + 1),
    );
  return lastEvents(facts, told);
}

/** Where no more is known: what befell the node that is named, and the last events that can have had a part. */
function lastEvents(facts: RunFacts, { result, inCone }: Told): Cause[] {
  const named = /\bn(\d+)\b/.exec(result.message);
  const own = named === null ? [] : facts.misfortunes(n(named[1]), 5);
  const last: Cause[] = [];
  for (let k = facts.end; k >= 0 && last.length < 5; k--) {
    const line = facts.lines[k]!;
    if (inCone[k] === 1 && telling.has(line.kind)) last.push({ line: k, text: `${wordOf(line)}.` });
  }
  return [...own, ...last].toSorted((a, b) => a.line! - b.line!);
}

function shortened(causes: readonly Cause[]): readonly Cause[] {
  if (causes.length < causesMax) return causes;
  const left = causes.length - causesMax + 2;
  return [
    ...causes.slice(0, 4),
    { line: null, text: `(${left} more steps of the same kind)` },
    ...causes.slice(4 + left),
  ];
}

/** Of a run that passed: its leaders, and how it ended. */
function passed({ plan, simulatedMicros, history, counters }: Result, facts: RunFacts): Cause[] {
  const led = facts.leaderships.slice(-4).map((line): Cause => {
    const { node, b } = facts.lines[line]!;
    return { line, text: `n${node} becomes leader of term ${b}.` };
  });
  const healed = facts.first(({ kind }) => kind === "phase");
  const end = `${history.length} operations are answered or open, ${counters["committed"]} entries committed; at ${(simulatedMicros / 1e6).toFixed(3)} s every invariant has held after every event, and the history is linearizable.`;
  return [
    ...led,
    ...(healed === -1
      ? []
      : [
          { line: healed, text: `The faults of seed ${plan.seed} end; a core is healed, elects a leader and answers.` },
        ]),
    { line: facts.end, text: end },
  ].toSorted((a, b) => a.line! - b.line!);
}

/** The operations that the checker holds against each other; none where it finds an order. */
export function coreOf(history: readonly Operation[]): readonly Operation[] {
  const judged = check(history, { configurationsMax: 200_000 });
  return judged.verdict === "illegal" ? judged.core.filter((one) => one.op !== "txn") : [];
}
