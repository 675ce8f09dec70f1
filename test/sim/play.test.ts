/** A run that is stepped through and changed by hand: it goes back exactly, and its tape is the same run. */
import test from "ava";
import type { Intervention } from "../../sim/interventions.ts";
import { calmPlan } from "../../sim/plan/calm.ts";
import { planOf } from "../../sim/plan/plan.ts";
import { Play } from "../../sim/play.ts";
import { simulate } from "../../sim/run.ts";
import { shrinkTape } from "../../sim/shrink.ts";
import { parseTape, printTape, TapeError } from "../../sim/tape.ts";
import { leaderRole } from "../../sim/trace/vocabulary.ts";

const calm = calmPlan(3, 1, { latencyMicros: 10_000, syncMicros: 4_000, safetyMicros: 20_000_000 });

function played(plan = calm, interventions: readonly Intervention[] = []): Play {
  return new Play({ plan, decisions: null, interventions });
}

/** What a run is at an event: the trace up to there, and what each node holds. */
function stateOf({ simulator, recorder, event }: Play): unknown {
  const nodes = simulator.hosts.map(({ node, devices }) => [node?.status() ?? null, [...devices.disk.contents()]]);
  return { event, hash: simulator.trace.hash, lines: recorder.lines.length, notes: [...recorder.notes], nodes };
}

function leaderOf({ simulator }: Play): number {
  const leads = simulator.hosts.filter(({ id }) => simulator.raftOf(id)?.role === "leader");
  return leads.toSorted((a, b) => simulator.raftOf(b.id)!.term - simulator.raftOf(a.id)!.term)[0]?.id ?? 0;
}

for (const [what, plan] of [
  ["a calm cluster", calm],
  ["a seed with faults", planOf(5)],
] as const) {
  test(`back and on again is the same state: ${what}`, (t) => {
    const play = played(plan);
    play.pass(1_500_000);
    play.forward();
    const states = [stateOf(play)];
    for (let k = 0; k < 12; k++) {
      play.forward();
      states.push(stateOf(play));
    }
    for (let k = 11; k >= 0; k--) {
      play.back();
      t.deepEqual(stateOf(play), states[k], `step ${k}`);
    }
    for (let k = 1; k <= 12; k++) play.forward();
    t.deepEqual(stateOf(play), states[12]);
    play.goTo(0);
    t.is(play.event, 0);
  });
}

test("what is done by hand is in the tape, which is the same run to its verdict", (t) => {
  const play = played();
  play.until(({ kind, a }) => kind === "role" && a === leaderRole);
  const old = leaderOf(play);
  const others = [1, 2, 3].filter((id) => id !== old);
  play.intervene(["put", old, "x", "1"]);
  play.until(({ kind }) => kind === "return");
  for (const id of others) play.intervene(["cut", old, id]);
  play.intervene(["put", old, "x", "2"]);
  play.pass(5_000_000);
  t.true(others.includes(leaderOf(play)), "the others have elected one of them");
  play.intervene(["kill", leaderOf(play)]);
  play.intervene(["start", leaderOf(play) === 0 ? others[0]! : old]);
  for (const id of others) {
    play.intervene(["heal", old, id]);
    play.intervene(["start", id]);
  }
  play.intervene(["get", old, "x"]);
  play.goTo(Infinity);
  t.is(play.broken, null);
  t.true(play.isOver);
  const tape = parseTape(printTape(play.tape));
  t.deepEqual(tape, play.tape);
  const options = { print: null, invariants: true, given: tape.decisions, interventions: tape.interventions! };
  const safety = simulate(tape.plan, { ...options, safetyOnly: true });
  t.is(safety.traceHash, play.simulator.trace.hash);
  const { verdict, message, history } = simulate(tape.plan, options);
  t.is(verdict, "ok", message);
  const byHand = history.filter(({ client }) => client % 1_000 === play.simulator.hand.id);
  t.deepEqual(byHand.map(({ op, outcome }) => `${op} ${outcome}`).toSorted(), ["get ok", "put ok", "put unknown"]);
});

test("what is done at an earlier event drops what was done later, and undo drops it and what came after", (t) => {
  const play = played();
  play.pass(3_000_000);
  play.intervene(["kill", 1]);
  const killed = play.event;
  play.pass(1_000_000);
  play.intervene(["pause", 2]);
  play.pass(1_000_000);
  t.is(play.interventions.length, 2);
  play.goTo(killed + 1);
  play.intervene(["cut", 2, 3]);
  t.deepEqual(play.interventions, [
    [killed, "kill", 1],
    [killed + 1, "cut", 2, 3],
  ]);
  play.undo(0);
  t.is(play.event, killed);
  t.deepEqual(play.interventions, []);
  t.not(play.simulator.hosts[0]!.node, null);
});

test("what is not possible at its moment is left out", (t) => {
  const nonsense: readonly Intervention[] = [
    [0, "resume", 1],
    [0, "start", 1],
    [50, "kill", 2],
    [50, "kill", 2],
    [50, "pause", 2],
    [51, "heal", 1, 3],
  ];
  const play = played(calm, nonsense);
  play.goTo(Infinity);
  t.is(play.broken, null);
  t.is(play.recorder.lines.filter(({ kind }) => kind === "kill").length, 1);
});

test("interventions that are none are refused with a reason", (t) => {
  const whole = JSON.parse(printTape({ plan: calm, decisions: null })) as Record<string, unknown>;
  const wrong: readonly unknown[] = [
    7,
    [[1, "explode", 1]],
    [[1, "kill", 4]],
    [[1, "kill"]],
    [[1, "cut", 2, 2]],
    [[-1, "kill", 1]],
    [[1, "put", 1, "", "v"]],
    [[1, "put", 1, "k", "\u2603"]],
    [[1, "constructor", 1]],
    [
      [2, "kill", 1],
      [1, "start", 1],
    ],
  ];
  for (const interventions of wrong)
    t.throws(
      () => parseTape(JSON.stringify({ ...whole, interventions })),
      { instanceOf: TapeError },
      JSON.stringify(interventions),
    );
  t.deepEqual(parseTape(JSON.stringify({ ...whole, interventions: [] })), { plan: calm, decisions: null });
});

/** As if anything that is done by hand broke a law. */
const fake: typeof simulate = (plan, options) => {
  const result = simulate(plan, options);
  const isChanged = result.interventions.length > 0;
  return { ...result, verdict: isChanged ? "violation" : "ok", property: isChanged ? "I1" : "" };
};

test("a shrunk tape keeps what was done by hand", (t) => {
  const plan = { ...calm, safetyMicros: 4_000_000 };
  const interventions: readonly Intervention[] = [[100, "kill", 1]];
  const first = fake(plan, { print: null, invariants: true, interventions, keepsDecisions: true });
  let runs = 0;
  const shrunk = shrinkTape({ plan, decisions: null, interventions }, first, fake, () => ++runs > 4);
  t.deepEqual(shrunk.tape.interventions, interventions);
  t.is(shrunk.result.verdict, "violation");
});
