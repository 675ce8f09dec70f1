/** Seed after seed for so long: with progress, a canary first, findings in groups, and what was reached. Goes on where it was stopped. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { lawName } from "../laws.ts";
import { allMarks } from "../nemesis/marks.ts";
import type { PlanChanges } from "../plan/plan.ts";
import { type Finding, openState, saveState, type State } from "./campaign-state.ts";
import { findCanary } from "./canary.ts";
import { nextLine } from "./command.ts";
import { troubleOf, writeWhole } from "./files.ts";
import { findingOptions, Findings } from "./findings.ts";
import { addTo } from "./kinds.ts";
import { fittedText } from "./lines.ts";
import type { Options } from "./options.ts";
import { runOn } from "./pool.ts";
import type { Order, Report } from "./worker.ts";

const progressMs = 5_000;
/** Of faults that have never struck. */
const namesShown = 8;

/** What a campaign is made of; a test puts in its own. */
export type CampaignParts = {
  readonly findCanary: typeof findCanary;
  /** What its threads run. */
  readonly script: URL;
  readonly findings: typeof findingOptions;
};
const realParts: CampaignParts = {
  findCanary,
  script: new URL("worker.js", import.meta.url),
  findings: findingOptions,
};

/** What struck, of a coverage mark. */
function familyOf(mark: string): string {
  return mark.split(" | ")[0]!;
}

class Campaign {
  readonly #path: string;
  readonly #state: State;
  readonly findings: Findings;
  #until = 0;
  readonly #ahead: Set<number>;
  #seed: number;
  /** Why the state could not be written the last time; null: it was. */
  #trouble: string | null = null;
  isStopped = false;

  constructor(directory: string, typed: string, findings: Findings) {
    mkdirSync(directory, { recursive: true });
    this.#path = join(directory, "campaign.json");
    this.#state = openState(this.#path, typed);
    this.findings = findings;
    this.#ahead = new Set(this.#state.ahead ?? []);
    this.#seed = this.#state.next;
  }

  /** The time counts from now. */
  begin(minutes: number): void {
    this.#until = performance.now() + minutes * 60_000;
  }

  /** Where it goes on. */
  get firstSeed(): number {
    return this.#state.next;
  }

