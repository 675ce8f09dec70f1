/** The simulator as a library: a seed or a plan becomes a run and its verdict; runs are kept as tapes, shrunk, and drawn. */
export { type Engines, type Plan, type PlanChanges, planOf, type Tier, tiers } from "./nemesis/options.ts";
export { type FaultFamily, faultFamilies } from "./nemesis/knobs.ts";
export { reportPage } from "./report/page.ts";
export { type Line, Recorder } from "./report/record.ts";
export { type Result, type RunOptions, simulate, simulateSeed, type Verdict } from "./run.ts";
export { type Shrunk, shrinkTape } from "./shrink.ts";
export { parseTape, printTape, type Tape, TapeError } from "./tape.ts";
