/** `npm run bench -- sim | server`: figures on this machine, now; medians of rounds that run side by side. */
import { benchServer } from "./server.ts";
import { benchSimulator } from "./simulator.ts";

const [what] = process.argv.slice(2);
if (what === "sim") benchSimulator();
else if (what === "server") await benchServer();
else {
  console.error("bench: name what to measure: sim or server");
  process.exitCode = 2;
}
