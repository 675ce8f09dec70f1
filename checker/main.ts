#!/usr/bin/env node
import { checkFiles } from "./cli/check-files.ts";
import { parseOptions, usage } from "./cli/options.ts";

const options = parseOptions(process.argv.slice(2));
if (options === null) console.log(usage);
else if (typeof options === "string") {
  console.error(`metastore-check: ${options} (--help tells all)`);
  process.exitCode = 2;
} else process.exitCode = await checkFiles(options, (line) => console.log(line));
