#!/usr/bin/env -S node --max-semi-space-size=4
import { readFileSync } from "node:fs";
import { parseOptions, type ServerOptions, UsageError } from "./options.ts";
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

async function run(options: ServerOptions): Promise<void> {
  server = await startServer(options, version, (ending) => {
    if (ending.kind !== "restart") exit(ending.kind === "removed" ? 0 : 1, ending.reason);
    process.stderr.write(`metaStore: ${ending.reason}\n`);
    void restart(options).catch(fail);
  });
}

/** The same process, from the directory on. */
async function restart(options: ServerOptions): Promise<void> {
  await server?.stop();
  if (!stopping) await run(options);
}

let stopping = false;
try {
  const options = parseOptions(process.argv.slice(2), process.env, version);
  if (options !== null) await run(options);
} catch (error) {
  fail(error);
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.on(signal, () => {
    // A second signal does not wait.
    if (stopping) process.exit(1);
    stopping = true;
    void server?.stop().then(() => process.exit(0));
  });
}
