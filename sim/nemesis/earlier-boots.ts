/**
 * Late messages of an earlier boot. A node restarts twice, the second time soon after the first: both boots begin their ids
 * again, and use the same ones. What the first of them says or is told, or some kinds of it, arrives only while the second
 * speaks: answers to questions that it has not asked, and questions of somebody who is gone.
 */
import type { Message } from "../../core/protocol/message.ts";
import type { Micros, NodeId } from "../../core/units.ts";
import { type Draws, salts } from "../draws.ts";
import type { Plan } from "../plan/plan.ts";
import type { Scheduler, Target } from "../scheduler.ts";
import type { TraceKind } from "../trace/vocabulary.ts";
import type { Host } from "../world/host.ts";
import { spanMicrosMax } from "./spans.ts";

/** What late messages ask of the nemesis. `line` writes into the trace. */
export type RestartingWorld = {
  readonly now: Micros;
  readonly line: (kind: TraceKind, node: NodeId, a?: number) => void;
  /** The process is stopped now, and starts again by itself within `most`. */
  readonly knockDown: (host: Host, most: Micros) => void;
};

/** Those that name what they ask or answer by a number of its asker's, or of its stream. */
const numbered: readonly Message["kind"][] = [
  "append-reply",
  "change",
  "change-reply",
  "forward",
  "forward-refused",
  "pre-vote-reply",
  "read",
  "read-reply",
  "snapshot-chunk",
  "snapshot-reply",
  "vote-reply",
];
const answers: readonly Message["kind"][] = numbered.filter((kind) => /-reply$|-refused$/.test(kind));

/** `slot`: in which it was begun. `until`: what is held arrives then; 0: the first restart is not over. */
type Strike = { readonly slot: number; boot: number; until: Micros };

/** One for each run. Where messages travel on streams, nothing outlives a boot. */
export class EarlierBoots implements Target {
  readonly #scheduler: Scheduler;
  readonly #draws: Draws;
  readonly #plan: Plan;
  readonly #world: RestartingWorld;
  readonly #isOver: () => boolean;
  readonly #strikes = new Map<NodeId, Strike>();

  /** `isOver`: nobody is stopped any more. */
  constructor(scheduler: Scheduler, draws: Draws, plan: Plan, world: RestartingWorld, isOver: () => boolean) {
    this.#scheduler = scheduler;
    this.#draws = draws;
    this.#plan = plan;
    this.#world = world;
    this.#isOver = isOver;
  }

  #draw(bound: number, id: NodeId, { slot }: Strike, k: number): number {
    return this.#draws.below(bound, "lateMessages", id, slot, k);
  }

  /** `host`, which runs, restarts now, and once more soon. */
  begin(host: Host, slot: number): void {
    this.#strikes.set(host.id, { slot, boot: 0, until: 0 });
    this.#world.knockDown(host, spanMicrosMax.fastRestart);
  }

  /** After the first restart everything of that boot may be late; after the second, nothing. */
  beforeStart(host: Host): void {
    const { id, boot } = host;
    const strike = this.#strikes.get(id);
    if (strike === undefined) return;
    if (strike.until > 0 || this.#isOver()) {
      this.#strikes.delete(id);
      return;
    }
    const { electionMicros } = this.#plan;
    // Until it has learned who leads, has asked, and was answered.
    const wait = this.#draw(2 * electionMicros, id, strike, 0) + electionMicros / 4;
    const more = spanMicrosMax.fastRestart + this.#draw(electionMicros, id, strike, 1);
    strike.boot = boot;
    strike.until = this.#world.now + Math.ceil(wait + more);
    this.#world.line("late", id, strike.until - this.#world.now);
    const tie = this.#draws.u32("tie", id, strike.slot, salts.tie.lateMessages);
    this.#scheduler.at(this.#world.now + Math.ceil(wait), tie, this, 0, host);
  }

  on(_code: number, payload: unknown): void {
    const host = payload as Host;
    const strike = this.#strikes.get(host.id);
    if (this.#isOver()) this.#strikes.delete(host.id);
    else if (strike?.boot === host.boot) this.#world.knockDown(host, spanMicrosMax.fastRestart);
  }

  /** Until when a message that is sent now is kept back; 0: it is not. */
  heldUntil(from: NodeId, to: NodeId, { kind }: Message): Micros {
    return Math.max(this.#heldAt(from, kind, 1), this.#heldAt(to, kind, 2));
  }

  /** `way` 1: of what `id` says; 2: of what it is told. */
  #heldAt(id: NodeId, kind: Message["kind"], way: 1 | 2): Micros {
    const strike = this.#strikes.get(id);
    if (strike === undefined || strike.until === 0) return 0;
    const ways = [1, 2, 3][this.#draw(3, id, strike, 2)]!;
    const shape = this.#draw(4, id, strike, 3);
    const one = numbered[this.#draw(numbered.length, id, strike, 4)];
    const isLate =
      shape === 0 || (shape === 1 ? answers.includes(kind) : shape === 2 ? kind === one : numbered.includes(kind));
    return isLate && (ways & way) !== 0 ? strike.until : 0;
  }
}
