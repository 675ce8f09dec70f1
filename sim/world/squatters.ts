/** Strangers that listen at addresses that machines have left: they tell every dialler that they are its peer. */
import { Inbound, type Outbound } from "../../core/protocol/connection.ts";
import type { Handshake } from "../../core/protocol/frame.ts";
import type { Index, Micros, NodeId } from "../../core/units.ts";
import { type Draws, salts } from "../draws.ts";
import type { Plan } from "../plan/plan.ts";
import type { Scheduler, Target } from "../scheduler.ts";
import { type Addresses, strangeUrl } from "./addresses.ts";
import type { Stream } from "./stream.ts";

/** No cluster of a run comes so far from where it begins by itself. */
export const strangeDistance = 1_000_000;
/** A directory that no machine has. */
export const strangeStore = "5".repeat(32);

/** How long a dialler speaks to a listener that may be a stranger, where the peer has other addresses. */
const unsureMicros: Micros = 1_000_000;

type World = {
  readonly scheduler: Scheduler;
  readonly draws: Draws;
  readonly plan: Plan;
  readonly addresses: Addresses;
};

/** The machines that dial. */
type Diallers = {
  /** Whether the node on machine `id` doubts that `theirs` is the member that it says. */
  isDoubtful(id: NodeId, theirs: Handshake): boolean;
  /** Ends the connection: the next address is dialled. */
  leave(stream: Stream): void;
};

/** `stream` has come, in that generation, to a stranger, who says of itself that it is `theirs`. */
type Doubt = { readonly stream: Stream; readonly generation: number; readonly theirs: Handshake };

/** One for each run. What is sent to one of them is lost, and after its handshake it says nothing. */
export class Squatters implements Target {
  readonly #world: World;
  readonly #diallers: Diallers;

  constructor(world: World, diallers: Diallers) {
    this.#world = world;
    this.#diallers = diallers;
  }

  /** Whether one of them listens at `url`. */
  isAt(url: string): boolean {
    return this.#kindOf(url) > 0;
  }

  /** The stream's machine, with handshake `ours`, has dialled a squatter at `url`; returns the squatter's answer. */
  greet(stream: Stream, url: string, ours: Handshake): Uint8Array {
    const theirs = this.#handshake(url, stream.to, ours);
    this.#doubtLater({ stream, generation: stream.generation, theirs });
    return answerOf(theirs, stream.outbound!);
  }

  on(_code: number, payload: unknown): void {
    const doubt = payload as Doubt;
    const { stream, generation, theirs } = doubt;
    if (generation !== stream.generation) return;
    // As server/peer-link.ts does.
    const isKnown = theirs.takesPart && !this.#diallers.isDoubtful(stream.from, theirs);
    if (isKnown || stream.urls.length === 1) this.#doubtLater(doubt);
    else this.#diallers.leave(stream);
  }

  #doubtLater(doubt: Doubt): void {
    const { scheduler, draws } = this.#world;
    const order = draws.u32("tie", doubt.stream.link, doubt.generation, salts.tie.squatter);
    scheduler.at(scheduler.now + unsureMicros, order, this, 0, doubt);
  }

  #handshake(url: string, to: NodeId, ours: Handshake): Handshake {
    const kind = this.#kindOf(url);
    const isMember = ours.takesPart && kind > 1;
    // The cluster's id it has just been told; the member's incarnation it can only guess.
    const incarnation: Index = kind === 2 ? this.#world.plan.origin.index + strangeDistance : 0;
    return {
      ...ours,
      cluster: isMember ? ours.cluster : "",
      node: to,
      incarnation,
      boot: 1_000,
      nonce: 1,
      takesPart: isMember,
      storeId: strangeStore,
      to: ours.node,
      url: strangeUrl,
    };
  }

  /** 0: nobody is there. 1: it takes no part. More: it says that it is a member. */
  #kindOf(url: string): number {
    const { addresses, plan, draws } = this.#world;
    const left = addresses.leavingOf(url);
    return left === 0 || plan.faults.stranger === 0 ? 0 : draws.below(4, "squatter", left);
  }
}

function answerOf(theirs: Handshake, outbound: Outbound): Uint8Array {
  const kind = theirs.takesPart ? "member" : "guest";
  const inbound = new Inbound({ checkHandshake: () => ({ kind, ours: theirs }), receive: () => undefined });
  inbound.receive(outbound.take()!);
  return inbound.takeReply()!;
}
