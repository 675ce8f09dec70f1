/** A constant load on real nodes, as a history that the checker can judge. */
import type { Operation } from "../../checker/index.ts";
import type { ProcessCluster } from "./processes.ts";

/** One client until `isOver`: unique values, what it saw in the history; unknown outcomes change its number. */
export async function client(
  cluster: ProcessCluster,
  id: number,
  history: Operation[],
  isOver: () => boolean,
  nodes: () => readonly number[],
): Promise<void> {
  let number = id;
  for (let k = 0; !isOver(); k++) {
    const key = `k${k % 2}`;
    const isPut = (k + id) % 3 !== 0;
    const value = `c${id}.${k}`;
    const call = Math.floor(performance.now() * 1000);
    const members = nodes();
    const url = `${cluster.url(members[(k + id) % members.length]!)}/${key}`;
    const answer = await fetch(url, isPut ? { method: "PUT", body: value } : {}).then(
      async (response) => ({ status: response.status, body: await response.text() }),
      () => null,
    );
    const end = Math.floor(performance.now() * 1000);
    const isOk = answer !== null && [200, 204, 404].includes(answer.status);
    // 503 is definite; a connection that broke, or 504, is not.
    const outcome = isOk ? "ok" : answer?.status === 503 ? "none" : "unknown";
    const timed = { client: number, key, call, return: outcome === "unknown" ? null : end, outcome } as const;
    if (isPut) history.push({ ...timed, op: "put", value });
    else history.push({ ...timed, op: "get", value: isOk && answer.status === 200 ? answer.body : null });
    if (outcome === "unknown") number += 100;
    if (!isOk) await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
