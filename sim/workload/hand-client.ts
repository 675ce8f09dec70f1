/** Sends the requests that somebody makes by hand. Its answers are held against the same laws as those of all clients. */
import type { Operation } from "../../checker/online.ts";
import { always, type Command } from "../../core/kv/command.ts";
import type { Node } from "../../core/node/node.ts";
import { noSession } from "../../core/node/options.ts";
import type { Micros, NodeId } from "../../core/units.ts";
import { type Draws, salts } from "../draws.ts";
import { answerMustBeSo } from "../laws/answers.ts";
import { answerMustBeFresh, historyMustBeLinearizable } from "../laws/reads.ts";
import type { Scheduler, Target } from "../scheduler.ts";
import type { OpenOperation } from "../trace/recorder.ts";
import { hostEvents, type Request } from "../world/host.ts";
import type { ClientWorld } from "./client.ts";

type Asked = {
  readonly k: number;
  readonly op: "get" | "put" | "delete";
  readonly node: NodeId;
  readonly key: string;
  readonly value: string | null;
  readonly call: Micros;
  /** As a client's. */
  readonly committedAtCall: number;
  readonly mark: number;
};
type Answer = {
  readonly asked: Asked;
  readonly outcome: "ok" | "none" | "unknown";
  readonly value: string | null;
  readonly revision: number;
  readonly wrong: string | null;
};

/** One lane for all of its requests, of which any number may be open; in the history each is another client's. */
export class HandClient implements Target {
  readonly id: number;
  readonly #scheduler: Scheduler;
  readonly #draws: Draws;
  readonly #world: ClientWorld;
  readonly #wayMicros: Micros;
  readonly #open = new Set<Asked>();
  #asked = 0;

  /** `wayMicros`: from the client to a node, and back. */
  constructor(id: number, scheduler: Scheduler, draws: Draws, wayMicros: Micros, world: ClientWorld) {
    this.id = id;
    this.#scheduler = scheduler;
    this.#draws = draws;
    this.#wayMicros = wayMicros;
    this.#world = world;
  }

  /** Operations without an answer, or whose answer is that the outcome is unknown. */
  get open(): OpenOperation[] {
    return [...this.#open].map((asked) => ({
      operation: this.#operation(asked, "unknown", null, null),
      node: asked.node,
    }));
  }

  ask(node: NodeId, op: Asked["op"], key: string, value: string | null): void {
    const k = this.#asked++;
    const { bus, online, hosts } = this.#world;
    const call = this.#scheduler.now;
    const committedAtCall = this.#world.committedIndex();
    const asked: Asked = { k, op, node, key, value, call, committedAtCall, mark: online.called(key) };
    this.#open.add(asked);
    bus.called(this.id, k, node, { kind: "call", op, key, value, expected: null });
    const request: Request = {
      run: (to) => this.#run(to, asked),
      refused: () => this.#reply({ asked, outcome: "none", value: null, revision: 0, wrong: null }),
    };
    const tie = this.#draws.u32("tie", this.id, k, salts.tie.request);
    this.#scheduler.at(call + this.#wayMicros, tie, hosts[node - 1]!, hostEvents.request, request);
  }

  #run(to: Node, asked: Asked): void {
    const { op, key, value } = asked;
    const { answers } = this.#world;
    const failed = (definite: boolean): void =>
      this.#reply({ asked, outcome: definite ? "none" : "unknown", value: null, revision: 0, wrong: null });
    if (op === "get")
      return to.read(key, false, (outcome) => {
        if (!outcome.ok) return failed(outcome.definite);
        const { row, revision } = outcome.value;
        const wrong = answers?.ofRead(key, row, revision) ?? null;
        this.#reply({ asked, outcome: "ok", value: row?.value ?? null, revision, wrong });
      });
    const command: Command =
      op === "put" ? { op, key, value: value!, condition: always } : { op, key, condition: always };
    to.write(command, noSession, (outcome) => {
      if (!outcome.ok) return failed(outcome.definite);
      const wrong = answers?.ofWrite(command, noSession, outcome.value) ?? null;
      const revision = outcome.value.code === "done" ? outcome.value.revision : 0;
      this.#reply({ asked, outcome: "ok", value, revision, wrong });
    });
  }

  #reply(answer: Answer): void {
    const tie = this.#draws.u32("tie", this.id, answer.asked.k, salts.tie.answer);
    this.#scheduler.at(this.#scheduler.now + this.#wayMicros, tie, this, 0, answer);
  }

  on(_code: number, payload: unknown): void {
    const { asked, outcome, value, revision, wrong } = payload as Answer;
    answerMustBeSo(`client ${this.id}`, wrong);
    if (outcome === "ok") answerMustBeFresh(`client ${this.id}'s ${asked.op}`, revision, asked.committedAtCall);
    this.#open.delete(asked);
    const operation = this.#operation(asked, outcome, value, outcome === "ok" ? revision : null);
    this.#world.record(operation);
    historyMustBeLinearizable(this.#world.online.answered(operation, asked.mark));
    const code = outcome === "ok" ? 0 : outcome === "none" ? 1 : 2;
    this.#world.bus.returned(this.id, asked.k, code, { kind: "answer", op: asked.op, outcome, value, revision });
  }

  /** Another name for each: one client has one operation under way. */
  #operation(
    { k, op, key, value, call }: Asked,
    outcome: Answer["outcome"],
    told: string | null,
    revision: number | null,
  ): Operation {
    const client = this.id + 1_000 * (k + 1);
    const end = outcome === "unknown" ? null : this.#scheduler.now;
    const timed = { client, key, call, return: end, outcome };
    const all = revision === null ? timed : { ...timed, revision };
    if (op === "put") return { ...all, op, value: value! };
    return op === "get" ? { ...all, op, value: told } : { ...all, op, value: null };
  }
}
