import { lawName } from "../laws.ts";
import type { PlanChanges } from "../plan/plan.ts";
import { nextLine } from "./command.ts";
import { failureDirectory } from "./failure.ts";
import { addTo, countOf, type Kind } from "./kinds.ts";
import { fittedMessage, fittedText } from "./lines.ts";
import type { Options } from "./options.ts";
import { runOn } from "./pool.ts";
import type { Report } from "./worker.ts";

const progressMs = 10_000;

/** What many runs come to. */
export class Tally {
  done = 0;
  failed = 0;
  halted = 0;
  events = 0;
  micros = 0;
  /** The gravest exit code: wrong answers outweigh stalls, stalls outweigh nothing. */
  code = 0;
  /** Of all traces together, whatever the order of their ends. */
  #hash = 0;

  take({ code, events, micros, traceHash, hasHalted }: Report): void {
    this.done += 1;
    if (hasHalted) this.halted += 1;
    this.events += events;
    this.micros += micros;
    this.#hash = (this.#hash + Number.parseInt(traceHash.slice(8), 16)) >>> 0;
    if (code === 0) return;
    this.failed += 1;
    if (code === 1 || this.code !== 1) this.code = code;
  }

  /** While it goes on. */
  progress(all: number, seconds: number): string {
    return `${this.done} of ${all} seeds, ${this.failed} failed, ${(this.done / seconds).toFixed(1)} seeds/s`;
  }

  line(seconds: number): string {
    const speeds = `${(this.done / seconds).toFixed(1)} seeds/s, ${Math.round(this.events / seconds)} events/s, ${Math.round(this.micros / 1e6 / seconds)}x real time`;
    return (
      `${this.done} seeds, ${this.failed} failed, ${this.halted === 0 ? "" : `${this.halted} excused by what is gone, `}${(this.micros / 3.6e9).toFixed(2)} simulated hours, ${this.events} events in ${seconds.toFixed(1)} s ` +
      `(${speeds}), traces ${this.#hash.toString(16).padStart(8, "0")}`
    );
  }
}

/** What failed, by kind; each kind's first seed is the smallest that is known. */
function linesOfKinds(kinds: readonly Kind[]): string[] {
  if (kinds.length === 0) return [];
  const lines = [`${kinds.length} ${kinds.length === 1 ? "kind" : "kinds"} of failures:`];
  for (const kind of kinds) {
    lines.push(...fittedText("  ", 4, `${lawName(kind.property)}: ${countOf(kind)}`));
    lines.push(...fittedMessage("    ", kind.message));
  }
  return lines;
}

/**
 * Prints the first failure of each kind, all kinds at the end, and the speed; and how far it is to stderr. The last line has the
 * hash of all traces; what to type next stands before it. Returns the gravest exit code.
 */
export async function runSeeds(
  { from, to, jobs }: NonNullable<Options["seeds"]>,
  changes: PlanChanges,
  typed: string,
): Promise<number> {
  const started = performance.now();
  const tally = new Tally();
  const kinds: Kind[] = [];
  let seed = from;
  const seconds = (): number => (performance.now() - started) / 1000;
  const ticker = setInterval(() => console.error(tally.progress(to - from + 1, seconds())), progressMs);
  const next = () => (seed > to ? null : { seed: seed++, changes, typed, directory: failureDirectory });
  await runOn(jobs, next, (report) => {
    tally.take(report);
    if (report.code === 0) return;
    const { kind, isNew } = addTo(kinds, report);
    if (isNew) for (const line of report.lines) console.log(line);
    else console.log(`seed ${report.seed}: ${lawName(report.property)}, as seed ${kind.seeds[0]}`);
  });
  clearInterval(ticker);
  for (const line of linesOfKinds(kinds)) console.log(line);
  const [first] = kinds.map(({ seeds }) => Math.min(...seeds));
  const many = to - from + 1;
  const rest = first === undefined ? `--seeds ${to + 1}..${to + many}${typed}` : `--seed ${first}${typed} --shrink`;
  console.log(nextLine(rest));
  console.log(tally.line(seconds()));
  return tally.code;
}
