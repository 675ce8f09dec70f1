/**
 * What goes wrong and when. Time is cut into slots; in each, every family strikes each of its targets with its own keyed
 * chance, so that one fault more or less shifts no other.
 */
import type { Micros, NodeId } from "../../core/units.ts";
import type { Draws } from "../draws.ts";
import type { Scheduler, Target } from "../scheduler.ts";
import type { Trace } from "../trace/trace.ts";
import type { Host } from "../world/host.ts";
import type { SimNetwork } from "../world/network.ts";
import { type FaultFamily, faultFamilies, type Plan } from "./options.ts";

const slotMicros: Micros = 250_000;
const nemesisEvents = { slot: 1, restart: 2, resume: 3 } as const;

/** Who may lose what, so that everything committed still is on a majority of those who vote. */
export interface Atlas {
  mayLoseRows(id: NodeId): boolean;
  mayLoseLog(id: NodeId): boolean;
  logLost(id: NodeId): void;
}

export class Nemesis implements Target {
  readonly #scheduler: Scheduler;
  readonly #draws: Draws;
  readonly #plan: Plan;
  readonly #hosts: readonly Host[];
  readonly #network: SimNetwork;
  readonly #trace: Trace;
  readonly #atlas: Atlas;
  /** client * 64 + node -> until. */
  readonly #clientBlocks = new Map<number, Micros>();
  #slot = 0;
  #stopped = false;
  readonly counters = Object.fromEntries(faultFamilies.map((family) => [family, 0])) as Record<FaultFamily, number>;

  constructor(
    scheduler: Scheduler,
    draws: Draws,
    plan: Plan,
    hosts: readonly Host[],
    network: SimNetwork,
    trace: Trace,
    atlas: Atlas,
  ) {
    this.#scheduler = scheduler;
    this.#draws = draws;
    this.#plan = plan;
    this.#hosts = hosts;
    this.#network = network;
    this.#trace = trace;
    this.#atlas = atlas;
    scheduler.at(slotMicros, 0, this, nemesisEvents.slot, null);
  }

