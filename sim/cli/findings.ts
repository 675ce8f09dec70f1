/** What a campaign leaves of each kind of failure: a folder that is there when all of it is done, and not before. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { lawName } from "../laws.ts";
import { type Result, simulate as simulateHere } from "../run.ts";
import { parseTape, printTape } from "../tape.ts";
import { command } from "./command.ts";
import { nameOfSeed } from "./failure.ts";
import type { Finding } from "./campaign-state.ts";
import { troubleOf, writeWhole } from "./files.ts";
import { countOf } from "./kinds.ts";
import { fittedMessage, fittedText } from "./lines.ts";
import { reportTape, shrinkFor, sizeOf } from "./shrinking.ts";

/** How a campaign runs tapes, and for how long it shrinks one. */
export type FindingOptions = { readonly simulate: typeof simulateHere; readonly shrinkMs: number };
/** A minute for each kind. */
export const findingOptions: FindingOptions = { simulate: simulateHere, shrinkMs: 60_000 };

const kinds = ["tape.json", "history.jsonl", "trace.txt"] as const;

/** The findings of one campaign, in its directory. */
export class Findings {
  readonly #directory: string;
  readonly #typed: string;
  readonly #options: FindingOptions;

  constructor(directory: string, typed: string, options: FindingOptions) {
    this.#directory = directory;
    this.#typed = typed;
    this.#options = options;
  }

  /** Where they are. */
  get root(): string {
    return join(this.#directory, "findings");
  }

  /** Where runs leave their files. */
  get failures(): string {
    return join(this.#directory, "failures");
  }

  /** The folder of the `k`-th kind, counted from 0. */
  folderOf(k: number, { property }: Finding): string {
    return join(this.root, `${k + 1}-${property}`);
  }

  /** Whether its folder is there, which then holds all that there will be. */
  isFinished(k: number, finding: Finding): boolean {
    return existsSync(this.folderOf(k, finding));
  }

  /** The first of its seeds whose run has left its tape; null: none has. */
  #seedWithTape({ seeds }: Finding): number | null {
    return seeds.find((seed) => existsSync(this.#fileOf(seed, "tape.json"))) ?? null;
  }

  /** Whether the run of some seed is needed once more: its files could not be written, or were removed. */
  lacksTape(k: number, finding: Finding): boolean {
    return finding.isLost !== true && !this.isFinished(k, finding) && this.#seedWithTape(finding) === null;
  }

  #fileOf(seed: number, kind: string): string {
    return join(this.failures, `${nameOfSeed(seed, this.#typed)}.${kind}`);
  }

  /**
   * Shrinks the `k`-th kind and draws it, aside, and renames the folder when it is done: who is killed meanwhile does it again.
   * Null, or why it cannot be done now.
   */
  finish(k: number, finding: Finding, tell: (line: string) => void): string | null {
    const seed = this.#seedWithTape(finding);
    if (seed === null) return "its run has left no tape";
    const folder = this.folderOf(k, finding);
    const aside = `${folder}.partial`;
    return troubleOf(() => {
      rmSync(aside, { recursive: true, force: true });
      mkdirSync(aside, { recursive: true });
      for (const kind of kinds) {
        const file = this.#fileOf(seed, kind);
        if (existsSync(file)) copyFileSync(file, join(aside, kind));
      }
      this.#shrink(aside, folder, tell);
      renameSync(aside, folder);
    });
  }

  #shrink(aside: string, folder: string, tell: (line: string) => void): void {
    const { simulate, shrinkMs } = this.#options;
    const tape = parseTape(readFileSync(join(aside, "tape.json"), "utf8"));
    const { decisions: given, interventions = [] } = tape;
    const options = { print: null, invariants: true, given, interventions, keepsDecisions: true };
    const result: Result = simulate(tape.plan, options);
    // The program has changed since: then there is nothing to shrink.
    if (result.verdict === "ok") return tell(`${folder}: its tape does not fail any more`);
    const shrunk = shrinkFor(shrinkMs, tape, result, simulate, tell);
    writeWhole(join(aside, "shrunk.tape.json"), printTape(shrunk.tape));
    const again = `${command} --tape ${join(folder, "shrunk.tape.json")}`;
    reportTape(shrunk.tape, simulate, join(aside, "report.html"), again);
  }

  /** The tape to begin with: the shrunk one, where there is one; null: there is none. */
  tapeOf(k: number, finding: Finding): string | null {
    const names = ["shrunk.tape.json", "tape.json"].map((name) => join(this.folderOf(k, finding), name));
    return names.find((name) => existsSync(name)) ?? null;
  }

  /** What it is, how often it was, where its files are, and how to see it. */
  linesOf(k: number, finding: Finding): string[] {
    const { property, message, seeds } = finding;
    const tape = this.tapeOf(k, finding);
    const isShrunk = tape?.endsWith("shrunk.tape.json") === true;
    const size = isShrunk ? `, shrunk to ${sizeOf(parseTape(readFileSync(tape, "utf8")))}` : "";
    return [
      ...fittedMessage(`${k + 1}: ${lawName(property)}:`, ` ${message}`),
      ...fittedText("    ", 4, countOf(finding)),
      tape === null ? "    no files" : `    ${this.folderOf(k, finding)}${size}`,
      `    again     ${command} ${tape === null ? `--seed ${seeds[0]}${this.#typed} --trace` : `--tape ${tape}`}`,
    ];
  }
}
