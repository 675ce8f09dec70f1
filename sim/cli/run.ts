import { readFileSync, writeFileSync } from "node:fs";
import { lawName } from "../laws.ts";
import { type PlanChanges, planOf } from "../plan/plan.ts";
import { oddsOf } from "../report/odds.ts";
import { reportPage } from "../report/page.ts";
import { type Result, simulate } from "../run.ts";
import { countsOf, shrinkTape } from "../shrink.ts";
import { parseTape, printTape, type Tape, TapeError } from "../tape.ts";
import { Recorder } from "../trace/recorder.ts";
import { verify } from "../verify.ts";
import { command, version } from "./command.ts";
import { type Options, UsageError } from "./options.ts";
import { exitCodeOf, failureDirectory, summary, writeFailure } from "./report.ts";

type One = NonNullable<Options["one"]>;

/** How long a failure may be shrunk. */
const shrinkMs = 60_000;

function tapeOf(one: One, changes: PlanChanges): Tape {
  if ("seed" in one) return { plan: planOf(one.seed, changes), decisions: null };
  try {
    return parseTape(readFileSync(one.tape, "utf8"));
  } catch (error) {
    if (error instanceof TapeError || (error instanceof Error && "code" in error))
      throw new UsageError(`${one.tape}: ${error.message}`);
    throw error;
  }
}

/** One run: prints its summary, and whatever else is asked for. Returns the exit code. */
export function runOne(one: One, changes: PlanChanges, typed: string): number {
  const tape = tapeOf(one, changes);
  const again = "seed" in one ? `--seed ${one.seed}${typed}` : `--tape ${one.tape}`;
  if (one.verify) return verifyOne(tape, again);
  const print = one.trace ? (line: string): void => console.log(line) : null;
  const recorder = one.report === null ? null : new Recorder();
  const options = { print, invariants: true, given: tape.decisions, keepsDecisions: true, recorder };
  const result = simulate(tape.plan, options);
  for (const line of summary(result)) console.log(line);
  if (one.record !== null) writeFileSync(one.record, printTape({ plan: result.plan, decisions: result.decisions }));
  if (one.report !== null) {
    const odds = one.odds ? oddsOf(result, recorder!) : null;
    writeFileSync(one.report, reportPage(result, recorder!, `${command} ${again}${version()}`, odds));
    console.log(`  wrote ${one.report}`);
  }
  if (result.verdict !== "ok") {
    console.log("  the last events:");
    for (const line of result.context.slice(-25)) console.log(`    ${line}`);
    for (const file of writeFailure(result, failureDirectory)) console.log(`  wrote ${file}`);
    console.log(`${command} ${again}${version()}`);
    if (one.shrink) shrinkOne(tape, result);
  } else if (one.shrink) console.log("  nothing to shrink: it does not fail");
  return exitCodeOf(result);
}

function verifyOne(tape: Tape, again: string): number {
  const difference = verify(tape, simulate);
  if (difference === null) {
    console.log(`${again}: twice the same`);
    return 0;
  }
  const { same, before, first, second } = difference;
  console.log(`${again}: NOT DETERMINISTIC after ${same} lines`);
  for (const line of before) console.log(`    ${line}`);
  console.log(`  1 ${first ?? "(has ended, or differs in an event that leaves no line)"}`);
  console.log(`  2 ${second ?? "(has ended, or differs in an event that leaves no line)"}`);
  return 4;
}

function shrinkOne(tape: Tape, result: Result): void {
  const started = performance.now();
  const shrunk = shrinkTape(tape, result, simulate, () => performance.now() - started > shrinkMs);
  const [from, to] = [countsOf({ plan: tape.plan, decisions: result.decisions }), countsOf(shrunk.tape)];
  const file = `${failureDirectory}/seed-${tape.plan.seed}.shrunk.tape.json`;
  writeFileSync(file, printTape(shrunk.tape));
  console.log(
    `shrunk from ${from.faults} faults and ${from.asked} operations to ${to.faults} and ${to.asked}, ` +
      `${shrunk.tape.plan.nodes} nodes, ${shrunk.runs} runs in ${((performance.now() - started) / 1000).toFixed(1)} s`,
  );
  for (const line of shrunk.result.context.slice(-25)) console.log(`    ${line}`);
  console.log(`  ${lawName(shrunk.result.property)}: ${shrunk.result.message}`);
  console.log(`${command} --tape ${file}${version()}`);
}
