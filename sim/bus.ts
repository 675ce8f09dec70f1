/**
 * What happens in the world of one run, as typed events, and who is told of it. Subscribers are told one after the other, in
 * the order in which they subscribed, which simulator.ts fixes: their lines in the trace are part of its hash. An event that a
 * subscriber causes is told in full before the next subscriber hears of the first one.
 */
import type { ChangeResult, Ending } from "../core/node/options.ts";
import type { Fact } from "../core/ports.ts";
import type { Change } from "../core/protocol/configuration.ts";
import type { Envelope } from "../core/protocol/message.ts";
import type { Index, NodeId, Term } from "../core/units.ts";
import type { CoverageMark } from "./plan/families.ts";
import type { Answer, Call } from "./trace/details.ts";
import type { HostObserver } from "./world/host-observer.ts";
import type { Host } from "./world/host.ts";
import type { Page } from "./world/ordered-kv.ts";

/** Those of hosts and their devices are told inside the host's turn, but `turnEnded`, which closes it. */
export interface Events extends HostObserver<Host> {
  /** `host` has another role (its place in the trace's `roleNames`), term or leader (0: none). */
  roleChanged(host: Host, role: number, term: Term, leader: NodeId): void;
  /** `host` takes part, with what its disk has given back. */
  recovered(host: Host): void;
  readIndexGranted(host: Host, index: Index, applied: Index): void;
  committed(host: Host, index: Index, term: Term): void;
  /** `digest`: of the state at `index`. */
  applied(host: Host, index: Index, term: Term, digest: number): void;
  installed(host: Host, index: Index, term: Term, digest: number): void;
  /** By the ghost: the log of `host` is durable up to `index`. */
  logDurable(host: Host, index: Index): void;
  /** By the ghost: a snapshot is, whose name was just made durable. */
  snapshotDurable(host: Host, index: Index, term: Term): void;
  /** The process of `host` has been told to stop. */
  stopping(host: Host): void;
  /** A fault strikes node `id`; 0 where it strikes nobody alone. */
  struck(what: CoverageMark, id: NodeId): void;
  /** The machine, on which no process runs, is replaced by an empty one. */
  emptied(host: Host): void;
  /** An operator asks `node`; and is answered. `change` is this request's own. */
  asked(node: NodeId, change: Change): void;
  answered(node: NodeId, change: Change, result: ChangeResult): void;
  /** The `k`-th operation of a client: a try at `node`, and its outcome, by its place in the trace's `outcomeNames`. */
  called(client: number, k: number, node: NodeId, call: Call): void;
  returned(client: number, k: number, outcome: number, answer: Answer): void;
  /** The liveness phase begins, with a core of so many nodes. */
  coreHealed(nodes: number): void;
}

/** Is told of the events for which it has a method. */
export type Subscriber = Partial<Events>;

/** One for each run. It keeps no event: a late subscriber has missed what was before. */
export class Bus implements Events {
  readonly #subscribers: Subscriber[] = [];

  /** Told of everything from now on, after all who subscribed before. */
  subscribe(subscriber: Subscriber): void {
    this.#subscribers.push(subscriber);
  }

