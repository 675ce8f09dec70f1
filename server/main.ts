#!/usr/bin/env -S node --max-semi-space-size=4
/** Loads the command, server/command.ts in one file. Where that cannot be opened, one line says so. */
try {
  await import("./program.js");
} catch (thrown) {
  const { message } = thrown as Error;
  const advice = "are all files installed, and may this process open them (ulimit -n)?";
  process.stderr.write(`metaStore: the program cannot be loaded: ${message.replaceAll(/\s*\n\s*/g, " ")}: ${advice}\n`);
  process.exit(1);
}
