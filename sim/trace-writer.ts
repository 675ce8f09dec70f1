/** Writes what happens into the trace, a line an event. */
import type { ChangeResult } from "../core/node/options.ts";
import type { Change } from "../core/protocol/configuration.ts";
import type { Envelope } from "../core/protocol/message.ts";
import type { Index, NodeId, Term } from "../core/units.ts";
import type { Subscriber } from "./bus.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Answer, Call, Detail } from "./trace/details.ts";
import type { Recorder } from "./trace/recorder.ts";
import type { Trace } from "./trace/trace.ts";
import { changeCode, messageCode, type TraceKind } from "./trace/vocabulary.ts";
import type { Host } from "./world/host.ts";

/** The first subscriber of a run, so that a line stands before all that its event causes. */
export class TraceWriter implements Subscriber {
  readonly #trace: Trace;
  readonly #recorder: Recorder | null;
  readonly #scheduler: Scheduler;

  /** `recorder` is told of the message to which a line belongs. */
  constructor(trace: Trace, recorder: Recorder | null, scheduler: Scheduler) {
    this.#trace = trace;
    this.#recorder = recorder;
    this.#scheduler = scheduler;
  }

  #line(kind: TraceKind, node: number, a = 0, b = 0, c = 0, detail: Detail | null = null): void {
    this.#trace.line(this.#scheduler.now, kind, node, a, b, c, detail);
  }

  sent(from: NodeId, to: NodeId, envelope: Envelope): void {
    const { message } = envelope;
    this.#line("send", from, to, "term" in message ? message.term : 0, messageCode(message.kind), message);
    this.#recorder?.of(envelope);
  }

  received({ id }: Host, envelope: Envelope): void {
    const { message, from } = envelope;
    this.#line("receive", id, from, "term" in message ? message.term : 0, messageCode(message.kind), message);
    this.#recorder?.of(envelope);
  }

  roleChanged({ id }: Host, role: number, term: Term, leader: NodeId): void {
    this.#line("role", id, role, term, leader);
  }

  readIndexGranted({ id }: Host, index: Index, applied: Index): void {
    this.#line("readIndex", id, index, applied);
  }

  committed({ id }: Host, index: Index, term: Term): void {
    this.#line("commit", id, index, term);
  }

  applied({ id }: Host, index: Index, term: Term): void {
    this.#line("applied", id, index, term);
  }

  installed({ id }: Host, index: Index, term: Term): void {
    this.#line("installed", id, index, term);
  }

  logDurable({ id }: Host, index: Index): void {
    this.#line("durable", id, index);
  }

  snapshotDurable({ id }: Host, index: Index, term: Term): void {
    this.#line("snapshot", id, index, term);
  }

  ended({ id }: Host): void {
    this.#line("ended", id);
  }

  emptied({ id }: Host): void {
    this.#line("wipe", id);
  }

  asked(node: NodeId, change: Change): void {
    this.#line("change", node, changeCode(change.kind), change.id);
  }

  answered(node: NodeId, change: Change, { ok }: ChangeResult): void {
    this.#line("changed", node, changeCode(change.kind), ok ? 1 : 0);
  }

  called(client: number, k: number, node: NodeId, call: Call): void {
    this.#line("call", client, k, node, 0, call);
  }

  returned(client: number, k: number, outcome: number, answer: Answer): void {
    this.#line("return", client, k, outcome, 0, answer);
  }

  coreHealed(nodes: number): void {
    this.#line("phase", 0, 2, nodes);
  }
}
