/** Seeds on several threads; each gives the same result as alone. */
import { Worker } from "node:worker_threads";
import type { Order, Report } from "./worker.ts";

/** Feeds `jobs` threads with what `next` gives until that is null; every report goes to `take`, in the order in which they end. */
export async function runOn(jobs: number, next: () => Order | null, take: (report: Report) => void): Promise<void> {
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL("worker.js", import.meta.url));
      const feed = (): void => {
        const order = next();
        if (order === null) void worker.terminate().then(() => resolve());
        else worker.postMessage(order);
      };
      worker.on("message", (report: Report) => {
        take(report);
        feed();
      });
      worker.on("error", reject);
      feed();
    });
  await Promise.all(Array.from({ length: jobs }, work));
}
