/** Histories of a store that never was: clients that call one operation at a time on a perfect register, from a seed. */
import alea from "seedrandom/lib/alea.js";
import type { Operation } from "../checker/index.ts";

/** What a history is made of; the same plan gives the same history. `unknownShare` is from 0 to 1. */
export type HistoryPlan = {
  readonly seed: string;
  readonly operations: number;
  readonly clients: number;
  readonly keys: number;
  /** Of writes, how many get no answer: half of those happen. */
  readonly unknownShare: number;
  /** One read near the end shows the value before the current one. */
  readonly stale: boolean;
  readonly kinds: readonly Operation["op"][];
};

type Running = { readonly client: number; readonly call: number; readonly end: number; readonly effect: number };

/** Values of one key: now, and those before it. */
type Row = { value: string | null; readonly older: string[] };

/** In the order of calls, times in integers from 0 on; linearizable unless `stale`. */
export function makeHistory({ seed, operations, clients, keys, unknownShare, stale, kinds }: HistoryPlan): Operation[] {
  const draw = alea(seed);
  const below = (bound: number): number => Math.floor(draw() * bound);
  const rows = Array.from({ length: keys }, (): Row => ({ value: null, older: [] }));
  const history: Operation[] = [];
  let nextClient = clients;
  let planted = !stale;
  // Each operation takes effect somewhere inside its interval; effects come in the order of time.
  const running: Running[] = [];
  const launch = (client: number, at: number): void => {
    const call = at + 1 + below(50);
    const end = call + 1 + below(1_000);
    running.push({ client, call, end, effect: call + below(end - call + 1) });
  };
  for (let client = 0; client < clients; client++) launch(client, below(1_000));
  while (history.length < operations) {
    let first = 0;
    for (let k = 1; k < running.length; k++) if (running[k]!.effect < running[first]!.effect) first = k;
    const { client, call, end } = running[first]!;
    running[first] = running.at(-1)!;
    running.pop();
    const k = below(keys);
    const row = rows[k]!;
    const op = kinds[below(kinds.length)]!;
    const isUnknown = op !== "get" && draw() < unknownShare;
    const happens = !isUnknown || draw() < 0.5;
    const old = row.older.at(-3 * clients);
    const lies = op === "get" && !planted && history.length > operations * 0.9 && old !== undefined;
    planted ||= lies;
    const own = `v${history.length}`;
    const written = op === "delete" ? null : own;
    let value: Operation["value"] = written;
    if (op === "get") value = lies ? old : row.value;
    else if (op === "cas") value = [row.value, own];
    // One literal, so that all operations have one shape in memory, as parsed ones do.
    const outcome = isUnknown ? "unknown" : "ok";
    history.push({ client, op, key: `k${k}`, value, call, return: isUnknown ? null : end, outcome } as Operation);
    if (op !== "get" && happens) {
      if (row.value !== null) row.older.push(row.value);
      row.value = written;
    }
    launch(isUnknown ? nextClient++ : client, end);
  }
  return history.toSorted((a, b) => a.call - b.call);
}

/**
 * A history that no search decides soon: `clients` operations at one time, that write five values over and over, and a
 * read that tells none of them apart from the others.
 */
export function hardHistory(clients: number): Operation[] {
  const end = 10_000;
  const history: Operation[] = [
    { client: clients, op: "put", key: "k", value: "v0", call: 0, return: end, outcome: "ok" },
    { client: clients + 1, op: "append", key: "k", value: "v", call: 1, return: end, outcome: "ok" },
    { client: clients + 2, op: "get", key: "k", value: "v9", call: end + 1, return: end + 2, outcome: "ok" },
  ];
  for (let client = 0; client < clients; client++) {
    const value: [string, string] = [`v${client % 5}`, `v${(client + 1 + (client % 3)) % 5}`];
    history.push({ client, op: "cas", key: "k", value, call: client, return: end, outcome: "ok" });
  }
  return history;
}
