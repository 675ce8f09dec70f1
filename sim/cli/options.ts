/** What the command line asks for, checked. */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import yargs from "yargs";
import { faultFamilies, type FaultFamily, type Tier, tiers } from "../plan/families.ts";
import { engineChoices, type Engines, type PlanChanges } from "../plan/plan.ts";
import { parseTape, type Tape, TapeError } from "../tape.ts";
import { command } from "./command.ts";

/** The command line cannot be run; the message is for who has typed it. */
export class UsageError extends Error {}

/** What is to be done is in `one`, `campaign`, `seeds` and `open`; each is null where it is not asked for. */
export type Options = {
  /** Of one run, from a seed or a tape. */
  readonly one:
    | ({
        readonly trace: boolean;
        readonly verify: boolean;
        readonly shrink: boolean;
        readonly record: string | null;
        readonly report: string | null;
        readonly odds: boolean;
      } & ({ readonly kind: "seed"; readonly seed: number } | { readonly kind: "tape"; readonly tape: string }))
    | null;
  readonly campaign: { readonly minutes: number; readonly jobs: number; readonly out: string } | null;
  readonly seeds: { readonly from: number; readonly to: number; readonly jobs: number } | null;
  /** The run with which the playground begins. */
  readonly open:
    | { readonly kind: "calm" }
    | { readonly kind: "seed"; readonly seed: number }
    | { readonly kind: "tape"; readonly path: string }
    | null;
  readonly changes: PlanChanges;
  /** `changes` as they were typed. */
  readonly typed: string;
};

/** Throws UsageError. */
export function tapeFrom(path: string): Tape {
  try {
    return parseTape(readFileSync(path, "utf8"));
  } catch (error) {
    if (error instanceof TapeError || (error instanceof Error && "code" in error))
      throw new UsageError(`${path}: ${error.message}`);
    throw error;
  }
}

function integer(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`a seed is an integer from 0 on, not ${text}`);
  return Number(text);
}

function enginesFrom(text: string | undefined): Engines | null {
  if (text === undefined) return null;
  const choice = engineChoices.find((one) => one === text);
  if (choice === undefined) throw new UsageError(`--engines is one of ${engineChoices.join(", ")}, not "${text}"`);
  return choice;
}

function tierFrom(text = "a"): Tier {
  const choice = tiers.find((one) => one === text);
  if (choice === undefined) throw new UsageError(`--tier is one of ${tiers.join(", ")}, not "${text}"`);
  return choice;
}

function familiesFrom(flag: string, text: string | undefined): FaultFamily[] | null {
  if (text === undefined) return null;
  return text.split(",").map((name) => {
    const family = faultFamilies.find((one) => one === name);
    if (family === undefined) throw new UsageError(`${flag} takes some of ${faultFamilies.join(",")}; not "${name}"`);
    return family;
  });
}

const epilogue = `Families of faults: ${faultFamilies.join(", ")}.

Exit codes: 0 every run is good; 1 a safety law is broken (of a campaign: any finding); 2 the command or its input is wrong, or what was asked for cannot be written; 3 a healed cluster does not come back to life, or the checker cannot decide; 4 the simulator itself is wrong. A failure has its code also where its files cannot be written.

Files of failures: sim-failures/. What the lines mean: SIMULATION.md.`;

