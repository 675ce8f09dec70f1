#!/usr/bin/env -S node --max-semi-space-size=4
import { readFileSync } from "node:fs";
import { parseOptions, UsageError } from "./options.ts";
import { type RunningServer, startServer, StartError } from "./start.ts";

/** Exit codes: 0 stopped or removed, 1 could not run, 2 usage. */
function fail(error: unknown): never {
  if (error instanceof UsageError) exit(2, `${error.message} (--help lists the flags)`);
  if (error instanceof StartError) exit(1, error.message);
  throw error;
}

function exit(code: number, line: string): never {
  process.stderr.write(`metaStore: ${line}\n`);
  process.exit(code);
}

const packageUrl = new URL("../../package.json", import.meta.url);
const { version } = JSON.parse(readFileSync(packageUrl, "utf8")) as { version: string };
let server: RunningServer | null = null;
try {
  const options = parseOptions(process.argv.slice(2), process.env, version);
  if (options !== null)
    server = await startServer(options, version, (ending) => exit(ending.kind === "removed" ? 0 : 1, ending.reason));
} catch (error) {
  fail(error);
}

let stopping = false;
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.on(signal, () => {
    // A second signal does not wait.
    if (stopping) process.exit(1);
    stopping = true;
    void server?.stop().then(() => process.exit(0));
  });
}
