/**
 * The operator: adds machines and starts them, removes members, promotes, moves the leadership, at awkward moments and
 * through whichever member comes to hand. It takes a refusal as an answer, and never repairs anything.
 */
import type { ChangeResult } from "../../core/node/options.ts";
import type { Change } from "../../core/protocol/configuration.ts";
import type { Micros, NodeId } from "../../core/units.ts";
import type { Events } from "../bus.ts";
import { type Draws, salts } from "../draws.ts";
import type { Plan } from "../plan/plan.ts";
import type { Scheduler, Target } from "../scheduler.ts";
import type { Addresses } from "../world/addresses.ts";
import { type Host, hostEvents } from "../world/host.ts";
import { changeRequest } from "../change-request.ts";

const operatorEvents = { request: 1, start: 2 } as const;

/** After its deadline, by which a change request has ended on any clock. */
const graceMicros: Micros = 1_000_000;
/** Until a machine that is to be added is set up. */
const setUpMicros = { atOnce: 1_000, late: 2_000_000 } as const satisfies Record<string, Micros>;

/** What the operator needs of its run. */
export interface OperatorWorld {
  readonly hosts: readonly Host[];
  readonly addresses: Addresses;
  /** Starts a machine that has never run, or begins it empty where it was removed. */
  readonly machines: { startJoining(host: Host): void };
  readonly bus: Pick<Events, "asked" | "answered">;
}

/** One for each run. `counters` says what came of its requests. */
export class Operator implements Target {
  readonly #scheduler: Scheduler;
  readonly #draws: Draws;
  readonly #plan: Plan;
  readonly #world: OperatorWorld;
  #k = 0;
  #stopped = false;
  /** By then every change request has ended, or was lost with the process that was asked. */
  openUntil: Micros = 0;
  readonly counters = { asked: 0, done: 0, refused: 0, unknown: 0 };

  constructor(scheduler: Scheduler, draws: Draws, plan: Plan, world: OperatorWorld) {
    this.#scheduler = scheduler;
    this.#draws = draws;
    this.#plan = plan;
    this.#world = world;
    if (plan.operatorMicros > 0) this.#plant();
  }

  stop(): void {
    this.#stopped = true;
  }

  on(code: number, payload: unknown): void {
    if (this.#stopped) return;
    if (code === operatorEvents.start) return this.#world.machines.startJoining(payload as Host);
    if (this.#draws.always("changeRequest", this.#k)) this.#requestChange();
    this.#k += 1;
    this.#plant();
  }

  #plant(): void {
    const wait = 1 + this.#draws.below(2 * this.#plan.operatorMicros, "operator", this.#k, salts.operator.wait);
    this.#at(wait, operatorEvents.request, null);
  }

  #at(wait: number, code: number, payload: unknown): void {
    const tie = this.#draws.u32("tie", this.#k, code, salts.tie.operator);
    this.#scheduler.at(this.#scheduler.now + wait, tie, this, code, payload);
  }

  #requestChange(): void {
    const { hosts } = this.#world;
    const of = (salt: number): Host => hosts[this.#draws.below(hosts.length, "operator", this.#k, salt)]!;
    const change = this.#draw(of(salts.operator.target).id);
    const asked = of(salts.operator.asked);
    this.counters.asked += 1;
    this.openUntil = this.#scheduler.now + this.#plan.requestMicros + graceMicros;
    const count = (result: ChangeResult): void => {
      this.counters[result.ok ? "done" : result.definite ? "refused" : "unknown"] += 1;
    };
    const request = changeRequest(this.#world.bus, asked.id, change, count);
    this.#scheduler.at(
      this.#scheduler.now + 100,
      this.#draws.u32("tie", this.#k, salts.tie.operatorRequest),
      asked,
      hostEvents.request,
      request,
    );
    // The machine is set up without waiting for the answer, or some time later.
    const isLate = this.#draws.below(2, "operator", this.#k, salts.operator.isLate) === 1;
    if (change.kind === "add")
      this.#at(isLate ? setUpMicros.late : setUpMicros.atOnce, operatorEvents.start, hosts[change.id - 1]!);
  }

  /** Where addresses change, a machine that is down may be set up elsewhere; and now and then its URL is mistyped. */
  #urlFor(id: NodeId): string {
    const { addresses, hosts } = this.#world;
    if (this.#plan.faults.moved === 0) return addresses.urlOf(id);
    const host = hosts[id - 1]!;
    const dice = this.#draws.below(10, "operator", this.#k, salts.operator.url);
    if (dice < 5 && (host.state.kind === "unused" || host.retired)) addresses.move(id);
    return dice === 9 ? `${addresses.urlOf(id)}-mistyped` : addresses.urlOf(id);
  }

  #draw(id: NodeId): Change {
    const dice = this.#draws.below(100, "operator", this.#k, salts.operator.kind);
    if (dice < 40) {
      const autoPromote = this.#draws.below(4, "operator", this.#k, salts.operator.autoPromote) > 0;
      return { kind: "add", id, url: this.#urlFor(id), autoPromote };
    }
    if (dice < 70) return { kind: "remove", id };
    return { kind: dice < 80 ? "promote" : "transfer-leader", id };
  }
}
