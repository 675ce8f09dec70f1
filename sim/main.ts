#!/usr/bin/env node
import { runCampaign } from "./cli/campaign.ts";
import { openPlayground } from "./cli/open.ts";
import { optionsFrom, UsageError } from "./cli/options.ts";
import { runOne } from "./cli/run.ts";
import { runSeeds } from "./cli/seeds.ts";

try {
  const { one, open, seeds, campaign, changes, typed } = await optionsFrom(process.argv.slice(2));
  if (one !== null) process.exitCode = runOne(one, changes, typed);
  else if (open !== null) process.exitCode = await openPlayground(open, changes, typed);
  else if (seeds !== null) process.exitCode = await runSeeds(seeds, changes, typed);
  else if (campaign !== null) process.exitCode = await runCampaign(campaign, changes, typed);
} catch (error) {
  if (error instanceof UsageError) {
    console.error(`sim: ${error.message}`);
    process.exitCode = 2;
  } else if (error instanceof Error && "syscall" in error) {
    console.error(`sim: ${error.message}`);
    process.exitCode = 2;
  } else {
    // The simulation itself is wrong: not a finding about the store.
    console.error(error);
    process.exitCode = 4;
  }
}
