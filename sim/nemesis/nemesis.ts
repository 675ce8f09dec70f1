/**
 * What goes wrong and when. Time is cut into slots; in each, every family strikes each of its targets with its own keyed
 * chance, so that one fault more or less shifts no other.
 */
import type { Micros, NodeId } from "../../core/units.ts";
import { type Draws, salts } from "../draws.ts";
import { familyNumbers, faultFamilies, type FaultFamily, isMarked, type TargetedAction } from "../plan/families.ts";
import type { Plan } from "../plan/plan.ts";
import type { FaultBudget } from "../safety/redundancy.ts";
import type { Scheduler, Target } from "../scheduler.ts";
import type { Trace } from "../trace/trace.ts";
import type { TraceKind } from "../trace/vocabulary.ts";
import type { Host } from "../world/host.ts";
import type { SimNetwork } from "../world/network.ts";
import { ClientPartitions } from "./client-partitions.ts";
import { EarlierBoots } from "./earlier-boots.ts";
import { DirectoryFaults } from "./directory-faults.ts";
import { GracefulStops } from "./graceful-stops.ts";
import { LeaderIsolation, type IsolationWorld } from "./leader-isolation.ts";
import type { CoverageSink } from "./marks.ts";
import { LinkFaults } from "./link-faults.ts";
import { Moves, type MovingWorld } from "./moves.ts";
import { type CopyingWorld, OlderCopies } from "./older-copies.ts";
import { spanMicrosMax, spans } from "./spans.ts";
import { Strangers } from "./strangers.ts";
import { TargetedFaults } from "./targeted-faults.ts";

const slotMicros: Micros = 250_000;
const nemesisEvents = { slot: 1, restart: 2, resume: 3, targeted: 4, isolation: 6 } as const;

type TargetedFault = { readonly action: TargetedAction; readonly node: NodeId; readonly occasion: number };

/** The leader `old` is cut off (`successor` is 0); or it is back, and `successor`, which led meanwhile, goes down. */
type IsolatedLeader = { readonly old: NodeId; readonly successor: NodeId };

/** What faults strike, and whom they ask and tell. */
export type NemesisWorld = {
  readonly scheduler: Scheduler;
  readonly draws: Draws;
  readonly plan: Plan;
  readonly hosts: readonly Host[];
  readonly network: SimNetwork;
  readonly trace: Trace;
  readonly budget: FaultBudget;
  readonly coverage: CoverageSink;
};

/** One for each run. What goes wrong with a single message or disk call is drawn by network and disks, not here. */
export class Nemesis implements Target {
  readonly #scheduler: Scheduler;
  readonly #draws: Draws;
  readonly #plan: Plan;
  readonly #hosts: readonly Host[];
  readonly #network: SimNetwork;
  readonly #trace: Trace;
  readonly #budget: FaultBudget;
  readonly #coverage: CoverageSink;
  readonly #directoryFaults: DirectoryFaults;
  readonly #linkFaults: LinkFaults;
  readonly #gracefulStops: GracefulStops;
  readonly #moves: Moves;
  readonly #strangers: Strangers;
  readonly #clientPartitions: ClientPartitions;
  readonly targeted: TargetedFaults;
  readonly isolation: LeaderIsolation;
  readonly olderCopies: OlderCopies;
  readonly earlierBoots: EarlierBoots;
  #slot = 0;
  #stopped = false;
  readonly counters = Object.fromEntries(faultFamilies.map((family) => [family, 0])) as Record<FaultFamily, number>;

