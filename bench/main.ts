/** `npm run bench -- sim | server | snapshot | disk | checker [--quick]`: figures on this machine, now; medians of rounds that run side by side. */
import { parseArgs } from "node:util";
import { benchChecker } from "./checker.ts";
import { benchDiskUse } from "./disk-use.ts";
import { benchHistoryFiles } from "./history-files.ts";
import { benchServer } from "./server.ts";
import { benchSimulator } from "./simulator.ts";
import { benchSnapshot } from "./snapshot.ts";

const { values, positionals } = parse();
const quick = values.quick === true;
const [what, ...rest] = positionals;
if (rest.length > 0) usage(`unknown argument ${rest.join(" ")}`);
else if (what === "sim") await benchSimulator(quick ? { rounds: 1, seeds: 1 } : { rounds: 5, seeds: 12 });
else if (what === "server") await benchServer(quick ? { rounds: 1, seconds: 1 } : { rounds: 3, seconds: 8 });
else if (what === "snapshot") await benchSnapshot(quick ? 5_000 : 1_000_000);
else if (what === "disk") await benchDiskUse({ seconds: quick ? 5 : 3_600, writesPerSecond: 400 });
else if (what === "checker" && values.files !== undefined) benchHistoryFiles(values.files, quick ? 1 : 20);
else if (what === "checker") {
  const porcupine = values.porcupine ?? null;
  benchChecker(quick ? { rounds: 1, largest: 10_000, porcupine } : { rounds: 5, largest: 1_000_000, porcupine });
} else usage("name what to measure: sim, server, snapshot, disk or checker");

function parse() {
  try {
    const options = { quick: { type: "boolean" }, porcupine: { type: "string" }, files: { type: "string" } } as const;
    return parseArgs({ allowPositionals: true, options });
  } catch (error) {
    return {
      values: { quick: false, porcupine: undefined, files: undefined },
      positionals: ["", (error as Error).message],
    };
  }
}

function usage(message: string): void {
  console.error(
    `bench: ${message} (--quick: one short round, to see that it runs; checker --porcupine DIR: beside that checkout; checker --files DIR: the histories there)`,
  );
  process.exitCode = 2;
}
