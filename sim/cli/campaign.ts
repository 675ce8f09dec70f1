/** Seed after seed for so long: with progress, a canary first, findings in groups, and what was reached. Goes on where it was stopped. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lawName } from "../laws.ts";
import { allMarks } from "../nemesis/marks.ts";
import type { PlanChanges } from "../plan/plan.ts";
import { reportPage } from "../report/page.ts";
import { simulate } from "../run.ts";
import { countsOf, shrinkTape } from "../shrink.ts";
import { parseTape, printTape } from "../tape.ts";
import { Recorder } from "../trace/recorder.ts";
import { findCanary } from "./canary.ts";
import { command } from "./command.ts";
import { type Options, UsageError } from "./options.ts";
import { runOn } from "./pool.ts";
import type { Report } from "./worker.ts";

/** Failures of one kind: the same property, and the same words but for the numbers in them. */
type Finding = { readonly property: string; readonly message: string; readonly seeds: number[]; count: number };

function kindOf({ property, message }: { readonly property: string; readonly message: string }): string {
  return `${property} ${message.replaceAll(/\d+/g, "#")}`;
}

type State = {
  readonly campaign: 1;
  /** `--engines`, `--only` and `--without`, as they were typed. */
  readonly typed: string;
  /** Every seed below it is done. */
  next: number;
  done: number;
  failed: number;
  events: number;
  micros: number;
  seconds: number;
  /** By mark: after how many seeds it was first reached. */
  readonly marks: Record<string, number>;
  readonly findings: Finding[];
};

const seedsKept = 20;
const shrinkMs = 60_000;
const progressMs = 5_000;

function openState(path: string, typed: string): State {
  if (!existsSync(path)) {
    const none = { next: 1, done: 0, failed: 0, events: 0, micros: 0, seconds: 0 };
    return { campaign: 1, typed, ...none, marks: {}, findings: [] };
  }
  let state: Partial<State> | null;
  try {
    state = JSON.parse(readFileSync(path, "utf8")) as Partial<State> | null;
  } catch {
    throw new UsageError(`${path} is broken: move it away to start over`);
  }
  if (state?.campaign !== 1) throw new UsageError(`${path} is no campaign's: move it away to start over`);
  if (state.typed !== typed)
    throw new UsageError(`${path} is of a campaign with other options:${state.typed ?? ""}; give another --out`);
  return state as State;
}

class Campaign {
  readonly #directory: string;
  readonly #state: State;
  #until = 0;
  readonly #ahead = new Set<number>();
  #seed: number;
  isStopped = false;

  constructor(directory: string, typed: string) {
    mkdirSync(directory, { recursive: true });
    this.#directory = directory;
    this.#state = openState(join(directory, "campaign.json"), typed);
    this.#seed = this.#state.next;
  }

  /** The time counts from now. */
  begin(minutes: number): void {
    this.#until = performance.now() + minutes * 60_000;
  }

