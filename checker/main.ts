#!/usr/bin/env node
import { checkFiles } from "./cli/check-files.ts";
import { parseOptions, usage } from "./cli/options.ts";

const asked = parseOptions(process.argv.slice(2));
if (asked.kind === "help") console.log(usage);
else if (asked.kind === "wrong") {
  console.error(`metastore-check: ${asked.reason} (--help tells all)`);
  process.exitCode = 2;
} else process.exitCode = await checkFiles(asked.options, (line) => console.log(line));
