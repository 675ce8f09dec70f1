#!/usr/bin/env node
import { checkFiles } from "./cli/check-files.ts";

const files = process.argv.slice(2);
const unknownFlag = files.find((file) => file.startsWith("-"));
if (unknownFlag !== undefined || files.length === 0) {
  console.error(
    unknownFlag === undefined
      ? "check-history: name at least one history file (JSON lines)"
      : `check-history: unknown flag ${unknownFlag}`,
  );
  process.exitCode = 2;
} else {
  process.exitCode = checkFiles(files, (line) => console.log(line));
}
