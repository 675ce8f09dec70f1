import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connections, type Figures, hasWrk, load, valueBytes } from "./load.ts";
import { median } from "./median.ts";
import { etcd, hasEtcd, metaStore, type Store } from "./stores.ts";

type Length = { readonly rounds: number; readonly seconds: number };
type Row = { readonly put: Figures; readonly get: Figures };

/** Writes, then linearizable reads, at the leader of 3 members; each store in turn, round by round; medians and their ratio. */
export async function benchServer({ rounds, seconds }: Length): Promise<void> {
  const stores = hasEtcd ? [metaStore, etcd] : [metaStore];
  console.log(
    `3 members, ${connections} connections, ${valueBytes} B values, fsync on, ${rounds} rounds of ${seconds} s, load by ${hasWrk ? "wrk" : "autocannon"}`,
  );
  if (!hasEtcd) console.log("etcd is not installed: no ratio");
  const rows = new Map<string, Row[]>(stores.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const store of stores) rows.get(store.name)!.push(await measure(store, seconds));
  }
  const of = (store: Store, what: "put" | "get", figure: keyof Figures): number =>
    median(rows.get(store.name)!.map((row) => row[what][figure]));
  for (const what of ["put", "get"] as const) {
    for (const store of stores) {
      const errors = Math.max(...rows.get(store.name)!.map((row) => row[what].errors));
      console.log(
        `${what} ${store.name.padEnd(12)} ${Math.round(of(store, what, "perSecond"))}/s, p99 ${of(store, what, "p99Ms").toFixed(1)} ms${errors > 0 ? `, ${errors} errors` : ""}`,
      );
    }
    if (hasEtcd) {
      const ratio = of(metaStore, what, "perSecond") / of(etcd, what, "perSecond");
      console.log(
        `${what} ratio ${ratio.toFixed(2)}x, p99 ratio ${(of(metaStore, what, "p99Ms") / of(etcd, what, "p99Ms")).toFixed(2)}x`,
      );
    }
  }
}

async function measure(store: Store, seconds: number): Promise<Row> {
  const directory = mkdtempSync(join(tmpdir(), "metastore-bench-"));
  try {
    const url = await store.start(directory);
    await load(url, store.put, 2, directory);
    const put = await load(url, store.put, seconds, directory);
    const get = await load(url, store.get, seconds, directory);
    return { put, get };
  } finally {
    await store.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}
