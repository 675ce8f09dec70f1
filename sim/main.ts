#!/usr/bin/env node
import { availableParallelism } from "node:os";
import yargs from "yargs";
import { runSeed, runSeeds } from "./cli/run.ts";
import { engineChoices, type Engines } from "./nemesis/options.ts";

const argv = await yargs(process.argv.slice(2))
  .scriptName("npm run sim --")
  .usage("$0 --seed N | --seeds A..B\n\nReplays the simulation of a seed, or runs many.")
  .option("seed", { type: "string", describe: "replay this run and print its summary" })
  .option("seeds", { type: "string", describe: "run the seeds A..B, print failures and the speed" })
  .option("trace", { type: "boolean", default: false, describe: "with --seed: print every event" })
  .option("engines", { type: "string", describe: "memory, rocksdb or mixed, whatever the seed draws" })
  .option("jobs", { type: "number", default: availableParallelism(), describe: "with --seeds: threads" })
  .strict()
  .version(false)
  .fail((message: string) => usage(message))
  .parseAsync();

function usage(message: string): never {
  console.error(`sim: ${message}`);
  process.exit(2);
}

function integer(text: string | undefined): number {
  if (text === undefined || !/^\d{1,15}$/.test(text)) usage(`a seed is an integer from 0 on, not ${text}`);
  return Number(text);
}

function engines(): Engines | null {
  if (argv.engines === undefined) return null;
  const choice = engineChoices.find((one) => one === argv.engines);
  return choice ?? usage(`--engines is one of ${engineChoices.join(", ")}, not "${argv.engines}"`);
}

try {
  if (argv.seed !== undefined && argv.seeds !== undefined) usage("give --seed or --seeds, not both");
  if (argv.seed !== undefined) process.exitCode = runSeed(integer(argv.seed), engines(), argv.trace);
  else if (argv.seeds !== undefined) {
    const [from, to, more] = argv.seeds.split("..");
    if (more !== undefined || integer(from) > integer(to)) usage("--seeds takes A..B with A <= B");
    if (!Number.isSafeInteger(argv.jobs) || argv.jobs < 1) usage("--jobs takes an integer from 1 on");
    process.exitCode = await runSeeds(integer(from), integer(to), engines(), argv.jobs);
  } else usage("give --seed N or --seeds A..B");
} catch (error) {
  // The simulation itself is wrong: not a finding about the store.
  console.error(error);
  process.exitCode = 4;
}
