/**
 * A reader at the moments when reads go wrong: at a leader in its first turn, and, once it has committed something, at
 * everybody else who still believes to lead. What it is told goes into the history like any client's answer.
 */
import type { Micros, NodeId, Term } from "../../core/units.ts";
import type { Subscriber } from "../bus.ts";
import { type Draws, salts } from "../draws.ts";
import { answerMustBeSo } from "../laws/answers.ts";
import { answerMustBeFresh, historyMustBeLinearizable } from "../laws/reads.ts";
import type { Plan } from "../plan/plan.ts";
import type { Scheduler, Target } from "../scheduler.ts";
import type { OpenOperation } from "../trace/recorder.ts";
import { leaderRole } from "../trace/vocabulary.ts";
import { type Host, hostEvents, type Request } from "../world/host.ts";
import type { ClientWorld } from "./client.ts";
import { keyName } from "./generator.ts";

/** Its lane in reports; each read is a process of its own, a thousand further. */
export const readerLane = 900;
/** Commits of one leadership after which others are asked. */
const commitsMax = 3;

type Asked = {
  readonly client: number;
  readonly node: NodeId;
  readonly key: string;
  readonly call: Micros;
  readonly mark: number;
  readonly committedAtCall: number;
};
type Told = {
  readonly asked: Asked;
  readonly value: string | null;
  readonly revision: number;
  readonly wrong: string | null;
};

/** One for each run. Its reads are ordinary ones; only their moments are chosen. */
export class Reader implements Target, Subscriber {
  readonly #scheduler: Scheduler;
  readonly #draws: Draws;
  readonly #plan: Plan;
  readonly #world: ClientWorld;
  #count = 0;
  #term: Term = 0;
  #commits = 0;
  /** Answers so far. */
  answers = 0;
  /** The read that is being judged: a law stops the run there. */
  open: OpenOperation | null = null;

  constructor(scheduler: Scheduler, draws: Draws, plan: Plan, world: ClientWorld) {
    this.#scheduler = scheduler;
    this.#draws = draws;
    this.#plan = plan;
    this.#world = world;
  }

  roleChanged(host: Host, role: number): void {
    if (role !== leaderRole) return;
    for (const lease of [false, true]) this.#ask(host, lease);
  }

  committed({ id: leader, node }: Host): void {
    const raft = node?.replica?.raft;
    if (raft?.leader !== leader) return;
    const { term } = raft;
    if (term < this.#term) return;
    if (term > this.#term) [this.#term, this.#commits] = [term, 0];
    if (this.#commits++ >= commitsMax) return;
    for (const host of this.#world.hosts) {
      if (host.id !== leader && host.node?.replica?.raft.role === "leader") this.#ask(host, this.#commits % 2 === 0);
    }
  }

  /** In the moment itself, in the middle of a turn: the question comes after it. */
  #ask(host: Host, lease: boolean): void {
    const k = this.#count++;
    if (this.#world.core.length > 0 || !this.#draws.always("reader", k)) return;
    const key = keyName(this.#draws.below(this.#plan.keys, "reader", k, salts.reader.key));
    const now = this.#scheduler.now;
    const asked: Asked = {
      client: readerLane + 1_000 * k,
      node: host.id,
      key,
      call: now,
      mark: this.#world.online.called(key),
      committedAtCall: this.#world.committedIndex(),
    };
    const usesLease = lease && this.#plan.leasePercent > 0;
    const request: Request = {
      run: (node) =>
        node.read(key, usesLease, (outcome) => {
          if (!outcome.ok) return;
          const { row, revision } = outcome.value;
          const wrong = this.#world.answers?.ofRead(key, row, revision) ?? null;
          const told: Told = { asked, value: row?.value ?? null, revision, wrong };
          this.#scheduler.at(this.#scheduler.now + 1, this.#draws.u32("tie", k, salts.tie.readerAnswer), this, 0, told);
        }),
      refused: () => undefined,
    };
    this.#scheduler.at(now + 1, this.#draws.u32("tie", k, salts.tie.readerRequest), host, hostEvents.request, request);
  }

  on(_code: number, payload: unknown): void {
    const { asked, value, revision, wrong } = payload as Told;
    const { client, node, key, call, mark, committedAtCall } = asked;
    this.answers += 1;
    const read = { client, key, call, return: this.#scheduler.now, outcome: "ok", op: "get", value, revision } as const;
    this.open = { operation: read, node };
    answerMustBeSo("a reader", wrong);
    answerMustBeFresh("a read", revision, committedAtCall);
    this.open = null;
    this.#world.record(read);
    historyMustBeLinearizable(this.#world.online.answered(read, mark));
  }
}
