/** The command `metastore`: from its flags to its exit code. server/main.ts loads it. */
import { readFileSync } from "node:fs";
import { debuglog } from "node:util";
import { UsageError } from "./flags.ts";
import { parseOptions, type ServerOptions } from "./options.ts";
import { type RunningServer, startServer, StartError } from "./start.ts";

/** NODE_DEBUG=metastore prints where an unexpected error was thrown. */
const debug = debuglog("metastore");

/** Exit codes: 0 stopped or removed, 1 could not run, 2 usage. An error is one line on stderr, never a stack. */
function fail(error: unknown): never {
  if (error instanceof UsageError) exit(2, `${error.message} (--help lists the flags)`);
  if (error instanceof StartError) exit(1, error.message);
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  debug("%s", stack);
  exit(1, `unexpected error (NODE_DEBUG=metastore prints where): ${message}`);
}

function exit(code: number, text: string): never {
  process.stderr.write(`metaStore: ${text.trim().replaceAll(/\s*\n\s*/g, " ")}\n`);
  process.exit(code);
}

process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);
// A log that nobody reads any more does not end a node.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);

let server: RunningServer | null = null;
let stopping = false;
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.on(signal, () => {
    // A second signal does not wait.
    if (stopping) process.exit(1);
    stopping = true;
    // Nothing has been taken yet that would have to be finished.
    if (server === null) process.exit(0);
    server.stop().then(() => process.exit(0), fail);
  });
}

const packageUrl = new URL("../../package.json", import.meta.url);
/** Of the package. */
export const { version } = JSON.parse(readFileSync(packageUrl, "utf8")) as { version: string };

async function run(options: ServerOptions): Promise<void> {
  server = await startServer(options, version, (ending) => {
    if (ending.code !== "restart") exit(ending.code === "removed" ? 0 : 1, ending.reason);
    process.stderr.write(`metaStore: ${ending.reason}\n`);
    restart(options).catch(fail);
  });
}

/** The same process, from the directory on. */
async function restart(options: ServerOptions): Promise<void> {
  await server?.stop();
  if (!stopping) await run(options);
}

try {
  const options = parseOptions(process.argv.slice(2), process.env, version);
  if (options !== null) await run(options);
} catch (error) {
  fail(error);
}
