/** One connection through a proxy: two sockets, and what is held between them while a fault lasts. */
import type { Socket } from "node:net";
import type { LinkFault, Links, Pipe } from "./links.ts";

/** How long a piece waits on a slow link; at some 64 KiB a piece this is also a bound on its rate. */
const slowMs = 150;

/** What travels one way. */
class Way {
  readonly #source: Socket;
  readonly #sink: Socket;
  /** Taken from the source and not yet passed on. */
  #held: Buffer[] = [];
  #isHolding = false;
  #delayMs = 0;
  /** Half of the next piece still passes. */
  #stallsNext = false;
  #hasEnded = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(source: Socket, sink: Socket) {
    this.#source = source;
    this.#sink = sink;
    source.on("data", (chunk: Buffer) => this.#take(chunk));
    source.on("end", () => {
      this.#hasEnded = true;
      this.#flush();
    });
    sink.on("drain", () => this.#resume());
  }

  pass(): void {
    this.#isHolding = false;
    this.#stallsNext = false;
    this.#delayMs = 0;
    this.#flush();
    this.#resume();
  }

  hold(): void {
    this.#isHolding = true;
    this.#source.pause();
  }

  stall(): void {
    this.#stallsNext = true;
  }

  slow(): void {
    this.#delayMs = slowMs;
  }

  clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#held = [];
  }

  #take(chunk: Buffer): void {
    this.#held.push(chunk);
    if (this.#stallsNext) {
      this.#stallsNext = false;
      const half = chunk.subarray(0, Math.ceil(chunk.length / 2));
      this.#held = [...this.#held.slice(0, -1), chunk.subarray(half.length)];
      this.#sink.write(half);
      return this.hold();
    }
    if (this.#isHolding) return;
    if (this.#delayMs === 0) return this.#flush();
    this.#source.pause();
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#flush();
      this.#resume();
    }, this.#delayMs);
  }

  #flush(): void {
    if (this.#isHolding || this.#timer !== null || this.#sink.destroyed) return;
    for (const chunk of this.#held) if (!this.#sink.write(chunk)) this.#source.pause();
    this.#held = [];
    if (this.#hasEnded) this.#sink.end();
  }

  #resume(): void {
    if (!this.#isHolding && this.#timer === null && !this.#sink.writableNeedDrain) this.#source.resume();
  }
}

/** `dialler` was accepted by the proxy, `listener` is the proxy's own connection to the member. */
export class SocketPipe implements Pipe {
  readonly from: number;
  readonly to: number;
  readonly #dialler: Socket;
  readonly #listener: Socket;
  readonly #forward: Way;
  readonly #backward: Way;

  constructor(from: number, to: number, dialler: Socket, listener: Socket, links: Links) {
    this.from = from;
    this.to = to;
    this.#dialler = dialler;
    this.#listener = listener;
    this.#forward = new Way(dialler, listener);
    this.#backward = new Way(listener, dialler);
    for (const [one, other] of [
      [dialler, listener],
      [listener, dialler],
    ] as const) {
      one.setNoDelay(true);
      one.on("error", () => other.resetAndDestroy());
      one.on("close", () => {
        links.closed(this);
        this.#forward.clear();
        this.#backward.clear();
        // An orderly end was passed on already; the other side has its time to end too.
        if (!other.destroyed) other.destroySoon();
      });
    }
    this.setFault(null);
    const fault = links.faultOf(from, to);
    if (fault !== null) this.setFault(fault);
  }

  setFault(fault: LinkFault | null): void {
    switch (fault) {
      case null:
        this.#forward.pass();
        this.#backward.pass();
        return;
      case "cut":
        return this.reset();
      case "silent":
        this.#forward.hold();
        this.#backward.hold();
        return;
      case "one-way":
        return this.#forward.hold();
      case "slow":
        this.#forward.slow();
        return this.#backward.slow();
      case "half-closed":
        this.#forward.hold();
        this.#listener.end();
        return;
      case "stalled":
        return this.#forward.stall();
      default:
        fault satisfies never;
    }
  }

  reset(): void {
    this.#dialler.resetAndDestroy();
    this.#listener.resetAndDestroy();
  }

  close(): void {
    this.#dialler.destroySoon();
    this.#listener.destroySoon();
  }
}