/** Throws UsageError. */
export async function optionsFrom(args: readonly string[]): Promise<Options> {
  const argv = await yargs([...args])
    .scriptName(command)
    .usage(
      "$0 --seed N | --seeds A..B | --tape FILE | --campaign | --open\n\nRuns the store's core in a simulated cluster whose clocks, network and disks fail, and checks every answer. A seed is a run, bit for bit; a tape is a run written down.",
    )
    .option("seed", { type: "string", describe: "run this seed and print its summary" })
    .option("seeds", { type: "string", describe: "run the seeds A..B; failures of one kind are told once" })
    .option("tape", { type: "string", describe: "replay the run that is written there; the file is left as it is" })
    .option("campaign", { type: "boolean", describe: "seed after seed, for --minutes; goes on where it was stopped" })
    .option("minutes", { type: "number", default: 10, describe: "of a campaign" })
    .option("out", { type: "string", default: "sim-campaign", describe: "of a campaign: where its findings go" })
    .option("open", {
      type: "boolean",
      default: false,
      describe: "the playground in a browser: step through a calm cluster, --seed N or --tape FILE, and change it",
    })
    .option("record", { type: "string", describe: "of one run: write its tape there" })
    .option("report", { type: "string", describe: "of one run: a page about it, to be read in a browser" })
    .option("odds", {
      type: "boolean",
      default: false,
      describe: "of a report on a failure: when it became inevitable, by replays with other chance from 40 moments on",
    })
    .option("shrink", {
      type: "boolean",
      default: false,
      describe: "of one run that fails: look for a smaller one, for up to a minute",
    })
    .option("verify", {
      type: "boolean",
      default: false,
      describe: "of one run: run it twice, and compare every event",
    })
    .option("trace", { type: "boolean", default: false, describe: "of one run: print every event" })
    .option("engines", { type: "string", describe: "memory, rocksdb or mixed, whatever the seed draws" })
    .option("tier", {
      type: "string",
      describe: "a: losses that the cluster can spare; b: any that a node can notice; c: disks that lie",
    })
    .option("only", { type: "string", describe: "families of faults, with commas: no others" })
    .option("without", { type: "string", describe: "families of faults, with commas: not these" })
    .option("jobs", { type: "number", default: availableParallelism(), describe: "of many seeds: threads" })
    .epilogue(epilogue)
    .strict()
    .version(false)
    .fail((message: string) => {
      throw new UsageError(message);
    })
    .parseAsync();
  const given = [argv.seed, argv.seeds, argv.tape, argv.campaign].filter((one) => one !== undefined);
  if (given.length !== 1 && !(argv.open && given.length === 0))
    throw new UsageError("give one of --seed N, --seeds A..B, --tape FILE, --campaign and --open");
  const changes = {
    tier: tierFrom(argv.tier),
    engines: enginesFrom(argv.engines),
    only: familiesFrom("--only", argv.only),
    without: familiesFrom("--without", argv.without) ?? [],
  };
  const typed = (["tier", "engines", "only", "without"] as const).flatMap((name) =>
    argv[name] === undefined ? [] : [` --${name} ${argv[name]}`],
  );
  if (argv.tape !== undefined && typed.length > 0) throw new UsageError(`a tape holds its own plan:${typed.join("")}`);
  const { trace, verify, shrink, odds, record = null, report = null } = argv;
  if ((argv.seeds ?? argv.campaign) !== undefined && (trace || verify || shrink || (record ?? report) !== null))
    throw new UsageError("--trace, --verify, --shrink, --record and --report are of one run");
  const isMore =
    (argv.seeds ?? argv.campaign) !== undefined || trace || verify || shrink || (record ?? report) !== null;
  if (argv.open && isMore) throw new UsageError("--open takes --seed N, --tape FILE or neither, and nothing is run");
  if (argv.open && given.length === 0 && typed.length > 0)
    throw new UsageError(`these are of a seed: give --seed N, too:${typed.join("")}`);
  if (odds && report === null) throw new UsageError("--odds is part of a report: give --report FILE, too");
  const how = { trace, verify, shrink, record, report, odds };
  const open = !argv.open
    ? null
    : argv.seed !== undefined
      ? ({ kind: "seed", seed: integer(argv.seed) } as const)
      : argv.tape !== undefined
        ? ({ kind: "tape", path: argv.tape } as const)
        : ({ kind: "calm" } as const);
  const one = argv.open
    ? null
    : argv.seed !== undefined
      ? ({ kind: "seed", ...how, seed: integer(argv.seed) } as const)
      : argv.tape !== undefined
        ? ({ kind: "tape", ...how, tape: argv.tape } as const)
        : null;
  const { jobs, minutes, out } = argv;
  if (!Number.isSafeInteger(jobs) || jobs < 1) throw new UsageError("--jobs takes an integer from 1 on");
  if (!(minutes > 0)) throw new UsageError("--minutes takes a number above 0");
  const campaign = argv.campaign === undefined ? null : { minutes, jobs, out };
  return {
    one,
    open,
    campaign,
    seeds: argv.seeds === undefined ? null : range(argv.seeds, jobs),
    changes,
    typed: typed.join(""),
  };
}

function range(text: string, jobs: number): { from: number; to: number; jobs: number } {
  const [from, to, more] = text.split("..");
  if (to === undefined || more !== undefined || integer(from!) > integer(to))
    throw new UsageError("--seeds takes A..B with A <= B");
  return { from: integer(from!), to: integer(to), jobs };
}
