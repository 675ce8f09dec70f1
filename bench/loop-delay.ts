/**
 * Loaded into a node before it starts (`node --import`): measures how long its event loop is held. Each SIGUSR2 writes
 * what was seen since the one before to the file that METASTORE_BENCH_DELAYS names.
 */
import { writeFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";

/** How long the event loop was held, from the one signal to the next. */
export type Delays = {
  readonly samples: number;
  readonly p50Ms: number;
  readonly p999Ms: number;
  readonly mostMs: number;
};

function ms(nanos: number): number {
  return nanos / 1e6;
}

const histogram = monitorEventLoopDelay({ resolution: 1 });
histogram.enable();

process.on("SIGUSR2", () => {
  const delays: Delays = {
    samples: histogram.count,
    p50Ms: ms(histogram.percentile(50)),
    p999Ms: ms(histogram.percentile(99.9)),
    mostMs: ms(histogram.max),
  };
  histogram.reset();
  writeFileSync(process.env["METASTORE_BENCH_DELAYS"]!, JSON.stringify(delays));
});
