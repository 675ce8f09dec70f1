/**
 * A monitor, which asks every machine whatever its phase: while it opens its directory, founds, joins, recovers, installs a
 * snapshot or stops. Whatever it asks ends within its time, and a node that cannot know says so.
 */
import { always } from "../../core/kv/command.ts";
import type { Node } from "../../core/node/node.ts";
import { noSession, type RowAt, type WriteOutcome } from "../../core/node/options.ts";
import type { Envelope } from "../../core/protocol/message.ts";
import type { Index, Micros, NodeId } from "../../core/units.ts";
import type { Subscriber } from "../bus.ts";
import { type Draws, salts } from "../draws.ts";
import { keyOfNode, occasionOf } from "../keys.ts";
import { answerMustBeSo, refusedMustNotHappen, staleAnswerMustBeKnown, unknownMustHaveLeft } from "../laws/answers.ts";
import { requestMustEndOnce } from "../laws/limits.ts";
import { monitorMustBeToldWhatIsFresh } from "../laws/reads.ts";
import type { Plan } from "../plan/plan.ts";
import { burstValueBytes } from "../plan/value-bytes.ts";
import type { Ghost } from "../safety/ghost.ts";
import type { Scheduler, Target } from "../scheduler.ts";
import { type Host, hostEvents, type Request } from "../world/host.ts";
import { keyName } from "./generator.ts";

/** What it asks at a moment, and within how long after it. */
const moments = {
  /** Every so often. */
  beat: { code: 1, requests: 1, withinMicros: 250_000 },
  /** A process starts: it opens its directory for the first milliseconds. */
  started: { code: 2, requests: 6, withinMicros: 4_000 },
  /** It has been told to stop. */
  stopping: { code: 3, requests: 4, withinMicros: 50_000 },
  /** A piece of a snapshot is on its way to it. */
  snapshotSent: { code: 4, requests: 1, withinMicros: 20_000 },
  /** Many large writes at once. */
  burst: { code: 5, requests: 12, withinMicros: 1 },
} as const;
type MonitoredMoment = keyof typeof moments;

const beatMicros: Micros = 250_000;
/** Written by nobody else; no client reads it. */
const ownKey = "monitor";
/** An id that no machine has. */
const nobody: NodeId = 63;

type Pending = { readonly host: Host; readonly boot: number; readonly what: string };

/** What the monitor needs of its run. */
export interface MonitorWorld {
  readonly hosts: readonly Host[];
  readonly ghost: Ghost;
  /** Whether answers are held against the ghost. */
  readonly isJudged: boolean;
  committedIndex(): Index;
}

/** One for each run. What it asks is answered within its time, or a law is broken. */
export class Monitor implements Target, Subscriber {
  readonly #scheduler: Scheduler;
  readonly #draws: Draws;
  readonly #plan: Plan;
  readonly #world: MonitorWorld;
  /** By moment and node: how often it has come. */
  readonly #seen = new Map<number, number>();
  readonly #pending = new Set<Pending>();
  /** Values whose writes were definitely refused. */
  readonly #refused = new Set<string>();
  #stopped = false;
  #beat = 0;
  readonly counters = { bursts: 0, asked: 0, answered: 0, refused: 0 };

  constructor(scheduler: Scheduler, draws: Draws, plan: Plan, world: MonitorWorld) {
    this.#scheduler = scheduler;
    this.#draws = draws;
    this.#plan = plan;
    this.#world = world;
    if (plan.faults.monitor > 0 || plan.faults.burst > 0) scheduler.at(beatMicros, 1, this, 0, null);
  }

  /** Asks nothing more. */
  stop(): void {
    this.#stopped = true;
  }

