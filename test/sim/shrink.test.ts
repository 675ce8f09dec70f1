/** Shrinking makes a run plainer and shorter, against a simulator of a few lines. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { reportTape, shrinkFor } from "../../sim/cli/shrinking.ts";
import type { Decision } from "../../sim/draws.ts";
import { planOf } from "../../sim/plan/plan.ts";
import { type Result, simulateSeed, type simulate } from "../../sim/run.ts";
import { ordinarySizes, shrinkTape, struckIn } from "../../sim/shrink.ts";

const base = simulateSeed(1, { print: null, invariants: true, safetyOnly: true });
const kill: Decision = ["fault", 40, 7, 2, 0];
const write: Decision = ["operation", 1, 3, 0, 0];
const rest: readonly Decision[] = [
  ["messageLoss", 5, 0, 0, 0],
  ["fault", 12, 3, 1, 0],
  ["operation", 1, 0, 0, 0],
  ["operation", 2, 5, 0, 0],
  ["reader", 2, 0, 0, 0],
];

/** Fails where node 2 is killed in a cluster of three, whenever that is, and client 1 has written. */
const fake: typeof simulate = (plan, { given }): Result => {
  const decisions = given ?? [];
  const killed = decisions.find(([site, , family, node]) => site === "fault" && family === 7 && node === 2);
  const isAsked = decisions.some(([site, client, k]) => site === "operation" && client === 1 && k === 3);
  const simulatedMicros = Math.max((killed?.[1] ?? 0) * 250_000, 4 * plan.thinkMicros) + plan.electionMicros;
  const fails = killed !== undefined && isAsked && plan.nodes >= 3 && simulatedMicros <= plan.safetyMicros;
  const ended = fails
    ? ({ verdict: "violation", property: "I7" } as const)
    : ({ verdict: "ok", property: "" } as const);
  return { ...base, ...ended, message: "m", plan, decisions, simulatedMicros };
};

test("what does not matter goes: faults, operations, nodes, small limits, streams, and idle time", (t) => {
  const plan = {
    ...planOf(1),
    nodes: 7,
    safetyMicros: 30_000_000,
    electionMicros: 1_000_000,
    heartbeatMicros: 100_000,
  };
  const tape = { plan: { ...plan, thinkMicros: 500_000, entriesPerAppendMax: 1, streams: true }, decisions: null };
  const first = fake(tape.plan, { print: null, invariants: true, given: [...rest, kill, write] });
  t.is(first.verdict, "violation");
  const told: number[] = [];
  const shrunk = shrinkTape(
    tape,
    first,
    fake,
    () => false,
    ({ runs }) => told.push(runs),
  );
  t.deepEqual(shrunk.tape.decisions!.map(([site]) => site).toSorted(), ["fault", "operation"]);
  t.is(shrunk.tape.plan.nodes, 3);
  t.false(shrunk.tape.plan.streams);
  for (const [name, size] of Object.entries(ordinarySizes)) t.is(shrunk.tape.plan[name as "trailingBytes"], size, name);
  t.true(shrunk.result.simulatedMicros < 400_000, `${shrunk.result.simulatedMicros} of ${first.simulatedMicros} us`);
  t.true(shrunk.tape.plan.safetyMicros <= shrunk.result.simulatedMicros + 1);
  t.is(fake(shrunk.tape.plan, { print: null, invariants: true, given: shrunk.tape.decisions }).verdict, "violation");
  t.is(told.length, shrunk.runs);
});

test("strikes are counted by family, operations are none", (t) => {
  const struck = struckIn([...rest, kill, kill, write]);
  t.deepEqual(
    [...struck].toSorted(([a], [b]) => a.localeCompare(b)),
    [
      ["kill", 2],
      ["loss", 1],
      ["partition", 1],
    ],
  );
});

test("the page of a shrunk run, for a failure of any build of the simulator", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "metastore-shrink-"));
  try {
    const file = join(directory, "run.html");
    const tape = { plan: { ...planOf(1), nodes: 3, safetyMicros: 30_000_000 }, decisions: null };
    const first = fake(tape.plan, { print: null, invariants: true, given: [...rest, kill, write] });
    const { tape: small } = shrinkFor(10_000, tape, first, fake, () => undefined);
    reportTape(small, fake, file, "npm run mutants -- x");
    t.is(small.decisions!.length, 2);
    t.regex(readFileSync(file, "utf8"), /I7 commit quorum[^]*npm run mutants -- x/);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
