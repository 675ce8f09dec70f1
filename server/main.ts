#!/usr/bin/env -S node --max-semi-space-size=4
/** Loads the command. Its modules are many files, opened at once: where they cannot be opened, one line says so. */
try {
  await import("./command.ts");
} catch (thrown) {
  const { message } = thrown as Error;
  const advice = "is all of it installed, and may this process open a hundred files (ulimit -n)?";
  process.stderr.write(`metaStore: the program cannot be loaded: ${message.replaceAll(/\s*\n\s*/g, " ")}: ${advice}\n`);
  process.exit(1);
}
