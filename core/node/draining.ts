/**
 * The end of a node that is told to stop: it hands leadership over, lets what it has taken end, and then stays for a
 * moment more if it led: writes that others have forwarded to it are refused, so that none of them is lost on its way.
 */
import type { Raft } from "../raft/raft.ts";
import type { Micros } from "../units.ts";
import type { ContextOf } from "./context.ts";
import { handOver } from "./hand-over.ts";

/** One for each boot. It does nothing before the node is told to stop. */
export class Draining {
  readonly #raft: Raft;
  readonly #electionMicros: Micros;
  /** By then the others know the new leader, and have been answered. */
  readonly #lingerMicros: Micros;
  #isStopping = false;
  #ledUntil: Micros = -Infinity;

  constructor({ options }: ContextOf<never, "electionMicros" | "heartbeatMicros">, raft: Raft) {
    this.#raft = raft;
    this.#electionMicros = options.electionMicros;
    this.#lingerMicros = 2 * options.heartbeatMicros;
  }

  begin(now: Micros): void {
    this.#isStopping = true;
    handOver(now, this.#raft, this.#electionMicros);
    this.observe(now);
  }

  /** Call it every turn, before `nextDeadline`. */
  observe(now: Micros): void {
    if (this.#isStopping && this.#raft.transferee !== 0) this.#ledUntil = now;
    else if (now >= this.#ledUntil + this.#lingerMicros) this.#ledUntil = -Infinity;
  }

  /** Nothing is lost if the node ends now, once it has no requests of its own. */
  isOver(now: Micros): boolean {
    if (this.#raft.role === "leader") return this.#raft.transferee === 0;
    return now >= this.#ledUntil + this.#lingerMicros;
  }

  nextDeadline(): Micros {
    return this.#isStopping && this.#raft.role !== "leader" && this.#ledUntil > -Infinity
      ? this.#ledUntil + this.#lingerMicros
      : Infinity;
  }
}
