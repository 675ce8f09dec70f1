/** The other end of seed-runner.ts: a process that runs seeds in one tree, begun when it is needed, and again after a crash. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Scratch, Tree } from "./scratch.ts";
import type { BaseOrder, BaseRun, FindOrder, Found, Told } from "./seed-runner.ts";

/** A runner that has nothing to tell for so long hangs: a hundred times what the longest run takes. */
const silentMsMax = 120_000;
const script = fileURLToPath(new URL("seed-runner.js", import.meta.url));
/** Runs last longer than their garbage; and a mutant may eat memory. */
const nodeOptions = ["--max-old-space-size=3000", "--max-semi-space-size=64", "--single-threaded-gc"];

/** How a process ended before it had answered: at a seed, or before any run began. */
type Crash = { readonly kind: "crash"; readonly seed: number | null; readonly words: string };

/** No run has begun in the tree: what is planted there cannot even be loaded. */
export class NoRunError extends Error {}

/** One for each tree. It takes one order at a time; `end` it before something else is planted. */
export class SeedRunner {
  readonly #scratch: Scratch;
  readonly #tree: Tree;
  #child: ChildProcess | null = null;
  #stderr = "";

  constructor(scratch: Scratch, tree: Tree) {
    this.#scratch = scratch;
    this.#tree = tree;
  }

  /** A run that hangs, or takes the process with it, is found too. Throws NoRunError. */
  async find(order: FindOrder): Promise<Found> {
    const told = await this.#ask(order, order.shrinkMs);
    if (told.kind === "crash") {
      if (told.seed === null) throw new NoRunError(told.words);
      const message = `the run of seed ${told.seed} ${told.words}`;
      return { seed: told.seed, property: "I21", message, events: 0, shrunk: null };
    }
    if (told.kind !== "found") throw new Error(`a runner answers ${told.kind}`);
    return told.answer;
  }

  /** Throws where the product as it is does not come to an end. */
  async base(order: BaseOrder): Promise<readonly BaseRun[]> {
    const told = await this.#ask(order, 0);
    if (told.kind === "crash") throw new Error(`without a mutant, the run of seed ${told.seed} ${told.words}`);
    if (told.kind !== "base") throw new Error(`a runner answers ${told.kind}`);
    return told.answer;
  }

  /** When it returns, the process has gone. */
  async end(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    this.#child = null;
    await killed(child);
  }

  #begin(): ChildProcess {
    const child = fork(script, [this.#tree.directory], {
      detached: true,
      execArgv: nodeOptions,
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.#scratch.watch(child);
    this.#stderr = "";
    child.stderr!.on("data", (text: string) => (this.#stderr = `${this.#stderr}${text}`.slice(-2_000)));
    return child;
  }

  #ask(order: FindOrder | BaseOrder, moreMs: number): Promise<Told | Crash> {
    const isNew = this.#child === null;
    const child = (this.#child ??= this.#begin());
    let seed: number | null = null;
    return new Promise((settled) => {
      const settle = (answer: Told | Crash): void => {
        clearTimeout(timer);
        if (this.#scratch.isEnding) return;
        child.removeAllListeners("message");
        child.removeListener("close", onClose);
        settled(answer);
      };
      const onSilence = (): void => {
        this.#child = null;
        void killed(child).then(() => settle({ kind: "crash", seed, words: "does not end" }));
      };
      const onClose = (): void => {
        this.#child = null;
        settle({ kind: "crash", seed, words: `ends its process: ${this.#stderr.slice(-300)}` });
      };
      const timer = setTimeout(onSilence, silentMsMax + moreMs);
      child.on("message", (told: Told) => {
        timer.refresh();
        if (told.kind === "at") seed = told.seed;
        else if (told.kind !== "ready") settle(told);
        else child.send(order);
      });
      child.once("close", onClose);
      if (!isNew) child.send(order);
    });
  }
}

/** Ends the whole group of `child`; returns when the child has gone. */
export function killed(child: ChildProcess): Promise<void> {
  return new Promise((gone) => {
    if (child.exitCode !== null || child.signalCode !== null) return gone();
    child.once("exit", () => gone());
    try {
      process.kill(-child.pid!, "SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
  });
}