  sent(from: NodeId, to: NodeId, envelope: Envelope): void {
    for (const one of this.#subscribers) one.sent?.(from, to, envelope);
  }

  received(host: Host, envelope: Envelope): void {
    for (const one of this.#subscribers) one.received?.(host, envelope);
  }

  /** Told as it is, and then by its kind. */
  fact(host: Host, fact: Fact, a: number, b: number, c: number): void {
    for (const one of this.#subscribers) one.fact?.(host, fact, a, b, c);
    switch (fact) {
      case "role":
        return this.roleChanged(host, a, b, c);
      case "recovered":
        return this.recovered(host);
      case "read-index":
        return this.readIndexGranted(host, a, b);
      case "commit":
        return this.committed(host, a, b);
      case "applied":
        return this.applied(host, a, b, c);
      case "installed":
        return this.installed(host, a, b, c);
      default:
        return fact satisfies never;
    }
  }

  roleChanged(host: Host, role: number, term: Term, leader: NodeId): void {
    for (const one of this.#subscribers) one.roleChanged?.(host, role, term, leader);
  }

  recovered(host: Host): void {
    for (const one of this.#subscribers) one.recovered?.(host);
  }

  readIndexGranted(host: Host, index: Index, applied: Index): void {
    for (const one of this.#subscribers) one.readIndexGranted?.(host, index, applied);
  }

  committed(host: Host, index: Index, term: Term): void {
    for (const one of this.#subscribers) one.committed?.(host, index, term);
  }

  applied(host: Host, index: Index, term: Term, digest: number): void {
    for (const one of this.#subscribers) one.applied?.(host, index, term, digest);
  }

  installed(host: Host, index: Index, term: Term, digest: number): void {
    for (const one of this.#subscribers) one.installed?.(host, index, term, digest);
  }

  wrote(host: Host, file: string, offset: number, bytes: Uint8Array, seq: number): void {
    for (const one of this.#subscribers) one.wrote?.(host, file, offset, bytes, seq);
  }

  synced(host: Host, file: string, throughSeq: number): void {
    for (const one of this.#subscribers) one.synced?.(host, file, throughSeq);
  }

  removed(host: Host, file: string): void {
    for (const one of this.#subscribers) one.removed?.(host, file);
  }

  truncated(host: Host, file: string, bytes: number): void {
    for (const one of this.#subscribers) one.truncated?.(host, file, bytes);
  }

  snapshotRemoved(host: Host): void {
    for (const one of this.#subscribers) one.snapshotRemoved?.(host);
  }

  snapshotsSynced(host: Host, media: ReadonlyMap<string, Uint8Array>): void {
    for (const one of this.#subscribers) one.snapshotsSynced?.(host, media);
  }

  rowsSynced(host: Host): void {
    for (const one of this.#subscribers) one.rowsSynced?.(host);
  }

  pageRead(host: Host, page: Page): void {
    for (const one of this.#subscribers) one.pageRead?.(host, page);
  }

  lieTold(id: NodeId, file: string): void {
    for (const one of this.#subscribers) one.lieTold?.(id, file);
  }

  logDurable(host: Host, index: Index): void {
    for (const one of this.#subscribers) one.logDurable?.(host, index);
  }

  snapshotDurable(host: Host, index: Index, term: Term): void {
    for (const one of this.#subscribers) one.snapshotDurable?.(host, index, term);
  }

  turnEnded(host: Host): void {
    for (const one of this.#subscribers) one.turnEnded?.(host);
  }

  starting(host: Host): void {
    for (const one of this.#subscribers) one.starting?.(host);
  }

  stopping(host: Host): void {
    for (const one of this.#subscribers) one.stopping?.(host);
  }

  ended(host: Host, ending: Ending): void {
    for (const one of this.#subscribers) one.ended?.(host, ending);
  }

  emptied(host: Host): void {
    for (const one of this.#subscribers) one.emptied?.(host);
  }

  struck(what: CoverageMark, id: NodeId): void {
    for (const one of this.#subscribers) one.struck?.(what, id);
  }

  asked(node: NodeId, change: Change): void {
    for (const one of this.#subscribers) one.asked?.(node, change);
  }

  answered(node: NodeId, change: Change, result: ChangeResult): void {
    for (const one of this.#subscribers) one.answered?.(node, change, result);
  }

  called(client: number, k: number, node: NodeId, call: Call): void {
    for (const one of this.#subscribers) one.called?.(client, k, node, call);
  }

  returned(client: number, k: number, outcome: number, answer: Answer): void {
    for (const one of this.#subscribers) one.returned?.(client, k, outcome, answer);
  }

  coreHealed(nodes: number): void {
    for (const one of this.#subscribers) one.coreHealed?.(nodes);
  }
}