  get failures(): string {
    return join(this.#directory, "failures");
  }

  /** The next seed, or null: it is over. */
  next(): number | null {
    return this.isStopped || performance.now() >= this.#until ? null : this.#seed++;
  }

  take(report: Report): void {
    const state = this.#state;
    state.done += 1;
    state.events += report.events;
    state.micros += report.micros;
    for (const mark of report.marks) state.marks[mark] ??= state.done;
    if (report.code !== 0) this.#file(report);
    this.#ahead.add(report.seed);
    while (this.#ahead.delete(state.next)) state.next += 1;
  }

  #file({ seed, property, message }: Report): void {
    this.#state.failed += 1;
    let finding = this.#state.findings.find((one) => kindOf(one) === kindOf({ property, message }));
    if (finding === undefined) {
      finding = { property, message, seeds: [], count: 0 };
      this.#state.findings.push(finding);
      console.log(`seed ${seed}: ${lawName(property)}: ${message.slice(0, 300)}`);
    }
    finding.count += 1;
    if (finding.seeds.length < seedsKept) finding.seeds.push(seed);
  }

  save(seconds: number): void {
    writeFileSync(
      join(this.#directory, "campaign.json"),
      `${JSON.stringify({ ...this.#state, seconds: this.#state.seconds + seconds }, null, 1)}\n`,
    );
  }

  progress(seconds: number): string {
    const { done, failed, findings, micros, marks } = this.#state;
    const left = Math.max(0, Math.round((this.#until - performance.now()) / 1000));
    const speed = ((this.#seed - 1) / Math.max(1, seconds + this.#state.seconds)).toFixed(1);
    return (
      `${done} seeds, ${speed} seeds/s, ${(micros / 3.6e9).toFixed(1)} simulated hours, ${failed} failures of ${findings.length} kinds, ` +
      `${Object.keys(marks).length} of ${allMarks.length} marks, ${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")} left`
    );
  }

  /** Leaves of each kind its first tape, a shrunk one and a report. */
  writeFindings(): void {
    for (const [k, { property, message, seeds, count }] of this.#state.findings.entries()) {
      const folder = join(this.#directory, "findings", `${k + 1}-${property}`);
      if (existsSync(folder)) continue;
      const seed = seeds[0]!;
      if (!existsSync(join(this.failures, `seed-${seed}.tape.json`))) {
        // It ended with its thread, and left no files.
        console.log(`${lawName(property)}: ${message}: ${count} times, seeds ${seeds.join(", ")}`);
        continue;
      }
      mkdirSync(folder, { recursive: true });
      for (const kind of ["tape.json", "history.jsonl", "trace.txt"])
        copyFileSync(join(this.failures, `seed-${seed}.${kind}`), join(folder, kind));
      const tape = parseTape(readFileSync(join(folder, "tape.json"), "utf8"));
      const result = simulate(tape.plan, {
        print: null,
        invariants: true,
        given: tape.decisions,
        keepsDecisions: true,
      });
      const started = performance.now();
      const shrunk = shrinkTape(tape, result, simulate, () => performance.now() - started > shrinkMs);
      const file = join(folder, "shrunk.tape.json");
      writeFileSync(file, printTape(shrunk.tape));
      const recorder = new Recorder();
      const { plan, decisions } = shrunk.tape;
      const small = simulate(plan, { print: null, invariants: true, given: decisions, recorder });
      writeFileSync(join(folder, "report.html"), reportPage(small, recorder, `${command} --tape ${file}`));
      const { faults, asked } = countsOf(shrunk.tape);
      console.log(
        `${folder}: ${count} times, seeds ${seeds.join(", ")}; shrunk to ${faults} faults and ${asked} operations`,
      );
      console.log(`  ${lawName(property)}: ${message.slice(0, 300)}`);
      console.log(`  ${command} --tape ${file}`);
    }
  }

  /** What was reached, after how many seeds; and what was not. */
  table(): string[] {
    const { marks } = this.#state;
    const lines = ["", "| what struck, in which phase, whom | first after so many seeds |", "| --- | --- |"];
    for (const mark of allMarks) lines.push(`| ${mark.replaceAll(" | ", ", ")} | ${marks[mark] ?? "not reached"} |`);
    lines.push("", `${Object.keys(marks).length} of ${allMarks.length} marks reached`);
    return lines;
  }

  get isClean(): boolean {
    return this.#state.failed === 0;
  }
}

/** Returns the exit code: 0 clean, 1 something was found, 4 the canary was not. */
export async function runCampaign(
  { minutes, jobs, out }: NonNullable<Options["campaign"]>,
  changes: PlanChanges,
  typed: string,
): Promise<number> {
  const campaign = new Campaign(out, typed);
  const canary = await findCanary();
  if (canary === null) {
    console.log("THE CANARY WAS NOT FOUND: a known mutant goes undetected, so that nothing else here means anything");
    return 4;
  }
  console.log(`the canary was found: ${lawName(canary.property)} at seed ${canary.seed}`);
  campaign.begin(minutes);
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1000;
  let stoppedAt = 0;
  const stop = (): void => {
    // A shell and npm may both pass on one Ctrl-C.
    if (campaign.isStopped && seconds() - stoppedAt > 1) process.exit(130);
    if (campaign.isStopped) return;
    campaign.isStopped = true;
    stoppedAt = seconds();
    console.log("stopping: what runs is finished first");
  };
  process.on("SIGINT", stop);
  const ticker = setInterval(() => {
    console.log(campaign.progress(seconds()));
    campaign.save(seconds());
  }, progressMs);
  const next = () => {
    const seed = campaign.next();
    return seed === null ? null : { seed, changes, typed, directory: campaign.failures };
  };
  await runOn(jobs, next, (report) => campaign.take(report));
  clearInterval(ticker);
  process.off("SIGINT", stop);
  campaign.save(seconds());
  campaign.writeFindings();
  for (const line of campaign.table()) console.log(line);
  console.log(campaign.progress(seconds()));
  return campaign.isClean ? 0 : 1;
}
