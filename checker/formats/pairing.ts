/** Invocations and their completions, in the order of a log, as operations: what never completes is unknown. */
import type { History, Operation } from "../history.ts";
import { HistoryError } from "./history-error.ts";

/** What an event says its operation is. */
export type Asked = Pick<Operation, "op" | "key" | "value">;

type Open = { readonly client: number; readonly call: number; readonly asked: Asked; readonly place: number };

export class Pairing {
  readonly #open = new Map<string, Open>();
  readonly #clients = new Map<string, number>();
  readonly #done: { readonly operation: Operation; readonly place: number }[] = [];
  #place = 0;

  /** A process goes on under another number once the outcome of one of its operations is unknown. */
  #clientOf(process: string): number {
    let client = this.#clients.get(process);
    if (client === undefined) {
      const own = Number(process);
      client = Number.isSafeInteger(own) && own >= 0 ? own : 1_000_000 + this.#clients.size;
      this.#clients.set(process, client);
    }
    return client;
  }

  invoke(process: string, asked: Asked, time: number, line: number): void {
    if (this.#open.has(process))
      throw new HistoryError(line, `process ${process} has an operation that did not complete`);
    this.#open.set(process, { client: this.#clientOf(process), call: time, asked, place: this.#place++ });
  }

  /** `answered`: what it turned out to be, where the completion says so. */
  complete(
    process: string,
    outcome: "ok" | "none" | "unknown",
    answered: Asked | null,
    time: number,
    line: number,
  ): void {
    const open = this.#open.get(process);
    if (open === undefined) throw new HistoryError(line, `process ${process} completes what it did not invoke`);
    this.#open.delete(process);
    this.#finish(open, outcome, answered ?? open.asked, outcome === "unknown" ? null : time);
  }

  #finish({ client, call, place }: Open, outcome: "ok" | "none" | "unknown", asked: Asked, end: number | null): void {
    const { op, key, value } = asked;
    this.#done.push({ operation: { client, op, key, value, call, return: end, outcome } as Operation, place });
  }

  end(): History {
    for (const open of this.#open.values()) this.#finish(open, "unknown", open.asked, null);
    this.#open.clear();
    return this.#done.toSorted((a, b) => a.place - b.place).map(({ operation }) => operation);
  }
}
