/** Seeds on several threads; each gives the same result as alone. A run that does not end, or takes its thread with it, is a failure. */
import { Worker } from "node:worker_threads";
import { type Checked, refused } from "../../core/result.ts";
import { lawName } from "../laws.ts";
import { againOf, type Order, type Report } from "./worker.ts";

/** The longest of many runs has taken a fiftieth of it. */
const runMsMax = 120_000;

/**
 * Feeds `jobs` threads with what `next` gives until that is null; every report goes to `take`, in the order in which they
 * end. `script` is what the threads run, `msMax` how long one run may take.
 */
export async function runOn(
  jobs: number,
  next: () => Order | null,
  take: (report: Report) => void,
  script = new URL("worker.js", import.meta.url),
  msMax = runMsMax,
): Promise<void> {
  const work = async (): Promise<void> => {
    let thread: Thread | null = null;
    for (let order = next(); order !== null; order = next()) {
      thread ??= new Thread(script);
      const answer = await thread.run(order, msMax);
      if (!answer.ok) {
        await thread.end();
        thread = null;
      }
      take(answer.ok ? answer.value : failed(order, answer.reason));
    }
    await thread?.end();
  };
  await Promise.all(Array.from({ length: jobs }, work));
}

class Thread {
  readonly #worker: Worker;
  #settle: (answer: Checked<Report>) => void = () => undefined;

  constructor(script: URL) {
    this.#worker = new Worker(script);
    this.#worker.on("message", (report: Report) => this.#settle({ ok: true, value: report }));
    this.#worker.on("error", (error) =>
      this.#settle(refused(`the run has taken its thread with it: ${error.message}`)),
    );
    this.#worker.on("exit", (code) => this.#settle(refused(`the run has ended its thread with ${code}`)));
  }

  /** The report, or why there is none; after that the thread is of no use. */
  run(order: Order, msMax: number): Promise<Checked<Report>> {
    return new Promise((settled) => {
      const reason = `the run does not end: nothing for ${msMax / 1000} s`;
      const timer = setTimeout(() => this.#settle(refused(reason)), msMax);
      this.#settle = (answer) => {
        clearTimeout(timer);
        settled(answer);
      };
      this.#worker.postMessage(order);
    });
  }

  end(): Promise<number> {
    return this.#worker.terminate();
  }
}

/** I21: of such a run there are no files, but its seed. */
function failed(order: Order, message: string): Report {
  const { seed } = order;
  const lines = [`seed ${seed}: violation (${lawName("I21")}): ${message}`, `  again     ${againOf(order)} --trace`];
  const nothing = { events: 0, micros: 0, traceHash: "0".repeat(16), marks: [], hasHalted: false };
  return { seed, code: 1, ...nothing, property: "I21", message, lines, isLost: true };
}
