#!/usr/bin/env node
import { optionsFrom, UsageError } from "./cli/options.ts";
import { runOne, runSeeds } from "./cli/run.ts";

try {
  const { one, seeds, changes, typed } = await optionsFrom(process.argv.slice(2));
  process.exitCode = one !== null ? runOne(one, changes, typed) : await runSeeds(seeds!, changes, typed);
} catch (error) {
  if (error instanceof UsageError) {
    console.error(`sim: ${error.message}`);
    process.exitCode = 2;
  } else {
    // The simulation itself is wrong: not a finding about the store.
    console.error(error);
    process.exitCode = 4;
  }
}
