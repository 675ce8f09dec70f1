/** What happens to a machine's directory while its process is down, between a crash and the restart. */
import type { NodeId } from "../../core/units.ts";
import type { FaultFamily } from "../plan/families.ts";
import type { Plan } from "../plan/plan.ts";
import type { FaultBudget } from "../safety/redundancy.ts";
import type { TraceKind } from "../trace/vocabulary.ts";
import type { Host } from "../world/host.ts";

/** Strikes only what the budget can spare, and tells it what was lost. */
export class DirectoryFaults {
  readonly #plan: Plan;
  readonly #budget: FaultBudget;
  readonly #strikes: (family: FaultFamily, target: NodeId) => boolean;
  readonly #line: (kind: TraceKind, node: NodeId, a?: number) => void;

  /** `strikes` draws, and counts, whether a family strikes the node now. */
  constructor(
    plan: Plan,
    budget: FaultBudget,
    strikes: (family: FaultFamily, target: NodeId) => boolean,
    line: (kind: TraceKind, node: NodeId, a?: number) => void,
  ) {
    this.#plan = plan;
    this.#budget = budget;
    this.#strikes = strikes;
    this.#line = line;
  }

  /** The process of `host` has just gone. */
  strike(host: Host): void {
    const { id, directory } = host;
    if (this.#budget.mayLoseLog(id) && this.#strikes("logDamaged", id) && directory.damageLog()) {
      this.#line("logDamaged", id);
      this.#lost(host);
    }
    if (this.#budget.mayLoseLog(id) && this.#strikes("misread", id) && directory.misreadLog()) {
      this.#line("misread", id);
      this.#budget.logMisread(id);
      host.list.logLost();
    }
    const mayLack = this.#mayStrike("logMissing") && this.#budget.mayLoseLog(id);
    if (mayLack && this.#strikes("logMissing", id) && directory.removeLog()) {
      this.#line("logMissing", id);
      this.#lost(host);
    }
    const mayLackSegment = this.#mayStrike("segmentMissing") && directory.hasSegment && this.#budget.mayLoseLog(id);
    if (mayLackSegment && this.#strikes("segmentMissing", id)) {
      this.#line("segmentMissing", id, directory.removeSegment());
      this.#lost(host);
    }
    if (this.#strikes("newerFormat", id) && directory.writeFutureFormat()) {
      this.#line("newer", id);
    }
    if (this.#mayStrike("diskLost") && host.boot > 0 && this.#strikes("diskLost", id)) {
      this.#line("wipe", id);
      host.wipe();
      this.#budget.diskLost(id);
    }
  }

  #lost(host: Host): void {
    this.#budget.logLost(host.id);
    host.list.logLost();
  }

  /** Families that came later draw nothing where they are off. */
  #mayStrike(family: FaultFamily): boolean {
    return this.#plan.faults[family] > 0;
  }
}