  cutOff(client: number, node: NodeId): boolean {
    return (this.#clientBlocks.get(client * 64 + node) ?? 0) > this.#scheduler.now;
  }

  /** No new fault from now on; what lasts, lasts. Clients reach everybody again. */
  stop(): void {
    this.#stopped = true;
    this.#clientBlocks.clear();
  }

  /** A node that has ended itself (its disk failed) is started again by its operator after a while. */
  restartLater(host: Host): void {
    const wait = 200_000 + this.#draws.below(2_000_000, "recovery", host.id, host.life);
    this.#at(wait, nemesisEvents.restart, host);
  }

  on(code: number, payload: unknown): void {
    if (this.#stopped) return;
    const host = payload as Host;
    if (code === nemesisEvents.slot) this.#strike();
    else if (code === nemesisEvents.restart) {
      if (host.node === null && !host.retired) this.startHost(host);
    } else if (host.paused) {
      this.#trace.line(this.#scheduler.now, "resume", host.id);
      host.resume();
    }
  }

  startHost(host: Host): void {
    this.#trace.line(this.#scheduler.now, "start", host.id, host.life + 1);
    host.start();
  }

  #at(wait: Micros, code: number, host: Host): void {
    const tie = this.#draws.u32("tie", host.id, host.life, code, 99);
    this.#scheduler.at(this.#scheduler.now + wait, tie, this, code, host);
  }

  #strike(): void {
    this.#slot += 1;
    this.#scheduler.at(this.#scheduler.now + slotMicros, 0, this, nemesisEvents.slot, null);
    if (this.#scheduler.now < this.#plan.quietMicros) return;
    this.#cutLinks();
    this.#cutClients();
    for (const host of this.#hosts) {
      if (host.node === null || host.paused) continue;
      if (this.#strikes("powerCut", host.id)) this.#crash(host, "powerCut", 3_000_000);
      else if (this.#strikes("kill", host.id)) this.#crash(host, "kill", 3_000_000);
      else if (this.#strikes("fastRestart", host.id)) this.#crash(host, "fastRestart", 20_000);
      else if (this.#strikes("pause", host.id)) this.#pause(host);
    }
  }

  #strikes(family: FaultFamily, target: number): boolean {
    const strikes = this.#draws.chance(
      this.#plan.faults[family],
      "fault",
      this.#slot,
      faultFamilies.indexOf(family),
      target,
    );
    if (strikes) this.counters[family] += 1;
    return strikes;
  }

  #length(family: FaultFamily, most: Micros): Micros {
    return 10_000 + this.#draws.below(most, "faultLength", this.#slot, faultFamilies.indexOf(family));
  }

  #crash(host: Host, family: "powerCut" | "kill" | "fastRestart", downMost: Micros): void {
    // A fast restart is a kill or a power cut whose machine is back before anybody's patience has ended.
    const power =
      family === "powerCut" ||
      (family === "fastRestart" && this.#draws.below(2, "faultTarget", this.#slot, host.id) === 0);
    const damage = power && this.#atlas.mayLoseRows(host.id) && this.#strikes("rowsLost", host.id);
    this.#trace.line(this.#scheduler.now, damage ? "rowsLost" : power ? "powerCut" : "kill", host.id);
    host.stop(power, damage);
    if (this.#atlas.mayLoseLog(host.id) && this.#strikes("logDamaged", host.id) && host.damageLog()) {
      this.#trace.line(this.#scheduler.now, "logDamaged", host.id);
      this.#atlas.logLost(host.id);
    }
    const down =
      family === "fastRestart"
        ? 1_000 + this.#draws.below(downMost, "faultLength", this.#slot, host.id)
        : this.#length(family, downMost);
    this.#at(down, nemesisEvents.restart, host);
  }

  #pause(host: Host): void {
    const length = this.#length("pause", 4_000_000);
    this.#trace.line(this.#scheduler.now, "pause", host.id, length);
    host.paused = true;
    this.#at(length, nemesisEvents.resume, host);
  }

  #cutLinks(): void {
    const ids = this.#hosts.map(({ id }) => id);
    if (this.#strikes("partition", 0)) {
      // Two sides by coin; one node alone is as likely as any other side.
      const until = this.#scheduler.now + this.#length("partition", 5_000_000);
      const alone = this.#draws.below(3, "faultTarget", this.#slot, 0) === 0;
      const lonely = ids[this.#draws.below(ids.length, "faultTarget", this.#slot, 1)]!;
      const side = (id: NodeId): boolean =>
        alone ? id === lonely : this.#draws.below(2, "faultTarget", this.#slot, 2, id) === 0;
      for (const from of ids) for (const to of ids) if (side(from) !== side(to)) this.#block(from, to, until);
    }
    for (const from of ids) {
      if (!this.#strikes("oneWay", from)) continue;
      const until = this.#scheduler.now + this.#length("oneWay", 5_000_000);
      // One link, or everything that this node hears or says.
      const shape = this.#draws.below(3, "faultTarget", this.#slot, 3, from);
      const other = ids[this.#draws.below(ids.length, "faultTarget", this.#slot, 4, from)]!;
      for (const id of ids) {
        if (id === from || (shape === 0 && id !== other)) continue;
        if (shape === 2) this.#block(id, from, until);
        else this.#block(from, id, until);
      }
    }
  }

  #block(from: NodeId, to: NodeId, until: Micros): void {
    if (from === to) return;
    this.#trace.line(this.#scheduler.now, "block", from, to, until - this.#scheduler.now);
    this.#network.block(from, to, until);
  }

  #cutClients(): void {
    for (let client = 1; client <= this.#plan.clients; client++) {
      if (!this.#strikes("clientPartition", client)) continue;
      const length = this.#length("clientPartition", 3_000_000);
      const node = 1 + this.#draws.below(this.#hosts.length, "faultTarget", this.#slot, 5, client);
      this.#trace.line(this.#scheduler.now, "clientBlock", client, node, length);
      this.#clientBlocks.set(client * 64 + node, this.#scheduler.now + length);
    }
  }
}
