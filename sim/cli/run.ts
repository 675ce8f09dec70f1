import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { lawName } from "../laws.ts";
import { type PlanChanges, planOf } from "../plan/plan.ts";
import { oddsOf } from "../report/odds.ts";
import { reportPage } from "../report/page.ts";
import { type Result, simulate } from "../run.ts";
import { printTape, type Tape } from "../tape.ts";
import { Recorder } from "../trace/recorder.ts";
import { verify } from "../verify.ts";
import { command, nextLine, version } from "./command.ts";
import { failureDirectory, nameOfSeed, nameOfTape, placeOfTape, wordsOf, writeFailure } from "./failure.ts";
import { troubleOf, writeWhole } from "./files.ts";
import { fittedMessage } from "./lines.ts";
import { type Options, tapeFrom, UsageError } from "./options.ts";
import { shrinkFor, sizeOf } from "./shrinking.ts";
import { exitCodeOf, summary } from "./summary.ts";

type One = NonNullable<Options["one"]>;

/** How long a failure may be shrunk. */
const shrinkMs = 60_000;
/** Of the end of a failed run's trace; its file has more. */
const linesShown = 25;

function tapeOf(one: One, changes: PlanChanges): Tape {
  if (one.kind === "seed") return { plan: planOf(one.seed, changes), decisions: null };
  for (const file of [one.record, one.report])
    if (file !== null && resolve(file) === resolve(one.tape))
      throw new UsageError(`${one.tape} is the tape to be replayed: write to another file`);
  return tapeFrom(one.tape);
}

/** How a run is called in commands and in the names of its files. */
type Named = { readonly again: string; readonly name: string; readonly path: string | null };

function namedOf(one: One, typed: string): Named {
  return one.kind === "seed"
    ? { again: `--seed ${one.seed}${typed}`, name: nameOfSeed(one.seed, typed), path: null }
    : { again: `--tape ${one.tape}`, name: nameOfTape(one.tape), path: one.tape };
}

/** One run: prints its summary, and whatever else is asked for. Returns the exit code: the run's own, whatever cannot be written. */
export function runOne(one: One, changes: PlanChanges, typed: string): number {
  const tape = tapeOf(one, changes);
  const named = namedOf(one, typed);
  if (one.verify) return verifyOne(tape, named.again);
  const print = one.trace ? (line: string): void => console.log(line) : null;
  const recorder = one.report === null ? null : new Recorder();
  const { decisions: given, interventions = [] } = tape;
  const options = { print, invariants: true, given, interventions, keepsDecisions: true, recorder };
  const result = simulate(tape.plan, options);
  for (const line of summary(result, named.path ?? undefined)) console.log(line);
  const code = exitCodeOf(result);
  const areWritten = writeAsked(one, result, recorder, named.again);
  if (result.verdict !== "ok") {
    if (one.trace) console.log("  the last events are those above this summary");
    else {
      console.log("  the last events:");
      for (const line of result.context.slice(-linesShown)) console.log(`  ${line}`);
    }
    const again = `${command} ${named.again}${version()}`;
    for (const line of wordsOf(writeFailure(result, failureDirectory, named.name, again, named.path)))
      console.log(line);
    console.log(`  again     ${again}`);
  }
  if (!one.shrink) console.log(nextLine(nextOf(one, result, named)));
  else if (result.verdict === "ok") {
    console.log("  nothing to shrink: it does not fail");
    console.log(nextLine(nextOf({ ...one, shrink: false }, result, named)));
  } else shrinkOne(tape, result, named);
  return code === 0 && !areWritten ? 2 : code;
}

/** Writes what `--record` and `--report` ask for, or says what is in the way; returns whether all of it is there. */
function writeAsked(one: One, result: Result, recorder: Recorder | null, again: string): boolean {
  const { record, report } = one;
  const asked: readonly (readonly [string | null, () => string])[] = [
    [record, () => printTape(result)],
    [
      report,
      () =>
        reportPage(result, recorder!, `${command} ${again}${version()}`, one.odds ? oddsOf(result, recorder!) : null),
    ],
  ];
  let areWritten = true;
  for (const [file, text] of asked) {
    if (file === null) continue;
    const page = text();
    const trouble = troubleOf(() => writeWhole(file, page));
    if (trouble === null) console.log(`  wrote ${file}`);
    else console.error(`sim: ${file} cannot be written: ${trouble.replace(/, \w+ '[^]*$/, "")}`);
    areWritten &&= trouble === null;
  }
  return areWritten;
}

/** After a failure, what makes it smaller; of a small one, its page; then the next seed. */
function nextOf(one: One, { verdict, plan }: Result, { again, path }: Named): string {
  if (verdict !== "ok" && !(path ?? "").includes(".shrunk")) return `${again} --shrink`;
  if (one.report === null) return `${again} --report run.html`;
  if (path !== null || one.record === null)
    return path === null ? again.replace(/\d+/, String(plan.seed + 1)) : `${again} --trace`;
  return `--tape ${one.record}`;
}

function verifyOne(tape: Tape, again: string): number {
  const difference = verify(tape, simulate);
  if (difference === null) {
    console.log(`${again}: twice the same`);
    console.log(nextLine(again));
    return 0;
  }
  const { same, before, first, second } = difference;
  console.log(`${again}: NOT DETERMINISTIC after ${same} lines`);
  for (const line of before) console.log(`    ${line}`);
  console.log(`  1 ${first ?? "(has ended, or differs in an event that leaves no line)"}`);
  console.log(`  2 ${second ?? "(has ended, or differs in an event that leaves no line)"}`);
  console.log(nextLine(`${again} --verify`));
  return 4;
}

function simulated(micros: number): string {
  return `${(micros / 1e6).toFixed(1)} s simulated`;
}

function shrinkOne(tape: Tape, result: Result, { again, name }: Named): void {
  const started = performance.now();
  const shrunk = shrinkFor(shrinkMs, tape, result, simulate, (line) => console.error(line));
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const from = sizeOf({ plan: tape.plan, decisions: result.decisions });
  const { plan } = shrunk.tape;
  console.log(`shrunk in ${seconds} s and ${shrunk.runs} runs:`);
  console.log(`  from      ${from}, ${tape.plan.nodes} nodes, ${simulated(result.simulatedMicros)}`);
  console.log(`  to        ${sizeOf(shrunk.tape)}, ${plan.nodes} nodes, ${simulated(shrunk.result.simulatedMicros)}`);
  for (const line of shrunk.result.context.slice(-linesShown)) console.log(`  ${line}`);
  for (const line of fittedMessage(`  ${lawName(shrunk.result.property)}:`, ` ${shrunk.result.message}`))
    console.log(line);
  const text = printTape(shrunk.tape);
  const file = placeOfTape(failureDirectory, `${name}.shrunk`, text);
  const trouble = troubleOf(() => {
    mkdirSync(failureDirectory, { recursive: true });
    writeWhole(file, text);
  });
  console.log(trouble === null ? `  wrote ${file}` : `  no file of the shrunk run: ${trouble}`);
  console.log(nextLine(trouble === null ? `--tape ${file} --report run.html` : `${again} --trace`));
}
