/** One run: the cluster, its clients, its faults, and what is made of it. */
import { Draws } from "../sim/draws.ts";
import { askEverySort, readAll, serve } from "./judgement/liveness.ts";
import { Monitors } from "./judgement/monitors.ts";
import { ReadinessWatch } from "./judgement/readiness.ts";
import { staleProblems } from "./judgement/stale-answers.ts";
import { WriteProgress } from "./judgement/write-progress.ts";
import { Nemesis } from "./nemesis/nemesis.ts";
import { Operator } from "./nemesis/operator.ts";
import type { Family } from "./nemesis/family.ts";
import type { Store } from "./store/store.ts";
import type { Operation, Verdict } from "../checker/index.ts";
import { Client, type Shop } from "./workload/client.ts";
import { Recorder } from "./workload/history.ts";
import { pulse } from "./workload/pulse.ts";
import { sendRaw } from "./workload/raw-client.ts";
import { recordedPut } from "./workload/recorded.ts";
import { readStale } from "./workload/stale-reader.ts";
import { Requests } from "./world/requests.ts";
import { World } from "./world/world.ts";

/** Something that must not be. `atMs`: in the history's time. A run with any has failed. */
export type Finding = { readonly atMs: number; readonly kind: string; readonly text: string };

/**
 * `rate`: operations a second over all clients. `serveMs`: within which every member serves once all is healed. `foundMs`:
 * within which the founders are ready.
 */
