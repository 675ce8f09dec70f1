import { lawName } from "../sim/laws.ts";
import { existsIn, faultFamilies } from "../sim/plan/families.ts";
import { usualPlanLimits } from "../sim/plan/limits.ts";
import { type Plan, planOf } from "../sim/plan/plan.ts";
import { simulate } from "../sim/run.ts";
import { median } from "./median.ts";
import { sharesOf } from "./profile.ts";

/** Five nodes, every fault family that such a run knows at its mildest, `opsPerSecond` over five clients. */
function planWith(seed: number, opsPerSecond: number): Plan {
  const mild: Partial<Plan["faults"]> = {
    loss: 5_000,
    duplication: 10_000,
    delayTail: 2_000,
    syncFailure: 500,
    clockDrift: 2_000,
  };
  const drawn = planOf(seed);
  const faults = Object.fromEntries(
    faultFamilies.map((family) => {
      return [family, existsIn(family, drawn.tier, drawn.streams) ? (mild[family] ?? 10_000) : 0];
    }),
  ) as Plan["faults"];
  return {
    ...drawn,
    nodes: 5,
    clients: 5,
    keys: 4,
    thinkMicros: 5_000_000 / opsPerSecond,
    valueBytes: 0,
    valueEdges: false,
    sessionUses: 0,
    // A clock that stands still makes no promise of a lease.
    leasePercent: 0,
    limits: usualPlanLimits,
    safetyMicros: 30_000_000,
    electionMicros: 1_000_000,
    heartbeatMicros: 100_000,
    entriesPerAppendMax: 64,
    entriesInFlightMax: 256,
    bytesInFlightMax: 1_000_000,
    messagesInFlightMax: 256,
    entriesPerApplyMax: 256,
    walSegmentBytesMax: 1_000_000,
    uncommittedBytesMax: 1_000_000,
    faults,
  };
}

/** How much is measured: each round runs so many seeds, at each load and with the invariants on and off. */
export type SimulatorRounds = { readonly rounds: number; readonly seeds: number };

/**
 * Events a second, simulated seconds a second and seeds a second, on one core, with the invariants on and off in turn. Rejects
 * where a run breaks a law: that is no measurement.
 */
export async function benchSimulator({ rounds, seeds: seedsARound }: SimulatorRounds): Promise<void> {
  console.log(`one core, 5 nodes, all fault families, ${rounds} rounds of ${seedsARound} seeds; medians`);
  for (const opsPerSecond of [10, 100]) {
    const speeds = { on: [] as number[][], off: [] as number[][] };
    for (let round = 0; round <= rounds; round++) {
      for (const checks of ["on", "off"] as const) {
        const speed = measure(opsPerSecond, 1 + round * seedsARound, seedsARound, checks === "on");
        // The first round warms the compiler.
        if (round > 0) speeds[checks].push(speed);
      }
    }
    for (const checks of ["on", "off"] as const) {
      const [events, realTime, seeds] = [0, 1, 2].map((k) => median(speeds[checks].map((speed) => speed[k]!)));
      console.log(
        `${String(opsPerSecond).padStart(4)} operations a simulated second, invariants ${checks.padEnd(3)}: ` +
          `${Math.round(events!)} events/s, ${Math.round(realTime!)}x real time, ${seeds!.toFixed(1)} seeds/s`,
      );
    }
    await printShares(opsPerSecond, seedsARound);
  }
}

/** Where the time goes, with all checks. */
async function printShares(opsPerSecond: number, seedsARound: number): Promise<void> {
  const shares = await sharesOf(() => measure(opsPerSecond, 1, seedsARound, true));
  const said = shares
    .filter(([, percent]) => percent >= 0.5)
    .map(([part, percent]) => `${part} ${percent.toFixed(1)} %`);
  console.log(`     of that: ${said.join(", ")}`);
}

function measure(opsPerSecond: number, firstSeed: number, seedsARound: number, invariants: boolean): number[] {
  const started = performance.now();
  let events = 0;
  let micros = 0;
  for (let seed = firstSeed; seed < firstSeed + seedsARound; seed++) {
    const result = simulate(planWith(seed, opsPerSecond), { print: null, invariants });
    if (result.verdict !== "ok")
      throw new Error(`seed ${seed}: ${result.verdict} ${lawName(result.property)}: ${result.message}`);
    events += result.events;
    micros += result.simulatedMicros;
  }
  const seconds = (performance.now() - started) / 1000;
  return [events / seconds, micros / 1e6 / seconds, seedsARound / seconds];
}