  /** The next seed, or null: it is over. */
  next(): number | null {
    if (this.isStopped || performance.now() >= this.#until) return null;
    while (this.#ahead.has(this.#seed)) this.#seed += 1;
    return this.#seed++;
  }

  /** Returns whether it is a failure of a new kind. */
  take(report: Report): boolean {
    const state = this.#state;
    state.done += 1;
    state.events += report.events;
    state.micros += report.micros;
    for (const mark of report.marks) state.marks[mark] ??= state.done;
    const isNews = report.code !== 0 && this.#file(report);
    this.#ahead.add(report.seed);
    while (this.#ahead.delete(state.next)) state.next += 1;
    return isNews;
  }

  #file(report: Report): boolean {
    this.#state.failed += 1;
    const { kind, isNew } = addTo(this.#state.findings, report);
    if (!isNew) return false;
    if (report.isLost) (kind as Finding).isLost = true;
    for (const line of report.lines) console.log(line);
    return true;
  }

  /** Writes the state; where that fails it says so once, and goes on: what is found is told anyway. */
  save(seconds: number): void {
    const ahead = [...this.#ahead];
    const trouble = saveState(this.#path, { ...this.#state, ahead, seconds: this.#state.seconds + seconds });
    if (trouble !== null && this.#trouble === null)
      console.log(`${this.#path} cannot be written: ${trouble}; what is found from now on is only told here`);
    if (trouble === null && this.#trouble !== null) console.log(`${this.#path} is written again`);
    this.#trouble = trouble;
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

  /** Leaves of each kind its first tape, a shrunk one and a report, where they are not there yet. */
  async finishFindings(runAgain: (seed: number) => Promise<void>): Promise<void> {
    for (const [k, finding] of this.#state.findings.entries()) {
      if (finding.isLost === true || this.findings.isFinished(k, finding)) continue;
      console.log(`shrinking ${this.findings.folderOf(k, finding)}`);
      if (this.findings.lacksTape(k, finding)) await runAgain(finding.seeds[0]!);
      const trouble = this.findings.finish(k, finding, (line) => console.log(`  ${line}`));
      if (trouble !== null) for (const line of fittedText("  not done: ", 4, trouble)) console.log(line);
    }
  }

  /** All kinds, with where their files are. */
  findingLines(): string[] {
    const { findings, failed, done } = this.#state;
    if (findings.length === 0) return [`no failures in ${done} seeds`];
    const kinds = `${findings.length} ${findings.length === 1 ? "kind" : "kinds"}`;
    return [
      `${failed} of ${done} seeds failed, in ${kinds}; the findings are in ${this.findings.root}`,
      ...findings.flatMap((finding, k) => this.findings.linesOf(k, finding)),
    ];
  }

  /** What was reached, after how many seeds; and what was not. */
  table(): string {
    const { marks } = this.#state;
    const lines = ["| what struck, in which phase, whom | first after so many seeds |", "| --- | --- |"];
    for (const mark of allMarks) lines.push(`| ${mark.replaceAll(" | ", ", ")} | ${marks[mark] ?? "not reached"} |`);
    return `${lines.join("\n")}\n`;
  }

  /** How much of that was reached, and which faults have struck nobody at all. */
  markLines(file: string): string[] {
    const { marks } = this.#state;
    const reached = new Set(Object.keys(marks).map(familyOf));
    const never = [...new Set(allMarks.map(familyOf))].filter((family) => !reached.has(family));
    const more = never.length > namesShown ? `, and ${never.length - namesShown} more` : "";
    const which =
      never.length === 0
        ? "every fault has struck"
        : `these have never struck: ${never.slice(0, namesShown).join(", ")}${more}`;
    const many = `${Object.keys(marks).length} of ${allMarks.length} marks reached`;
    return fittedText("", 2, `${many} (${file}); ${which}`);
  }

  /** Where to look next: at the first finding, or at more seeds. */
  nextCommand(again: string): string {
    const [first] = this.#state.findings;
    if (first === undefined) return again;
    const tape = this.findings.tapeOf(0, first);
    return tape === null ? `--seed ${first.seeds[0]}${this.#state.typed} --trace` : `--tape ${tape} --trace`;
  }

  /** 0 clean, 1 something was found; 2 nothing was, and the state could not be kept. */
  get code(): number {
    return this.#state.failed > 0 ? 1 : this.#trouble === null ? 0 : 2;
  }
}

/** Returns the exit code: 0 clean, 1 something was found, 2 nothing could be written, 4 the canary was not found. */
export async function runCampaign(
  { minutes, jobs, out }: NonNullable<Options["campaign"]>,
  changes: PlanChanges,
  typed: string,
  parts: CampaignParts = realParts,
): Promise<number> {
  const findings = new Findings(out, typed, parts.findings);
  const campaign = new Campaign(out, typed, findings);
  const canary = await parts.findCanary();
  if (canary === null) {
    console.log("THE CANARY WAS NOT FOUND: a known mutant goes undetected, so that nothing else here means anything");
    return 4;
  }
  console.log(`the canary was found: ${lawName(canary.property)} at seed ${canary.seed}`);
  console.log(`findings go to ${findings.root}`);
  const orderOf = (seed: number): Order => ({ seed, changes, typed, directory: findings.failures });
  const runAgain = async (seed: number): Promise<void> => {
    const orders = [orderOf(seed)];
    await runOn(
      1,
      () => orders.shift() ?? null,
      () => undefined,
      parts.script,
    );
  };
  // What an earlier call had found, and was ended before it was done.
  await campaign.finishFindings(runAgain);
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
  console.log(`seeds from ${campaign.firstSeed} on, for ${minutes} minutes`);
  const ticker = setInterval(() => {
    console.log(campaign.progress(seconds()));
    campaign.save(seconds());
  }, progressMs);
  const next = (): Order | null => {
    const seed = campaign.next();
    return seed === null ? null : orderOf(seed);
  };
  const take = (report: Report): void => {
    if (campaign.take(report)) campaign.save(seconds());
  };
  await runOn(jobs, next, take, parts.script);
  clearInterval(ticker);
  process.off("SIGINT", stop);
  campaign.save(seconds());
  await campaign.finishFindings(runAgain);
  for (const line of campaign.findingLines()) console.log(line);
  console.log(campaign.progress(seconds()));
  const file = join(out, "marks.md");
  const trouble = troubleOf(() => writeWhole(file, campaign.table()));
  for (const line of campaign.markLines(trouble ?? `all in ${file}`)) console.log(line);
  console.log(nextLine(campaign.nextCommand(`--campaign --minutes ${minutes} --out ${out}${typed}`)));
  return campaign.code;
}
