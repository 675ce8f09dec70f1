/** `npm run bench -- sim | server | snapshot | disk | checker [--quick]`: figures on this machine, now; medians of rounds that run side by side. */
import { benchChecker } from "./checker.ts";
import { benchDiskUse } from "./disk-use.ts";
import { benchServer } from "./server.ts";
import { benchSimulator } from "./simulator.ts";
import { benchSnapshot } from "./snapshot.ts";

const [what, ...rest] = process.argv.slice(2);
const quick = rest.length === 1 && rest[0] === "--quick";
if (rest.length > 0 && !quick) usage(`unknown argument ${rest.join(" ")}`);
else if (what === "sim") benchSimulator(quick ? 1 : 5);
else if (what === "server") await benchServer(quick ? { rounds: 1, seconds: 1 } : { rounds: 3, seconds: 8 });
else if (what === "snapshot") await benchSnapshot(quick ? 20_000 : 1_000_000);
else if (what === "disk") await benchDiskUse({ seconds: quick ? 5 : 3_600, writesPerSecond: 400 });
else if (what === "checker") benchChecker(quick ? { rounds: 1, largest: 10_000 } : { rounds: 5, largest: 1_000_000 });
else usage("name what to measure: sim, server, snapshot, disk or checker");

function usage(message: string): void {
  console.error(`bench: ${message} (--quick: one short round, to see that it runs)`);
  process.exitCode = 2;
}
