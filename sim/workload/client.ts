/**
 * A client: one operation at a time, at its planned times, to a member of its choice; it gives up waiting after its own
 * patience, and may be cut off from a member. A put writes a value that nobody else ever writes. With a session it asks
 * again, elsewhere, under the same sequence, and reports the operation as one. What it saw goes into the history; a get
 * whose outcome is unknown says nothing, a write stays open.
 */
import type { OnlineChecker, Operation } from "../../checker/online.ts";
import { type Command, type Condition, always } from "../../core/kv/command.ts";
import type { Node } from "../../core/node/node.ts";
import { noSession, type SessionKey } from "../../core/node/options.ts";
import type { Micros, NodeId } from "../../core/units.ts";
import type { Events } from "../bus.ts";
import { type Draws, salts } from "../draws.ts";
import { answerMustBeSo } from "../laws/answers.ts";
import { answerMustBeFresh, historyMustBeLinearizable } from "../laws/reads.ts";
import type { Plan } from "../plan/plan.ts";
import type { Answers } from "../safety/answers.ts";
import type { Scheduler, Target } from "../scheduler.ts";
import type { OpenOperation } from "../trace/recorder.ts";
import { type Host, hostEvents, type Request } from "../world/host.ts";
import { drawClash, drawKey, drawOperation, drawValueBytes, valueOf } from "./generator.ts";

const clientEvents = { begin: 1, answer: 2, patience: 3, again: 4 } as const;
/** Before it asks again, where it was refused. */
const retryMicros: Micros = 20_000;
/** In a healed core it waits so much longer than a request may take. */
const graceMicros: Micros = 1_000_000;
/** Tries of one operation under one sequence. */
const triesMax = 4;

/** What clients need of the run around them. */
export interface ClientWorld {
  readonly hosts: readonly Host[];
  /** Of the healed core of the liveness phase, in which nothing is left out; empty before. */
  readonly core: readonly NodeId[];
  /** Members that clients talk to now. */
  targets(): readonly NodeId[];
  /** Whether the client is cut off from the member now. */
  cutOff(client: number, node: NodeId): boolean;
  /** The highest index any node knows to be committed. */
  committedIndex(): number;
  record(operation: Operation): void;
  /** What the committed prefix says of answers; null: nobody asks. */
  readonly answers: Answers | null;
  /** Looks at each answer as it comes. */
  readonly online: OnlineChecker;
  readonly bus: Pick<Events, "called" | "returned">;
}

type Seen = { readonly value: string | null; readonly revision: number };
/** How one try ended: with an answer, certainly not at all, or nobody knows. */
type Answer = {
  readonly k: number;
  readonly attempt: number;
  readonly kind: "answer" | "none" | "unknown";
  readonly seen: Seen;
  readonly mismatch: boolean;
  /** What the committed prefix says against it. */
  readonly wrong: string | null;
};
type Current = {
  readonly k: number;
  readonly op: "get" | "put" | "delete" | "cas" | "open-session";
  readonly key: string;
  readonly value: string | null;
  /** What a cas expects. */
  readonly expected: Seen;
  readonly call: Micros;
  readonly session: SessionKey;
  /** I16: the state that answers must have seen everything committed before the call. */
  readonly committedAtCall: number;
  /** What `online` said at the call. */
  readonly mark: number;
  attempt: number;
  /** The node that it has asked last. */
  node: NodeId;
  /** Its answer, while that is judged. */
  told: Seen | null;
  /** Some earlier try may have happened. */
  mayHaveHappened: boolean;
};

