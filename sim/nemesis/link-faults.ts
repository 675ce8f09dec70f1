/** Links that carry nothing for a while, or only later; and streams that are reset. */
import type { Micros, NodeId } from "../../core/units.ts";
import { type Draws, salts } from "../draws.ts";
import { familyNumbers, type FaultFamily } from "../plan/families.ts";
import type { Plan } from "../plan/plan.ts";
import type { Scheduler, Target } from "../scheduler.ts";
import type { Trace } from "../trace/trace.ts";
import type { Host } from "../world/host.ts";
import type { SimNetwork } from "../world/network.ts";
import { type Cut, cutsOf, shapes } from "./partitions.ts";
import { type spanMicrosMax, spans } from "./spans.ts";

/** What link faults ask of the nemesis. */
export type LinkWorld = {
  readonly scheduler: Scheduler;
  readonly draws: Draws;
  readonly plan: Plan;
  readonly hosts: readonly Host[];
  readonly network: SimNetwork;
  readonly trace: Trace;
  /** Draws, and counts, whether the family strikes the node (0: the whole cluster) in this slot. */
  readonly strikes: (family: FaultFamily, target: number) => boolean;
  /** Draws how long a fault of the family that begins in this slot lasts. */
  readonly length: (family: keyof typeof spanMicrosMax) => Micros;
};

/** Part of the draws of a cut that comes later. */
const cutCode = 5;

/** One for each run. */
export class LinkFaults implements Target {
  readonly #world: LinkWorld;
  #slot = 0;
  #stopped = false;

  constructor(world: LinkWorld) {
    this.#world = world;
  }

  /** In time slot `slot`. */
  strike(slot: number): void {
    this.#slot = slot;
    this.#cutLinks();
    this.#cutInShapes();
  }

  /** What is cut stays cut; nothing more is. */
  stop(): void {
    this.#stopped = true;
  }

  /** A cut that was to come later. */
  on(_code: number, payload: unknown): void {
    if (!this.#stopped) this.#cut(payload as Cut);
  }

  /** Nothing passes from one to the other until then, in true time. */
  block(from: NodeId, to: NodeId, until: Micros): void {
    if (from === to) return;
    this.#world.trace.line(this.#world.scheduler.now, "block", from, to, until - this.#world.scheduler.now);
    this.#world.network.block(from, to, until);
  }

  /** After `strike`, in the same slot. */
  resetStreams(): void {
    const ids = this.#world.hosts.map(({ id }) => id);
    for (const from of ids) {
      if (!this.#world.strikes("reset", from)) continue;
      // One of its streams, or all.
      const only =
        ids[this.#world.draws.below(2 * ids.length, "faultTarget", this.#slot, salts.faultTarget.resetPeer, from)] ?? 0;
      for (const to of ids) {
        if (to === from || (only !== 0 && to !== only)) continue;
        this.#world.trace.line(this.#world.scheduler.now, "reset", from, to);
        this.#world.network.streams?.reset(from, to);
      }
    }
  }

  #cutLinks(): void {
    const ids = this.#world.hosts.map(({ id }) => id);
    if (this.#world.strikes("partition", 0)) {
      // Two sides by coin; one node alone is as likely as any other side.
      const until = this.#world.scheduler.now + this.#world.length("partition");
      const alone = this.#world.draws.below(3, "faultTarget", this.#slot, salts.faultTarget.isOneAlone) === 0;
      const lonely = ids[this.#world.draws.below(ids.length, "faultTarget", this.#slot, salts.faultTarget.alone)]!;
      const side = (id: NodeId): boolean =>
        alone ? id === lonely : this.#world.draws.below(2, "faultTarget", this.#slot, salts.faultTarget.side, id) === 0;
      for (const from of ids) for (const to of ids) if (side(from) !== side(to)) this.block(from, to, until);
    }
    for (const from of ids) {
      if (!this.#world.strikes("oneWay", from)) continue;
      const until = this.#world.scheduler.now + this.#world.length("oneWay");
      // One link, or everything that this node hears or says.
      const shape = this.#world.draws.below(3, "faultTarget", this.#slot, salts.faultTarget.oneWayShape, from);
      const other =
        ids[this.#world.draws.below(ids.length, "faultTarget", this.#slot, salts.faultTarget.oneWayPeer, from)]!;
      for (const id of ids) {
        if (id === from || (shape === 0 && id !== other)) continue;
        if (shape === 2) this.block(id, from, until);
        else this.block(from, id, until);
      }
    }
  }

  #cutInShapes(): void {
    const ids = this.#world.hosts.map(({ id }) => id);
    for (const shape of shapes) {
      if (!this.#world.strikes(shape, 0)) continue;
      const most = Math.max(spans.shapeMicrosMax, 8 * this.#world.plan.electionMicros);
      const length =
        spans.microsMin + this.#world.draws.below(most, "shape", this.#slot, familyNumbers[shape], salts.shape.length);
      const draw = (bound: number, k: number): number =>
        this.#world.draws.below(bound, "shape", this.#slot, familyNumbers[shape], k);
      for (const cut of cutsOf(shape, ids, length, draw)) {
        if (cut.after === 0) this.#cut(cut);
        else {
          const tie = this.#world.draws.u32("tie", cut.from, cut.to, cutCode, cut.after);
          this.#world.scheduler.at(this.#world.scheduler.now + cut.after, tie, this, cutCode, cut);
        }
      }
    }
  }

  #cut({ from, to, micros, isClog }: Cut): void {
    if (!isClog) return this.block(from, to, this.#world.scheduler.now + micros);
    this.#world.trace.line(this.#world.scheduler.now, "clog", from, to, micros);
    this.#world.network.clog(from, to, this.#world.scheduler.now + micros);
  }
}
