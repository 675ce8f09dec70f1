/** Processes that are told to stop, as by SIGTERM: each must have stopped within its time, and is started again later. */
import type { Micros } from "../../core/units.ts";
import { type Draws, salts } from "../draws.ts";
import { toldToStopMustStop } from "../laws/limits.ts";
import { diskMicros as toDiskMicros, largestEntriesMicros } from "../plan/entry-time.ts";
import type { Plan } from "../plan/plan.ts";
import type { Scheduler, Target } from "../scheduler.ts";
import type { Trace } from "../trace/trace.ts";
import { stallMicrosMax } from "../world/disk-chance.ts";
import type { Host } from "../world/host.ts";
import type { CoverageSink } from "./marks.ts";

type Stopping = { readonly host: Host; readonly boot: number; readonly disturbances: number };

/** For what was under way. */
const slackMicros: Micros = 100_000;
/** The last sync of the log, and those of the identity that says how far it reaches; what was let go of may come before. */
const lastSyncs = 16;

/** That may still be taken from a leader. */
const entriesMeanwhile = 32;

type StoppingWorld = {
  readonly scheduler: Scheduler;
  readonly draws: Draws;
  readonly plan: Plan;
  readonly trace: Trace;
  readonly coverage: CoverageSink;
};

/** One for each run. A process that does not stop in its time breaks a law. */
export class GracefulStops implements Target {
  readonly #scheduler: Scheduler;
  readonly #draws: Draws;
  readonly #plan: Plan;
  readonly #trace: Trace;
  readonly #coverage: CoverageSink;
  readonly #restart: (host: Host) => void;

  /** `restart` is called once the process has stopped. */
  constructor({ scheduler, draws, plan, trace, coverage }: StoppingWorld, restart: (host: Host) => void) {
    this.#scheduler = scheduler;
    this.#draws = draws;
    this.#plan = plan;
    this.#trace = trace;
    this.#coverage = coverage;
    this.#restart = restart;
  }

  begin(host: Host): void {
    const { id, boot, disturbances, isHampered } = host;
    this.#trace.line(this.#scheduler.now, "gracefulStop", id);
    host.tellToStop();
    const stopping: Stopping = { host, boot, disturbances };
    const tie = this.#draws.u32("tie", id, boot, salts.tie.gracefulStop);
    if (!isHampered) this.#scheduler.at(this.#scheduler.now + this.#boundMicros(host), tie, this, 0, stopping);
    host.stopGracefully(() => {
      if (host.boot !== boot) return;
      this.#trace.line(this.#scheduler.now, "stopped", id);
      const takesPart = (host.node?.replica ?? null) !== null;
      if (takesPart) host.directory.sealed();
      host.stop(false);
      this.#restart(host);
    });
    if (host.boot === boot) this.#coverage.stopping(host);
  }

  /**
   * What waits ends by its deadline; a leadership is handed over within an election timeout. Clocks may be slow, and a disk
   * may be stalled when it begins: a later stall disturbs the process. What the log was given before must be durable, and
   * what comes until the process takes nothing more.
   */
  #boundMicros({ node }: Host): Micros {
    const { requestMicros, electionMicros, syncMicros, faults } = this.#plan;
    const diskMicros = 2 * lastSyncs * syncMicros + (faults.diskStall > 0 ? stallMicrosMax : 0);
    const log = node?.replica?.raft.log;
    const givenMicros = log === undefined ? 0 : toDiskMicros(this.#plan, log, log.durableIndex);
    const comingMicros = largestEntriesMicros(this.#plan, entriesMeanwhile);
    return (
      Math.ceil(1.01 * (requestMicros + 2 * electionMicros)) + slackMicros + diskMicros + givenMicros + comingMicros
    );
  }

  /** It has stopped by now, if nothing has kept it from doing so. */
  on(_code: number, payload: unknown): void {
    const { host, boot, disturbances } = payload as Stopping;
    const isKept = host.isHampered || host.disturbances !== disturbances;
    toldToStopMustStop(host.id, host.boot !== boot || host.node === null || isKept);
  }
}
