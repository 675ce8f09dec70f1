/** One run: the cluster, its clients, its faults, and what is made of it. */
import { Draws } from "../sim/draws.ts";
import { readAll, serve } from "./judgement/liveness.ts";
import { Monitors } from "./judgement/monitors.ts";
import { ReadinessWatch } from "./judgement/readiness.ts";
import { staleProblems } from "./judgement/stale-answers.ts";
import { Nemesis } from "./nemesis/nemesis.ts";
import { Operator } from "./nemesis/operator.ts";
import type { Family } from "./nemesis/family.ts";
import type { Store } from "./store/store.ts";
import type { Verdict } from "../checker/index.ts";
import { Client, type Shop } from "./workload/client.ts";
import { Recorder } from "./workload/history.ts";
import { pulse } from "./workload/pulse.ts";
import { sendRaw } from "./workload/raw-client.ts";
import { readStale } from "./workload/stale-reader.ts";
import { World } from "./world/world.ts";

/** Something that must not be. `atMs`: since the run began. A run with any has failed. */
export type Finding = { readonly atMs: number; readonly kind: string; readonly text: string };

/** `rate`: operations a second over all clients. `serveMs`: within which every member serves once all is healed. */
export type RunOptions = {
  readonly seed: number;
  readonly minutes: number;
  readonly nodes: number;
  readonly rate: number;
  readonly serveMs: number;
  readonly families: readonly Family[];
};

/** What a run has come to. */
export type Outcome = {
  readonly verdict: Verdict;
  readonly findings: readonly Finding[];
  readonly recorder: Recorder;
  readonly nemesis: Nemesis;
  readonly monitors: Monitors;
  /** How long the slowest member took to serve at the end; null: that was not asked. */
  readonly servedMs: number | null;
};

const clients = 8;
const spares = 2;
const startMs = 60_000;
const checkEveryMs = 10_000;
const recentBudgetMs = 4_000;
const wholeBudgetMs = 120_000;
/** Of these nothing later can be told. */
const fatal: ReadonlySet<string> = new Set(["linearizability", "definite", "stale read", "order", "harness"]);

/** One run of one store, on this machine. It leaves no process behind. */
export class Run {
  readonly #options: RunOptions;
  readonly #store: Store;
  readonly #beganMs = performance.now();
  readonly findings: Finding[] = [];
  #isStopped = false;
  #isOver = false;
  #world: World | null = null;
  readonly #wakers: (() => void)[] = [];
  recorder: Recorder;
  nemesis: Nemesis | null = null;

  constructor(options: RunOptions, store: Store) {
    this.#options = options;
    this.#store = store;
    this.recorder = new Recorder(this.#onFinding);
  }

  readonly #onFinding = (kind: string, text: string): void => {
    // What is not waited for any more says nothing of the cluster.
    if (this.#isStopped && !fatal.has(kind)) return;
    if (this.findings.length < 100)
      this.findings.push({ atMs: Math.round(performance.now() - this.#beganMs), kind, text });
    if (fatal.has(kind)) this.#end();
  };

  /** Ends it with what it has; nothing more is waited for. */
  stop(): void {
    this.#isStopped = true;
    this.#world?.hurry();
    this.#end();
  }

  #end(): void {
    this.#isOver = true;
    this.nemesis?.wake();
    for (const waker of this.#wakers) waker();
  }

  /** Runs to the end. `onCluster` is called with each member's log when all is over and before all is removed. */
  async run(onCluster: (world: World) => void): Promise<Outcome> {
    const { nodes } = this.#options;
    const world = await World.open(this.#store, nodes, spares, (member, { code, signal }, line) => {
      this.#onFinding("exit", `n${member.id} ended by itself (${signal ?? `exit ${code}`}): ${line}`);
    });
    this.#world = world;
    const operator = new Operator(world);
    try {
      for (const member of world.members.slice(0, nodes)) world.start(member);
      const isFounded = await world.until(
        async () =>
          (await Promise.all(world.present.map((member) => world.isReady(member)))).every(Boolean) || this.#isOver,
        startMs,
      );
      if (!isFounded) throw new Error(`the cluster is not ready after ${startMs} ms`);
      const outcome = await this.#work(world, operator);
      onCluster(world);
      return outcome;
    } finally {
      operator.close();
      await world.close();
    }
  }

  async #work(world: World, operator: Operator): Promise<Outcome> {
    const { seed, minutes, rate, families, serveMs } = this.#options;
    // Its times begin with the first operation.
    this.recorder = new Recorder(this.#onFinding);
    const { recorder } = this;
    const isOver = (): boolean => this.#isOver;
    const nemesis = new Nemesis({
      seed,
      world,
      operator,
      families,
      isOver,
      now: () => recorder.now(),
      onFinding: this.#onFinding,
    });
    this.nemesis = nemesis;
    const monitors = new Monitors(world, this.#onFinding);
    await monitors.beat();
    const isWhole = (): boolean => nemesis.budget.bereft.length === 0;
    const readiness = new ReadinessWatch(world, serveMs, isWhole, this.#onFinding);
    let isQuiet = false;
    const shop: Shop = {
      world,
      recorder,
      draws: new Draws(seed),
      thinkMs: Math.round((clients * 1_000) / rate),
      isOver: () => isQuiet,
      onFinding: this.#onFinding,
      keys: new Set(),
      refused: new Set(),
    };
    const working = [
      ...Array.from({ length: clients }, (_, k) => new Client(k + 1, shop).run()),
      pulse(shop),
      ...(this.#store.name === "metaStore" ? [readStale(shop), sendRaw(shop)] : []),
      monitors.run(() => isQuiet),
      readiness.run(() => isQuiet),
    ];
    const striking = nemesis.run();
    const timer = setTimeout(() => this.#end(), minutes * 60_000);
    const checking = this.#checkNowAndThen(isOver);
    await striking;
    clearTimeout(timer);
    await checking;
    world.links.healAll();
    for (const member of world.present) if (member.process === null) world.start(member);
    let servedMs: number | null = null;
    if (!this.#isStopped) servedMs = await serve(shop, serveMs);
    isQuiet = true;
    await Promise.all(working);
    if (!this.#isStopped) await readAll(shop);
    const { verdict } = recorder.check(true, wholeBudgetMs);
    if (verdict.verdict === "illegal") this.#onFinding("linearizability", verdict.sentence);
    for (const problem of staleProblems(recorder, shop.refused)) this.#onFinding("stale read", problem);
    return { verdict, findings: this.findings, recorder, nemesis, monitors, servedMs };
  }

  async #checkNowAndThen(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, checkEveryMs);
        this.#wakers.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
      if (isOver()) return;
      const { verdict } = this.recorder.check(false, recentBudgetMs);
      if (verdict.verdict === "illegal") this.#onFinding("linearizability", verdict.sentence);
    }
  }
}
