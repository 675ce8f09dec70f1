/** A campaign as a process to be killed: `node campaign-main.js OUT`. Its runs are short, its shrinking slow. */
import { runCampaign } from "../../sim/cli/campaign.ts";
import type { Result } from "../../sim/run.ts";
import type { simulate as simulateReally } from "../../sim/run.ts";
import { failureOf } from "./campaign-failures.ts";

const tryMs = 20;

/** Fails whatever the tape says, as the tape's law has it, and takes its time. */
const simulate: typeof simulateReally = (plan, { given }): Result => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, tryMs);
  return { ...failureOf(10), plan, decisions: given ?? [] };
};

/** Longer than any test waits for it. */
const minutes = 5;

const [out] = process.argv.slice(2);
process.exitCode = await runCampaign({ minutes, jobs: 2, out: out! }, {}, "", {
  findCanary: () => Promise.resolve({ seed: 1, property: "I7" }),
  script: new URL("campaign-worker.js", import.meta.url),
  findings: { simulate, shrinkMs: 1_500 },
});