/** One client of a run, with one operation under way at a time. */
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
  /** The session it has, 0: none; and the last sequence in it, where there is none yet that of the plan's origin. */
  #session = 0;
  #sequence: number;
  /** What it last saw of each key. */
  readonly #known = new Map<string, Seen>();
  /** Operations that ended well, by kind of ending. */
  readonly counters = { ok: 0, mismatch: 0, refused: 0, unknown: 0, again: 0 };

  constructor(id: number, scheduler: Scheduler, draws: Draws, plan: Plan, world: ClientWorld) {
    this.id = id;
    this.#scheduler = scheduler;
    this.#draws = draws;
    this.#plan = plan;
    this.#world = world;
    this.#process = id;
    this.#sequence = plan.origin.sequence;
    this.#plant(scheduler.now);
  }

  get idle(): boolean {
    return this.#current === null;
  }

  /** The operation that is under way; where a law has stopped the run at its answer, with that. */
  get open(): OpenOperation | null {
    if (this.#current === null || this.#current.op === "open-session") return null;
    const { op, key, call, value, expected, told, node } = this.#current;
    const timed =
      told === null
        ? ({ client: this.#process, key, call, return: null, outcome: "unknown" } as const)
        : ({ client: this.#process, key, call, return: this.#scheduler.now, outcome: "ok", ...told } as const);
    if (op === "cas") return { operation: { ...timed, op, value: [expected.value, value!] }, node };
    if (op === "put") return { operation: { ...timed, op, value: value! }, node };
    if (op === "get") return { operation: { ...timed, op, value: told?.value ?? null }, node };
    return { operation: { ...timed, op, value: null }, node };
  }

  /** Begins nothing more. */
  stop(): void {
    this.#stopped = true;
  }

  on(code: number, payload: unknown): void {
    if (code === clientEvents.begin) {
      if (this.#world.core.length > 0 || this.#draws.always("operation", this.id, this.#k)) return this.#begin();
      // Left out by a tape.
      this.#k += 1;
      return this.#stopped ? undefined : this.#plant(this.#scheduler.now);
    }
    if (code === clientEvents.answer) return this.#answer(payload as Answer);
    if (this.#current === null || this.#current.k !== payload) return;
    if (code === clientEvents.patience) this.#end("unknown", nothing);
    else this.#try(this.#current);
  }

  #plant(from: Micros): void {
    const wait =
      1 + this.#draws.below(2 * this.#plan.thinkMicros, "clientOp", this.id, this.#k, salts.clientOp.thinkTime);
    this.#at(from + wait, clientEvents.begin, null);
  }

  #at(time: Micros, code: number, payload: unknown): void {
    this.#scheduler.at(time, this.#draws.u32("tie", this.id, this.#k, code, salts.tie.client), this, code, payload);
  }

  #begin(): void {
    if (this.#stopped) return;
    const k = this.#k;
    const call = this.#scheduler.now;
    const key = drawKey(this.#draws, this.id, k, this.#plan.keys);
    const op = this.#drawOp(k, key);
    const isWrite = op === "put" || op === "delete" || op === "cas";
    const value = op === "put" || op === "cas" ? this.#valueOf(k, key) : null;
    const session = isWrite ? this.#sessionKey(k, value !== null) : noSession;
    this.#current = {
      k,
      op,
      key,
      value,
      expected: this.#known.get(key) ?? nothing,
      call,
      session,
      committedAtCall: this.#world.committedIndex(),
      mark: this.#world.online.called(key),
      attempt: 0,
      node: 0,
      told: null,
      mayHaveHappened: false,
    };
    this.#at(call + this.#patienceMicros(), clientEvents.patience, k);
    this.#try(this.#current);
  }

  #valueOf(k: number, key: string): string {
    return valueOf(this.id, k).padEnd(drawValueBytes(this.#draws, this.id, k, key, this.#plan), "x");
  }

  /** A healed core is not asked for more than it can do: there a client waits until its request has ended. */
  #patienceMicros(): Micros {
    const { patienceMicros, requestMicros } = this.#plan;
    return this.#world.core.length > 0 ? Math.max(patienceMicros, requestMicros + graceMicros) : patienceMicros;
  }

  /** Now and then the last sequence once more, for another command: it must be refused, unless the first never ran. */
  #sessionKey(k: number, isUnique: boolean): SessionKey {
    if (this.#session === 0) return noSession;
    const isClash = isUnique && this.#sequence > this.#plan.origin.sequence && drawClash(this.#draws, this.id, k);
    if (!isClash) this.#sequence += 1;
    return { session: this.#session, sequence: this.#sequence };
  }

  #drawOp(k: number, key: string): Current["op"] {
    const { sessions, sessionUses, origin } = this.#plan;
    const isUsed = sessionUses > 0 && this.#sequence - origin.sequence >= sessionUses;
    if (sessions && (this.#session === 0 || isUsed)) return "open-session";
    return drawOperation(this.#draws, this.id, k, this.#plan.casPercent, this.#known.has(key));
  }

  #try(current: Current): void {
    const { k, attempt } = current;
    const targets = this.#world.targets();
    const node = targets[this.#draws.below(targets.length, "clientTarget", this.id, k, attempt)]!;
    current.node = node;
    const { op, key, value, expected } = current;
    this.#world.bus.called(this.id, k, node, { kind: "call", op, key, value, expected: expected.value });
    if (this.#world.cutOff(this.id, node)) return this.#later(current);
    const request: Request = {
      run: (to) => this.#ask(to, node, current, attempt),
      refused: () => this.#reply(node, { k, attempt, kind: "none", seen: nothing, mismatch: false, wrong: null }),
    };
    const host = this.#world.hosts[node - 1]!;
    const tie = this.#draws.u32("tie", this.id, k, salts.tie.request, attempt);
    this.#scheduler.at(this.#scheduler.now + this.#latency(k, 2 * attempt), tie, host, hostEvents.request, request);
    this.#later(current);
  }

  /** With a session, an answer that does not come is asked for again, once. */
  #later(current: Current): void {
    if (current.session.session === 0 || current.attempt > 0) return;
    current.attempt = 1;
    current.mayHaveHappened = true;
    this.counters.again += 1;
    this.#at(this.#scheduler.now + Math.ceil(this.#plan.patienceMicros / 3), clientEvents.again, current.k);
  }

  #latency(k: number, way: number): Micros {
    return 50 + this.#draws.below(this.#plan.latencyMicros, "clientLatency", this.id, k, way);
  }

  #ask(to: Node, node: NodeId, { k, op, key, value, expected, session }: Current, attempt: number): void {
    const end = (kind: Answer["kind"], seen: Seen, mismatch: boolean, wrong: string | null = null): void => {
      this.#reply(node, { k, attempt, kind, seen, mismatch, wrong });
    };
    const { answers } = this.#world;
    if (op === "get") {
      const lease = this.#draws.below(100, "clientOp", this.id, k, salts.clientOp.isLease) < this.#plan.leasePercent;
      to.read(key, lease, (outcome) => {
        if (!outcome.ok) return end(outcome.definite ? "none" : "unknown", nothing, false);
        const { row, revision } = outcome.value;
        end("answer", { value: row?.value ?? null, revision }, false, answers?.ofRead(key, row, revision));
      });
      return;
    }
    const command = commandOf(op, key, value, expected);
    to.write(command, session, (outcome) => {
      if (!outcome.ok) return end(outcome.definite ? "none" : "unknown", nothing, false);
      const applied = outcome.value;
      const wrong = answers?.ofWrite(command, session, applied);
      if (applied.code === "done") end("answer", { value, revision: applied.revision }, false, wrong);
      else if (applied.code === "mismatch") end("answer", { value: null, revision: applied.revision }, true, wrong);
      else {
        if (applied.code !== "other-command") this.#session = 0;
        end("none", nothing, false, wrong);
      }
    });
  }

  #reply(node: NodeId, answer: Answer): void {
    if (this.#world.cutOff(this.id, node)) return;
    const time = this.#scheduler.now + this.#latency(answer.k, 2 * answer.attempt + 1);
    this.#at(time, clientEvents.answer, answer);
  }

  #answer({ k, kind, seen, mismatch, wrong }: Answer): void {
    const current = this.#current;
    if (current?.k === k && kind === "answer") current.told = seen;
    answerMustBeSo(`client ${this.id}`, wrong);
    if (current?.k !== k) return;
    if (kind !== "answer") {
      if (kind === "unknown") current.mayHaveHappened = true;
      const { session, sequence } = current.session;
      const isLive = session !== 0 && session === this.#session && sequence > 0;
      if (isLive && current.attempt < triesMax) {
        current.attempt += 1;
        this.counters.again += 1;
        return this.#at(this.#scheduler.now + retryMicros, clientEvents.again, k);
      }
      return this.#end(current.mayHaveHappened ? "unknown" : "none", nothing);
    }
    const { op, committedAtCall, session } = current;
    // A retry is answered with the revision of the first run.
    if (session.session === 0) answerMustBeFresh(`client ${this.id}'s ${op}`, seen.revision, committedAtCall);
    this.#end(mismatch ? "mismatch" : "ok", seen);
  }

  #end(outcome: "ok" | "mismatch" | "none" | "unknown", seen: Seen): void {
    const { k, op, key, value: written, call, expected } = this.#current!;
    const client = this.#process;
    const timed = { client, key, call, return: outcome === "unknown" ? null : this.#scheduler.now, outcome };
    const told = outcome === "ok" || outcome === "mismatch" ? { ...timed, revision: seen.revision } : timed;
    if (op === "get") this.#record({ ...told, op, value: seen.value });
    else if (op === "put") this.#record({ ...told, op, value: written! });
    else if (op === "delete") this.#record({ ...told, op, value: null });
    else if (op === "cas") this.#record({ ...told, op, value: [expected.value, written!] });
    else if (outcome === "ok") {
      this.#session = seen.revision;
      this.#sequence = this.#plan.origin.sequence;
    }
    if (outcome === "ok" && op !== "open-session") this.#learn(op, key, seen);
    if (outcome === "mismatch") this.#known.delete(key);
    if (outcome === "unknown") this.#process += 1_000;
    this.counters[outcome === "none" ? "refused" : outcome] += 1;
    const answer = { kind: "answer", op, outcome, ...seen } as const;
    this.#world.bus.returned(this.id, k, outcome === "ok" ? 0 : outcome === "none" ? 1 : 2, answer);
    this.#current = null;
    this.#k += 1;
    if (!this.#stopped) this.#plant(this.#scheduler.now);
  }

  #record(operation: Operation): void {
    this.#world.record(operation);
    historyMustBeLinearizable(this.#world.online.answered(operation, this.#current!.mark));
  }

  /** A get tells the store's revision, not the key's: only own writes, and absence, give something to compare with. */
  #learn(op: "get" | "put" | "delete" | "cas", key: string, seen: Seen): void {
    if (op === "put" || op === "cas") this.#known.set(key, seen);
    else if (op === "delete" || seen.value === null) this.#known.set(key, nothing);
  }
}

const nothing: Seen = { value: null, revision: 0 };

function commandOf(op: Exclude<Current["op"], "get">, key: string, value: string | null, expected: Seen): Command {
  if (op === "open-session") return { op };
  if (op === "delete") return { op, key, condition: always };
  const condition: Condition =
    op !== "cas"
      ? always
      : expected.value === null
        ? { kind: "absent" }
        : { kind: "revision", revision: expected.revision };
  return { op: "put", key, value: value!, condition };
}
