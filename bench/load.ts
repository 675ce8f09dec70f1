/** A load of 64 connections from a second process: wrk where it is installed, else autocannon in this one. */
import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import autocannon from "autocannon";

/** Kept open at once by one load. */
export const connections = 64;
/** Of each value that is written. */
export const valueBytes = 256;
/** Different keys of a load, numbered from 0 on. */
export const keys = 10_000;

/** One kind of request; `{k}` in path and body stands for a key number, `{k64}` for its name in base64. */
export type Shape = { readonly method: "GET" | "PUT" | "POST"; readonly path: string; readonly body: string };
/** Answers a second, the 99th percentile of their latency, and answers that were no success. */
export type Figures = { readonly perSecond: number; readonly p99Ms: number; readonly errors: number };

/** wrk is installed: it loads from a process of its own. */
export const hasWrk = spawnSync("wrk", ["-v"]).error === undefined;

/** Asks `url` for `shape` for `seconds`, on all connections at once; `directory` takes wrk's script. Rejects where the tool fails. */
export async function load(url: string, shape: Shape, seconds: number, directory: string): Promise<Figures> {
  return hasWrk ? runWrk(url, shape, seconds, directory) : runAutocannon(url, shape, seconds);
}

function fill(text: string, k: number): string {
  const name = `key-${k}`;
  return text.replaceAll("{k64}", Buffer.from(name).toString("base64")).replaceAll("{k}", name);
}

function runWrk(url: string, shape: Shape, seconds: number, directory: string): Figures {
  const script = join(directory, "load.lua");
  const requests = Array.from({ length: keys }, (_, k) => {
    return `{${JSON.stringify(fill(shape.path, k))},${JSON.stringify(fill(shape.body, k))}}`;
  });
  writeFileSync(
    script,
    `local all = {${requests.join(",\n")}}
     local n = 0
     request = function()
       n = n % #all + 1
       return wrk.format("${shape.method}", all[n][1], {["Content-Type"] = "application/json"}, all[n][2])
     end`,
  );
  const args = ["-t1", `-c${connections}`, `-d${seconds}s`, "--latency", "-s", script, url];
  const out = execFileSync("wrk", args, { encoding: "utf8" });
  const [, p99 = "NaN", unit = "ms"] = /99%\s+([\d.]+)(us|ms|s)/.exec(out) ?? [];
  const scale = { us: 0.001, ms: 1, s: 1000 }[unit] ?? 1;
  const errors = Number(/Non-2xx or 3xx responses: (\d+)/.exec(out)?.[1] ?? 0);
  return { perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(out)?.[1] ?? 0), p99Ms: Number(p99) * scale, errors };
}

async function runAutocannon(url: string, shape: Shape, seconds: number): Promise<Figures> {
  let k = 0;
  const setupRequest = (request: autocannon.Request): autocannon.Request => {
    k = (k + 1) % keys;
    return { ...request, path: fill(shape.path, k), body: fill(shape.body, k) };
  };
  const requests = [{ method: shape.method, headers: { "content-type": "application/json" }, setupRequest }];
  const result = await autocannon({ url, connections, duration: seconds, requests });
  return { perSecond: result.requests.average, p99Ms: result.latency.p99, errors: result.non2xx + result.errors };
}