  constructor({ scheduler, draws, plan, hosts, network, trace, budget, coverage }: NemesisWorld) {
    this.#scheduler = scheduler;
    this.#draws = draws;
    this.#plan = plan;
    this.#hosts = hosts;
    this.#network = network;
    this.#trace = trace;
    this.#budget = budget;
    this.#coverage = coverage;
    const world = {
      get now() {
        return scheduler.now;
      },
      hosts,
      strikes: (family: FaultFamily, target: number) => this.#strikes(family, target),
      line: (kind: TraceKind, node: number, a = 0, b = 0) => trace.line(scheduler.now, kind, node, a, b),
      knockDown: (host: Host, most: Micros) => this.#takeOneDown(host, most),
      restartLater: (host: Host) => this.restartLater(host),
    } satisfies MovingWorld & CopyingWorld;
    this.#linkFaults = new LinkFaults({
      scheduler,
      draws,
      plan,
      hosts,
      network,
      trace,
      strikes: world.strikes,
      length: (family) => this.#length(family),
    });
    this.#clientPartitions = new ClientPartitions(draws, plan.clients, world);
    this.#directoryFaults = new DirectoryFaults(plan, budget, world.strikes, world.line);
    this.olderCopies = new OlderCopies(plan, draws, budget, world);
    this.earlierBoots = new EarlierBoots(scheduler, draws, plan, world, () => this.#stopped);
    network.heldUntil = (from, to, message) => this.earlierBoots.heldUntil(from, to, message);
    this.#moves = new Moves(world, network.addresses, draws, trace);
    this.#strangers = new Strangers({
      scheduler,
      draws,
      plan,
      hosts,
      trace,
      count: () => {
        this.counters.stranger += 1;
      },
      reaches: (from, to) => network.streams?.reaches(from, to) === true,
    });
    this.#gracefulStops = new GracefulStops({ scheduler, draws, plan, trace, coverage }, (host) => {
      if (!this.#stopped && !host.healed) this.#directoryFaults.strike(host);
      this.restartLater(host);
    });
    this.targeted = new TargetedFaults(draws, plan, (action, node, occasion) =>
      this.#planTargeted({ action, node, occasion }),
    );
    this.isolation = new LeaderIsolation(this.#deposing(), 8 * plan.electionMicros);
    scheduler.at(slotMicros, 0, this, nemesisEvents.slot, null);
  }

  cutOff(client: number, node: NodeId): boolean {
    return this.#clientPartitions.isCut(client, node);
  }

  /** No new fault from now on; what lasts, lasts. Clients reach everybody again. */
  stop(): void {
    this.#stopped = true;
    this.#strangers.stop();
    this.#linkFaults.stop();
    this.#clientPartitions.heal();
  }

  /** A node that has ended itself (its disk failed) is started again by its operator after a while. */
  restartLater(host: Host): void {
    const wait = spans.restartMicrosMin + this.#draws.below(spans.restartMicrosMore, "recovery", host.id, host.boot);
    this.#at(wait, nemesisEvents.restart, host);
  }

  on(code: number, payload: unknown): void {
    if (this.#stopped && code !== nemesisEvents.restart) return;
    if (code === nemesisEvents.targeted) return this.#strikeTargeted(payload as TargetedFault);
    if (code === nemesisEvents.isolation) return this.#endIsolation(payload as IsolatedLeader);
    const host = payload as Host;
    if (code === nemesisEvents.slot) this.#strike();
    else if (code === nemesisEvents.restart) {
      const isFrozen = this.#stopped && !host.healed;
      if (host.canStart && !isFrozen) this.startHost(host);
    } else if (host.paused) {
      this.#trace.line(this.#scheduler.now, "resume", host.id);
      host.resume();
    }
  }

  startHost(host: Host): void {
    this.#trace.line(this.#scheduler.now, "start", host.id, host.boot + 1);
    host.start();
  }

  #at(wait: Micros, code: number, host: Host): void {
    const tie = this.#draws.u32("tie", host.id, host.boot, code, salts.tie.nemesis);
    this.#scheduler.at(this.#scheduler.now + wait, tie, this, code, host);
  }

  #strike(): void {
    this.#slot += 1;
    this.#scheduler.at(this.#scheduler.now + slotMicros, 0, this, nemesisEvents.slot, null);
    if (this.#scheduler.now < this.#plan.quietMicros) return;
    this.#linkFaults.strike(this.#slot);
    this.#clientPartitions.strike(this.#slot, () => this.#length("clientPartition"));
    this.#linkFaults.resetStreams();
    for (const host of this.#hosts) {
      if (host.node === null || host.paused || this.olderCopies.strike(host, this.#slot)) continue;
      if (this.#strikes("powerCut", host.id)) this.#crash(host, "powerCut");
      else if (this.#strikes("kill", host.id)) this.#crash(host, "kill");
      else if (this.#strikes("fastRestart", host.id)) this.#crash(host, "fastRestart");
      else if (this.#strikes("lateMessages", host.id)) this.earlierBoots.begin(host, this.#slot);
      else if (this.#strikes("pause", host.id)) this.#pause(host);
      else if (this.#strikes("slow", host.id)) this.#slow(host);
      else if (this.#strikes("clockStall", host.id)) this.#freezeClock(host);
      else if (!host.isStopping && this.#strikes("gracefulStop", host.id)) this.#gracefulStops.begin(host);
    }
  }

  /** The strike follows the turn in which its moment came, at once or while what was sent is on its way. */
  #planTargeted(fault: TargetedFault): void {
    if (this.#stopped || this.#scheduler.now < this.#plan.quietMicros) return;
    this.counters.targeted += 1;
    const wait =
      this.#draws.below(2, "targetedLength", fault.occasion, salts.targetedLength.delay) *
      Math.ceil(this.#plan.latencyMicros / 4);
    const tie = this.#draws.u32("tie", fault.occasion, nemesisEvents.targeted);
    this.#scheduler.at(this.#scheduler.now + wait, tie, this, nemesisEvents.targeted, fault);
  }

  #strikeTargeted({ action, node, occasion }: TargetedFault): void {
    const host = this.#hosts[node - 1]!;
    if (host.node === null || host.paused) return;
    this.#coverage.struck(`targeted ${action}`, node);
    const length = (most: Micros): Micros =>
      spans.briefMicrosMin + this.#draws.below(most, "targetedLength", occasion, salts.targetedLength.length);
    if (action === "restart" || action === "kill") {
      const power = this.#draws.below(2, "targetedLength", occasion, salts.targetedLength.isPowerCut) === 0;
      this.#trace.line(this.#scheduler.now, power ? "powerCut" : "kill", node);
      host.stop(power);
      this.#at(
        action === "restart" ? length(this.#plan.latencyMicros) : length(spanMicrosMax.kill),
        nemesisEvents.restart,
        host,
      );
    } else if (action === "pause") this.#pauseFor(host, length(spanMicrosMax.pause));
    else {
      const peer = 1 + this.#draws.below(this.#hosts.length, "targetedLength", occasion, salts.targetedLength.peer);
      const until = this.#scheduler.now + length(6 * this.#plan.electionMicros);
      for (const { id } of this.#hosts) {
        if (id === node || (action === "brokenLink" && id !== peer)) continue;
        this.#linkFaults.block(node, id, until);
        if (action !== "mute") this.#linkFaults.block(id, node, until);
      }
    }
  }

  #deposing(): IsolationWorld {
    const [scheduler, draws] = [this.#scheduler, this.#draws];
    const strength = this.#plan.faults.leaderIsolated;
    let commits = 0;
    const later = (what: IsolatedLeader): void => {
      scheduler.at(
        scheduler.now + 1,
        draws.u32("tie", what.old, commits, salts.tie.isolation),
        this,
        nemesisEvents.isolation,
        what,
      );
    };
    return {
      get now() {
        return scheduler.now;
      },
      strikes: (id) => {
        commits += 1;
        return (
          !this.#stopped && scheduler.now >= this.#plan.quietMicros && draws.chance(strength, "isolation", id, commits)
        );
      },
      cutOff: (old) => later({ old, successor: 0 }),
      turn: (old, successor) => later({ old, successor }),
    };
  }

  #endIsolation({ old, successor }: IsolatedLeader): void {
    if (successor === 0) return this.#cutOff(old);
    this.#network.unblockNode(old);
    this.#takeOneDown(this.#hosts[successor - 1]!, 6 * this.#plan.electionMicros);
  }

  #cutOff(old: NodeId): void {
    this.counters.leaderIsolated += 1;
    this.#coverage.struck("leaderIsolated", 0);
    const micros = 8 * this.#plan.electionMicros;
    // Of the others, some may restart at once, and not remember whom they have just heard.
    const restarts = this.#draws.below(2, "isolationEnd", old, this.counters.leaderIsolated) === 0;
    for (const host of this.#hosts) {
      this.#linkFaults.block(old, host.id, this.#scheduler.now + micros);
      this.#linkFaults.block(host.id, old, this.#scheduler.now + micros);
      if (restarts && host.id !== old) this.#takeOneDown(host, spans.bystanderDownMicrosMax);
    }
    // Where clocks may stand still, it may go on believing that it leads.
    if (this.#plan.faults.clockStall > 0) this.#freezeClock(this.#hosts[old - 1]!, micros);
  }

  /** Back after up to `most`. */
  #takeOneDown(host: Host, most: Micros): void {
    if (host.node === null || host.paused) return;
    const draw = (bound: number, k: number): number => this.#draws.below(bound, "isolationEnd", host.id, host.boot, k);
    const power = draw(2, salts.isolationEnd.isPowerCut) === 0;
    this.#trace.line(this.#scheduler.now, power ? "powerCut" : "kill", host.id);
    host.stop(power);
    this.#at(spans.briefMicrosMin + draw(most, salts.isolationEnd.length), nemesisEvents.restart, host);
  }

  /** For an operator who replaces a machine: it goes down now, and is back by itself some time later. */
  takeDown(host: Host): void {
    if (this.#stopped || host.node === null || host.paused || !this.#strikes("replaced", host.id)) return;
    this.#trace.line(this.#scheduler.now, "kill", host.id);
    host.stop(false);
    this.#at(this.#length("replaced"), nemesisEvents.restart, host);
  }

  #strikes(family: FaultFamily, target: number): boolean {
    const strikes = this.#draws.chance(this.#plan.faults[family], "fault", this.#slot, familyNumbers[family], target);
    if (strikes) {
      this.counters[family] += 1;
      if (isMarked(family)) this.#coverage.struck(family, family === "clientPartition" ? 0 : target);
    }
    return strikes;
  }

  #length(family: keyof typeof spanMicrosMax): Micros {
    return spans.microsMin + this.#draws.below(spanMicrosMax[family], "faultLength", this.#slot, familyNumbers[family]);
  }

  #crash(host: Host, family: "powerCut" | "kill" | "fastRestart"): void {
    // A fast restart is a kill or a power cut whose machine is back before anybody's patience has ended.
    const power =
      family === "powerCut" ||
      (family === "fastRestart" && this.#draws.below(2, "faultTarget", this.#slot, host.id) === 0);
    const damage = power && this.#budget.mayLoseRows(host.id) && this.#strikes("rowsLost", host.id);
    if (damage) this.#budget.rowsLost(host.id);
    this.#trace.line(this.#scheduler.now, damage ? "rowsLost" : power ? "powerCut" : "kill", host.id);
    host.stop(power, damage);
    this.#directoryFaults.strike(host);
    // Founders agree on each other's first addresses.
    if (this.#coverage.everyoneHasRun && this.#strikes("moved", host.id)) this.#moves.strike(host);
    const down =
      family === "fastRestart"
        ? spans.briefMicrosMin + this.#draws.below(spanMicrosMax.fastRestart, "faultLength", this.#slot, host.id)
        : this.#length(family);
    this.#at(down, nemesisEvents.restart, host);
  }

  #pause(host: Host): void {
    this.#pauseFor(host, this.#length("pause"));
  }

  #slow(host: Host): void {
    const length = this.#length("slow");
    // From an event loop that is busy now and then, to an event loop with two turns in an election timeout.
    const beat =
      spans.beatMicrosMin +
      this.#draws.below(this.#plan.electionMicros / 2, "faultTarget", this.#slot, salts.faultTarget.slowBeat, host.id);
    this.#trace.line(this.#scheduler.now, "slow", host.id, length, beat);
    host.slowDown(length, beat);
  }

  #freezeClock(host: Host, length = this.#length("clockStall")): void {
    this.#trace.line(this.#scheduler.now, "clockStall", host.id, length);
    host.freezeClock(
      length,
      this.#draws.below(2, "faultTarget", this.#slot, salts.faultTarget.frozenClock, host.id) === 0,
    );
  }

  #pauseFor(host: Host, length: Micros): void {
    this.#trace.line(this.#scheduler.now, "pause", host.id, length);
    host.pause();
    this.#at(length, nemesisEvents.resume, host);
  }
}
