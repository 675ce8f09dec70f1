/** The simulator as a library: a seed or a plan becomes a run and its verdict; runs are kept as tapes, shrunk, and drawn. */
export { faultFamilies, type FaultFamily, type Tier, tiers } from "./plan/families.ts";
export { type Engines, type Plan, type PlanChanges, planOf } from "./plan/plan.ts";
export { reportPage } from "./report/page.ts";
export { type Line, Recorder } from "./trace/recorder.ts";
export { type Asked, Scenario } from "./scenario.ts";
export { type Result, type RunOptions, simulate, simulateSeed, type Verdict } from "./run.ts";
export { type Shrunk, shrinkTape } from "./shrink.ts";
export { parseTape, printTape, type Tape, TapeError } from "./tape.ts";
