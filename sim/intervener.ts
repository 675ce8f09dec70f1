/** Does to a run what somebody has asked for by hand, at the events that were named. A run of none is as if it were not there. */
import type { Intervention } from "./interventions.ts";
import type { Nemesis } from "./nemesis/nemesis.ts";
import type { Plan } from "./plan/plan.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Trace } from "./trace/trace.ts";
import type { HandClient } from "./workload/hand-client.ts";
import type { Host } from "./world/host.ts";
import type { SimNetwork } from "./world/network.ts";

/** What it acts on. */
export interface IntervenedWorld {
  readonly plan: Plan;
  readonly hosts: readonly Host[];
  readonly network: SimNetwork;
  readonly nemesis: Nemesis;
  readonly scheduler: Scheduler;
  readonly trace: Trace;
  /** Of the healed core of the liveness phase, in which nobody intervenes; empty before. */
  readonly core: readonly number[];
  readonly hand: HandClient;
}

/** One for each run. What is not possible at its moment (a node that is down is killed) is left out. */
export class Intervener {
  readonly #world: IntervenedWorld;
  #all: readonly Intervention[];
  #next = 0;

  /** `all` in order of their events. */
  constructor(world: IntervenedWorld, all: readonly Intervention[]) {
    this.#world = world;
    this.#all = all;
  }

  /** So many events have happened: does all that was to be done by now. */
  reached(events: number): void {
    for (; this.#next < this.#all.length && this.#all[this.#next]![0] <= events; this.#next++)
      if (this.#world.core.length === 0) this.#apply(this.#all[this.#next]!);
  }

  /** One more, to be done now; what was to come later is dropped. Throws a Violation where it breaks a law. */
  add(intervention: Intervention): void {
    this.#all = [...this.#all.slice(0, this.#next), intervention];
    this.reached(intervention[0]);
  }

  #apply(intervention: Intervention): void {
    const { network, nemesis, hosts, hand, trace, scheduler, plan } = this.#world;
    const { now } = scheduler;
    const [, what, id] = intervention;
    const host = hosts[id - 1];
    if (host === undefined) return;
    if (what === "cut" || what === "heal") {
      const other = intervention[3];
      for (const [from, to] of [
        [id, other],
        [other, id],
      ] as const)
        if (what === "heal") {
          trace.line(now, "unblock", from, to);
          network.unblockLink(from, to);
        } else {
          const until = Math.max(now, plan.safetyMicros);
          trace.line(now, "block", from, to, until - now);
          network.block(from, to, until);
        }
    } else if (what === "put") hand.ask(id, what, intervention[3], intervention[4]);
    else if (what === "get" || what === "delete") hand.ask(id, what, intervention[3], null);
    else if (what === "start") {
      if (host.canStart && host.boot > 0) nemesis.startHost(host);
    } else if (what === "kill" || what === "power-cut") {
      if (host.node === null) return;
      trace.line(now, what === "kill" ? "kill" : "powerCut", id);
      host.stop(what === "power-cut");
    } else if (what === "pause") {
      if (host.node === null || host.paused) return;
      trace.line(now, "pause", id, Math.max(0, plan.safetyMicros - now));
      host.pause();
    } else if (host.paused) {
      trace.line(now, "resume", id);
      host.resume();
    }
  }
}
