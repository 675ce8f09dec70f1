/**
 * A client: one operation at a time, at its planned times, to a member of its choice; it gives up waiting after its own
 * patience, and may be cut off from a member. A put writes a value that nobody else ever writes. What it saw goes into
 * the history; a get whose outcome is unknown says nothing, a write stays open.
 */
import type { Operation } from "../../checker/index.ts";
import type { Command } from "../../core/kv/command.ts";
import type { Node } from "../../core/node/node.ts";
import type { Failure } from "../../core/node/options.ts";
import type { Micros, NodeId } from "../../core/units.ts";
import type { Draws } from "../draws.ts";
import type { Plan } from "../nemesis/options.ts";
import type { Scheduler, Target } from "../scheduler.ts";
import { must } from "../violation.ts";
import { type Host, hostEvents, type Request } from "../world/host.ts";

const clientEvents = { begin: 1, answer: 2, patience: 3 } as const;

/** What clients need of the run around them. */
export interface ClientWorld {
  readonly hosts: readonly Host[];
  /** Members that clients talk to now. */
  targets(): readonly NodeId[];
  /** Whether the client is cut off from the member now. */
  cutOff(client: number, node: NodeId): boolean;
  /** The highest index any node knows to be committed. */
  committedIndex(): number;
  record(operation: Operation): void;
  called(client: number, k: number, node: NodeId): void;
  returned(client: number, k: number, outcome: number): void;
}

type Answer = {
  readonly k: number;
  readonly ok: boolean;
  readonly value: string | null;
  readonly revision: number;
  readonly failure: Failure | null;
};
type Current = {
  readonly k: number;
  readonly op: "get" | "put" | "delete";
  readonly key: string;
  readonly value: string | null;
  readonly call: Micros;
  readonly node: NodeId;
  /** I16: the state that answers must have seen everything committed before the call. */
  readonly committedAtCall: number;
};

export class Client implements Target {
  readonly id: number;
  readonly #scheduler: Scheduler;
  readonly #draws: Draws;
  readonly #plan: Plan;
  readonly #world: ClientWorld;
  #k = 0;
  /** The number it goes by in the history: a new one after each operation that stays open. */
  #process: number;
  #current: Current | null = null;
  #stopped = false;
  /** Operations that ended well, by kind of ending. */
  readonly counters = { ok: 0, refused: 0, unknown: 0 };

  constructor(id: number, scheduler: Scheduler, draws: Draws, plan: Plan, world: ClientWorld) {
    this.id = id;
    this.#scheduler = scheduler;
    this.#draws = draws;
    this.#plan = plan;
    this.#world = world;
    this.#process = id;
    this.#plant(scheduler.now);
  }

  get idle(): boolean {
    return this.#current === null;
  }

  stop(): void {
    this.#stopped = true;
  }

  on(code: number, payload: unknown): void {
    if (code === clientEvents.begin) this.#begin();
    else if (code === clientEvents.answer) this.#answer(payload as Answer);
    else if (this.#current?.k === payload) this.#end("unknown", null, 0);
  }

  #plant(from: Micros): void {
    const wait = 1 + this.#draws.below(2 * this.#plan.thinkMicros, "clientOp", this.id, this.#k, 0);
    this.#at(from + wait, clientEvents.begin, null);
  }

  #at(time: Micros, code: number, payload: unknown): void {
    this.#scheduler.at(time, this.#draws.u32("tie", this.id, this.#k, code, 77), this, code, payload);
  }

  #begin(): void {
    if (this.#stopped) return;
    const k = this.#k;
    const dice = this.#draws.below(100, "clientOp", this.id, k, 1);
    const op = dice < 45 ? "put" : dice < 55 ? "delete" : "get";
    const key = `k${this.#draws.below(this.#plan.keys, "clientOp", this.id, k, 2)}`;
    const targets = this.#world.targets();
    const node = targets[this.#draws.below(targets.length, "clientTarget", this.id, k)]!;
    const value = op === "put" ? `c${this.id}.${k}.${"x".repeat(this.#plan.valueBytes)}` : null;
    const call = this.#scheduler.now;
    const current = { k, op, key, value, call, node, committedAtCall: this.#world.committedIndex() } as const;
    this.#current = current;
    this.#world.called(this.id, k, node);
    this.#at(call + this.#plan.patienceMicros, clientEvents.patience, k);
    if (this.#world.cutOff(this.id, node)) return;
    const request: Request = {
      run: (to) => this.#ask(to, current),
      refused: () => this.#reply(node, { k, ok: false, value: null, revision: 0, failure: refused }),
    };
    const host = this.#world.hosts[node - 1]!;
    const tie = this.#draws.u32("tie", this.id, k, 5);
    this.#scheduler.at(call + this.#latency(k, 0), tie, host, hostEvents.request, request);
  }

  #latency(k: number, way: number): Micros {
    return 50 + this.#draws.below(this.#plan.latencyMicros, "clientLatency", this.id, k, way);
  }

  #ask(to: Node, { k, op, key, value, node }: Current): void {
    if (op === "get") {
      to.read(key, (outcome) => {
        const failure = outcome.ok ? null : outcome;
        this.#reply(node, {
          k,
          ok: outcome.ok,
          value: outcome.ok ? (outcome.row?.value ?? null) : null,
          revision: outcome.ok ? outcome.revision : 0,
          failure,
        });
      });
      return;
    }
    const command: Command = op === "put" ? { op, key, value: value! } : { op: "delete", key };
    to.write(command, (outcome) => {
      this.#reply(node, {
        k,
        ok: outcome.ok,
        value,
        revision: outcome.ok ? outcome.revision : 0,
        failure: outcome.ok ? null : outcome,
      });
    });
  }

  #reply(node: NodeId, answer: Answer): void {
    if (this.#world.cutOff(this.id, node)) return;
    this.#at(this.#scheduler.now + this.#latency(answer.k, 1), clientEvents.answer, answer);
  }

  #answer({ k, ok, value, revision, failure }: Answer): void {
    if (this.#current?.k !== k) return;
    if (!ok) return this.#end(failure?.definite === true ? "none" : "unknown", null, 0);
    const { op, committedAtCall } = this.#current;
    must(revision >= committedAtCall, "I16", () => {
      return `client ${this.id}'s ${op} is answered at revision ${revision}, but ${committedAtCall} was committed when it was called`;
    });
    this.#end("ok", value, revision);
  }

  #end(outcome: "ok" | "none" | "unknown", value: string | null, revision: number): void {
    const { k, op, key, value: written, call } = this.#current!;
    const timed = {
      client: this.#process,
      key,
      call,
      return: outcome === "unknown" ? null : this.#scheduler.now,
      outcome,
    };
    const seen = outcome === "ok" ? { ...timed, revision } : timed;
    if (op === "get") this.#world.record({ ...seen, op, value });
    else if (op === "put") this.#world.record({ ...seen, op, value: written! });
    else this.#world.record({ ...seen, op, value: null });
    if (outcome === "unknown") this.#process += 1_000;
    this.counters[outcome === "none" ? "refused" : outcome] += 1;
    this.#world.returned(this.id, k, outcome === "ok" ? 0 : outcome === "none" ? 1 : 2);
    this.#current = null;
    this.#k += 1;
    if (!this.#stopped) this.#plant(this.#scheduler.now);
  }
}

const refused: Failure = { ok: false, code: "no-leader", definite: true };