  on(): void {
    if (this.#stopped) return;
    this.#scheduler.at(this.#scheduler.now + beatMicros, 1, this, 0, null);
    this.#beat += 1;
    for (const host of this.#world.hosts) {
      if (host.node === null) continue;
      this.#observe("beat", host);
      if (this.#draws.chance(this.#plan.faults.burst, "burst", host.id, this.#beat)) this.#burst(host);
    }
  }

  sent(_from: NodeId, to: NodeId, { message }: Envelope): void {
    if (message.kind === "snapshot-chunk") this.#observe("snapshotSent", this.#world.hosts[to - 1]!);
  }

  starting(host: Host): void {
    this.#observe("started", host);
  }

  stopping(host: Host): void {
    this.#observe("stopping", host);
  }

  /** In the middle of a turn: the requests come after it. */
  #observe(moment: MonitoredMoment, host: Host): void {
    const { monitor } = this.#plan.faults;
    if (monitor === 0 || this.#stopped) return;
    const { code, requests, withinMicros } = moments[moment];
    for (let k = 0; k < requests; k++) {
      const which = keyOfNode(code, host.id);
      const count = this.#seen.get(which) ?? 0;
      this.#seen.set(which, count + 1);
      if (this.#draws.chance(monitor, "monitor", which, count)) this.#ask(host, which, count, withinMicros);
    }
  }

  /** What has had no answer, of processes that still run, on `ids`. */
  unanswered(ids: readonly NodeId[]): string[] {
    const isOpen = ({ host, boot }: Pending): boolean => {
      return host.boot === boot && host.node !== null && !host.paused && ids.includes(host.id);
    };
    return [...this.#pending].filter(isOpen).map(({ host, what }) => `${what} at n${host.id}`);
  }

  /** Looks at the end whether what was refused as definite has happened. */
  judge(): void {
    for (const value of this.#refused) refusedMustNotHappen(value, this.#world.ghost.wasWritten(ownKey, value));
  }

  /** More than a small queue holds, through one member. */
  #burst(host: Host): void {
    const { code, requests } = moments.burst;
    this.counters.bursts += 1;
    for (let k = 0; k < requests; k++) {
      const which = keyOfNode(code, host.id);
      const value = `burst.${which}.${this.#beat}.${k}.${"x".repeat(burstValueBytes)}`;
      this.#request(host, "write", k, (node, end) => this.#write(node, host, value, end), this.#scheduler.now + 1 + k);
    }
  }

  #ask(host: Host, which: number, count: number, withinMicros: Micros): void {
    const draw = (bound: number, k: number): number => this.#draws.below(bound, "monitor", which, count, k);
    const dice = draw(100, salts.monitor.kind);
    const what = dice < 45 ? "stale read" : dice < 65 ? "read" : dice < 85 ? "write" : dice < 95 ? "change" : "status";
    const key = keyName(draw(this.#plan.keys, salts.monitor.key));
    const value = `monitor.${which}.${count}`;
    const run = (node: Node, end: (isOk: boolean) => void): void => {
      if (what === "stale read") this.#readStale(node, host, key, end);
      else if (what === "read") this.#read(node, key, end);
      else if (what === "write") this.#write(node, host, value, end);
      else if (what === "change") node.change({ kind: "promote", id: nobody }, (result) => end(result.ok));
      else end(node.status().id === host.id);
    };
    this.#request(
      host,
      what,
      occasionOf(which, count),
      run,
      this.#scheduler.now + 1 + draw(withinMicros, salts.monitor.wait),
    );
  }

  #request(
    host: Host,
    what: string,
    occasion: number,
    run: (node: Node, end: (isOk: boolean) => void) => void,
    at: Micros,
  ): void {
    this.counters.asked += 1;
    const request: Request = {
      run: (node) => {
        const pending: Pending = { host, boot: host.boot, what };
        this.#pending.add(pending);
        run(node, (isOk) => {
          requestMustEndOnce(host.id, what, this.#pending.delete(pending));
          this.counters[isOk ? "answered" : "refused"] += 1;
        });
      },
      refused: () => undefined,
    };
    this.#scheduler.at(
      at,
      this.#draws.u32("tie", host.id, occasion, salts.tie.monitor),
      host,
      hostEvents.request,
      request,
    );
  }

  #readStale(node: Node, host: Host, key: string, end: (isOk: boolean) => void): void {
    node.readStale(key, (outcome) => {
      end(outcome.ok);
      if (!outcome.ok) return;
      const { revision } = outcome.value;
      staleAnswerMustBeKnown(host.id, revision, node.replica !== null && revision > 0);
      this.#mustBeSo(key, outcome.value);
    });
  }

  #read(node: Node, key: string, end: (isOk: boolean) => void): void {
    const committedAtCall = this.#world.committedIndex();
    node.read(key, false, (outcome) => {
      end(outcome.ok);
      if (!outcome.ok) return;
      monitorMustBeToldWhatIsFresh(outcome.value.revision, committedAtCall);
      this.#mustBeSo(key, outcome.value);
    });
  }

  #mustBeSo(key: string, { row, revision }: RowAt): void {
    answerMustBeSo("the monitor", this.#world.isJudged ? this.#world.ghost.answers.ofRead(key, row, revision) : null);
  }

  #write(node: Node, host: Host, value: string, end: (isOk: boolean) => void): void {
    const command = { op: "put", key: ownKey, value, condition: always } as const;
    node.write(command, noSession, (outcome: WriteOutcome) => {
      end(outcome.ok);
      if (!outcome.ok) {
        if (outcome.definite) this.#refused.add(value);
        const { departures } = this.#world.ghost;
        // A disk that fails ends the node in the turn in which it took the write.
        if (node.replica !== null) departures?.noteLog(host.id, node.replica.raft.log);
        if (!outcome.definite && departures !== null) unknownMustHaveLeft(host.id, value, departures.hasLeft(value));
        return;
      }
      const wrong = this.#world.isJudged ? this.#world.ghost.answers.ofWrite(command, noSession, outcome.value) : null;
      answerMustBeSo("the monitor", wrong);
    });
  }
}