export type RunOptions = {
  readonly seed: number;
  readonly minutes: number;
  readonly nodes: number;
  readonly rate: number;
  readonly serveMs: number;
  readonly foundMs: number;
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

/** What one run shares between its parts. */
type Parts = {
  readonly world: World;
  readonly operator: Operator;
  readonly shop: Shop;
  readonly nemesis: Nemesis;
  readonly monitors: Monitors;
  readonly requests: Requests;
};

const clients = 8;
const spares = 2;
const checkEveryMs = 10_000;
const recentBudgetMs = 4_000;
const wholeBudgetMs = 120_000;
/** Without an acknowledged write for so many times the time to serve, a majority that is well is at fault. */
const progressServeTimes = 2;
/** Of these nothing later can be told; they count also once nothing is waited for. */
const fatal: ReadonlySet<string> = new Set(["linearizability", "definite", "stale read", "order", "harness"]);

/** One run of one store, on this machine. It leaves no process behind. */
export class Run {
  readonly #options: RunOptions;
  readonly #store: Store;
  readonly findings: Finding[] = [];
  #isStopped = false;
  #isOver = false;
  #world: World | null = null;
  #progress: WriteProgress | null = null;
  readonly #wakers: (() => void)[] = [];
  #isQuiet = false;
  readonly recorder: Recorder;
  nemesis: Nemesis | null = null;

  constructor(options: RunOptions, store: Store) {
    this.#options = options;
    this.#store = store;
    this.recorder = new Recorder(this.#onFinding);
  }

  readonly #onFinding = (kind: string, text: string): void => {
    // What is not waited for any more says nothing of the cluster.
    if (this.#isStopped && !fatal.has(kind)) return;
    if (this.findings.length < 100) this.findings.push({ atMs: Math.round(this.recorder.now() / 1000), kind, text });
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

  /**
   * Runs to the end, also where the cluster cannot be founded or the harness fails: that is a finding. `onOutcome` is called
   * with all that came of it before anything is removed. What could not be cleaned up, a line each.
   */
  async run(onOutcome: (outcome: Outcome, world: World) => void): Promise<readonly string[]> {
    const { nodes } = this.#options;
    const world = await World.open(this.#store, nodes, spares, (member, { code, signal }, line) => {
      this.#onFinding("exit", `n${member.id} ended by itself (${signal ?? `exit ${code}`}): ${line}`);
    });
    this.#world = world;
    let left: readonly string[] = [];
    try {
      const parts = this.#parts(world);
      let servedMs: number | null = null;
      try {
        if (await this.#found(world)) servedMs = await this.#work(parts);
      } catch (error) {
        this.#onFinding("harness", `the run fails: ${(error as Error).stack}`);
      }
      this.#isQuiet = true;
      this.#end();
      onOutcome(this.#judged(parts, servedMs), world);
      await parts.operator.close();
      await parts.requests.close();
    } finally {
      left = await world.close();
    }
    return left;
  }

  #parts(world: World): Parts {
    const { seed, rate, families, serveMs } = this.#options;
    const { recorder } = this;
    const onFinding = this.#onFinding;
    const operator = new Operator(world, onFinding);
    const requests = new Requests(world, onFinding);
    const shop: Shop = {
      world,
      recorder,
      draws: new Draws(seed),
      thinkMs: Math.round((clients * 1_000) / rate),
      isOver: () => this.#isQuiet,
      onFinding,
      keys: new Set(),
      refused: new Set(),
    };
    const progress = new WriteProgress(
      world,
      progressServeTimes * serveMs,
      () => recorder.acknowledged.length,
      () => (nemesis.isLoaded ? world.present : nemesis.budget.bereft),
      onFinding,
    );
    this.#progress = progress;
    const nemesis: Nemesis = new Nemesis({
      seed,
      world,
      operator,
      families,
      isOver: () => this.#isOver,
      needsCalm: () => progress.isStalled,
      write: (member, key, value) => recordedPut(shop, requests, member, key, value),
      serveMs,
      now: () => recorder.now(),
      onFinding,
    });
    this.nemesis = nemesis;
    return { world, operator, shop, nemesis, monitors: new Monitors(world, onFinding), requests };
  }

  /** Whether all founders are ready; where they are not in time, that is a finding with what each says. */
  async #found(world: World): Promise<boolean> {
    for (const member of world.members.slice(0, this.#options.nodes)) world.start(member);
    const areReady = async (): Promise<boolean> => {
      const each = await Promise.all(world.present.map((member) => world.isReady(member)));
      return each.every(Boolean) || this.#isOver;
    };
    const { foundMs } = this.#options;
    if (await world.until(areReady, foundMs)) return true;
    const words = world.present.map(({ id, process: running }) => `n${id}: ${running?.lastLine ?? "it has ended"}`);
    this.#onFinding("founding", `the cluster is not ready after ${foundMs} ms; ${words.join("; ")}`);
    return false;
  }

  /** Works from the founding to the end. How long the slowest member took to serve when all was healed; null: not asked. */
  async #work({ world, shop, nemesis, monitors }: Parts): Promise<number | null> {
    const { minutes, serveMs } = this.#options;
    const { recorder } = this;
    recorder.begin();
    const isQuiet = (): boolean => this.#isQuiet;
    const isOver = (): boolean => this.#isOver;
    await monitors.beat();
    const isWhole = (): boolean => nemesis.budget.bereft.length === 0;
    const readiness = new ReadinessWatch(world, serveMs, isWhole, this.#onFinding);
    const working = [
      ...Array.from({ length: clients }, (_, k) => new Client(k + 1, shop).run()),
      pulse(shop),
      ...(this.#store.name === "metaStore" ? [readStale(shop), sendRaw(shop)] : []),
      monitors.run(isQuiet),
      readiness.run(isQuiet),
      this.#progress!.run(isOver),
    ];
    const striking = nemesis.run();
    const timer = setTimeout(() => this.#end(), minutes * 60_000);
    const checking = this.#checkNowAndThen(isOver);
    await striking;
    clearTimeout(timer);
    await checking;
    world.links.healAll();
    for (const member of world.present) if (member.process === null) world.start(member);
    const servedMs = this.#isStopped ? null : await serve(shop, serveMs);
    if (!this.#isStopped) await askEverySort(shop);
    this.#isQuiet = true;
    recorder.end();
    await Promise.all(working);
    if (!this.#isStopped) await readAll(shop);
    return servedMs;
  }

  #judged({ shop, nemesis, monitors }: Parts, servedMs: number | null): Outcome {
    const { recorder, findings } = this;
    const { verdict } = recorder.check(true, wholeBudgetMs);
    if (verdict.verdict === "illegal") this.#onFinding("linearizability", verdict.sentence);
    const operations = recorder.history() as readonly Operation[];
    for (const problem of staleProblems({ operations, stale: recorder.stale }, shop.refused))
      this.#onFinding("stale read", problem);
    return { verdict, findings, recorder, nemesis, monitors, servedMs };
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
