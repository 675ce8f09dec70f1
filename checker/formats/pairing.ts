/** Invocations and their completions, in the order of a log, as operations: what never completes is unknown. */
import type { History, Operation, Transaction } from "../history.ts";
import { ClientNumbers } from "./client-numbers.ts";
import { HistoryError } from "./history-error.ts";

/** What an event says its operation is. */
export type Asked = Pick<Operation, "op" | "key" | "value"> | Pick<Transaction, "op" | "value">;

type Open = {
  readonly client: number;
  readonly call: number;
  readonly asked: Asked;
  readonly place: number;
  readonly line: number;
};

/** One for each history. A process has one operation open at a time, as in Jepsen. */
export class Pairing {
  readonly #open = new Map<string, Open>();
  readonly #done: { readonly operation: Operation | Transaction; readonly place: number }[] = [];
  readonly #clients = new ClientNumbers();
  #place = 0;

  /** `process`: decimal digits. */
  invoke(process: string, asked: Asked, time: number, line: number): void {
    const before = this.#open.get(process);
    if (before !== undefined)
      throw new HistoryError(
        line,
        `process ${process} must complete what it invoked on line ${before.line} before it invokes another`,
      );
    const client = this.#clients.numberOf(process);
    this.#open.set(process, { client, call: time, asked, place: this.#place++, line });
  }

  /** The process has an operation that is not complete, or it throws HistoryError. */
  openOf(process: string, line: number): Open {
    const open = this.#open.get(process);
    if (open === undefined) throw new HistoryError(line, `process ${process} must invoke before it completes`);
    return open;
  }

  /** `answered`: what it turned out to be, where the completion says so. */
  complete(
    process: string,
    outcome: "ok" | "none" | "unknown",
    answered: Asked | null,
    time: number,
    line: number,
  ): void {
    const open = this.openOf(process, line);
    if (answered !== null && nameOf(answered) !== nameOf(open.asked))
      throw new HistoryError(
        line,
        `process ${process} must complete the ${nameOf(open.asked)} that it invoked on line ${open.line}, not a ${nameOf(answered)}`,
      );
    this.#open.delete(process);
    this.#finish(open, outcome, answered ?? open.asked, outcome === "unknown" ? null : time);
  }

  #finish({ client, call, place }: Open, outcome: "ok" | "none" | "unknown", asked: Asked, end: number | null): void {
    // Spelled out, so that all are of one shape: the engines go through them much faster.
    const operation =
      asked.op === "txn"
        ? { client, op: asked.op, value: asked.value, call, return: end, outcome }
        : { client, op: asked.op, key: asked.key, value: asked.value, call, return: end, outcome };
    this.#done.push({ operation: operation as Operation | Transaction, place });
  }

  end(): History {
    for (const open of this.#open.values()) this.#finish(open, "unknown", open.asked, null);
    this.#open.clear();
    return this.#done.toSorted((a, b) => a.place - b.place).map(({ operation }) => operation);
  }
}

/** The operation, on its key; writing nothing is deleting. */
function nameOf(asked: Asked): string {
  if (asked.op === "txn") return asked.op;
  return `${asked.op === "delete" ? "put" : asked.op} of key ${asked.key}`;
}
