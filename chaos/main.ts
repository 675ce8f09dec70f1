#!/usr/bin/env node
/** The command: npm run chaos. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { lineOf, type Options, parseOptions, usage, UsageError } from "./options.ts";
import { figuresOf, rowsOf } from "./report/figures.ts";
import { keepLogs, writeFolder } from "./report/findings.ts";
import { type Finding, type Outcome, Run } from "./run.ts";
import { Etcd, etcdVersion } from "./store/etcd.ts";
import { MetaStore } from "./store/meta-store.ts";
import type { Store } from "./store/store.ts";

const sayEveryMs = 5_000;
/** Also on a machine that is busy with other work. */
const foundMs = 60_000;

function storeOf({ server, rocksdb, etcd }: Options): Store | null {
  if (etcd) return etcdVersion() === null ? null : new Etcd();
  const file = server === null ? fileURLToPath(new URL("../server/main.js", import.meta.url)) : resolve(server);
  if (!existsSync(file)) throw new UsageError(`there is no server at ${file}; npm run build makes it`);
  return new MetaStore({ main: file, rocksdb });
}

function progress(run: Run): string {
  const { recorder, nemesis, findings } = run;
  const gap = Math.round(recorder.longestGap().micros / 1000);
  const failed = recorder.operations.filter(({ outcome }) => outcome === "none" || outcome === "unknown").length;
  const strikes = [...(nemesis?.counts.values() ?? [])].reduce((sum, count) => sum + count, 0);
  const now = nemesis?.bands.filter(({ to }) => to === null).map(({ what }) => what) ?? [];
  return `${Math.round(recorder.now() / 1e6)} s  ${recorder.operations.length} operations, ${failed} failed, ${strikes} faults (now: ${now.join(", ") || "none"}), longest gap ${gap} ms, ${findings.length} findings`;
}

function findingLine({ atMs, kind, text }: Finding): string {
  return `FOUND after ${(atMs / 1000).toFixed(1)} s, ${kind}: ${text}`;
}

async function main(options: Options): Promise<number> {
  const store = storeOf(options);
  if (store === null) {
    console.log("skipped: etcd is not installed on this machine (no etcd in PATH)");
    return 0;
  }
  const names = options.families.map(({ name }) => name);
  const command = lineOf(options);
  const title = `${store.name}${options.rocksdb ? " with RocksDB" : ""}, ${options.nodes} nodes, seed ${options.seed}`;
  const out = join(options.out, `seed-${options.seed}`);
  console.log(`${title}: ${options.minutes} minutes of ${names.join(", ")}; Ctrl-C ends it with what it has`);
  const run = new Run({ ...options, foundMs }, store);
  let asked = 0;
  const onSignal = (): void => {
    asked += 1;
    if (asked > 1) process.exit(2);
    console.log("ending with what it has");
    run.stop();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, onSignal);
  let toldCount = 0;
  const timer = setInterval(() => {
    for (const finding of run.findings.slice(toldCount)) console.log(findingLine(finding));
    toldCount = run.findings.length;
    console.log(progress(run));
  }, sayEveryMs);
  let code = 2;
  // The results are written before anything is cleaned up, which may fail.
  const left = await run
    .run((outcome, world) => {
      clearInterval(timer);
      keepLogs(world, out);
      writeFolder(outcome, out, command, title);
      code = told(outcome, out, command, title);
    })
    .finally(() => clearInterval(timer));
  if (left.length > 0) console.error(`chaos: not all is cleaned up: ${left.join("; ")}`);
  return code;
}

/** Says what came of the run; its exit status. */
function told(outcome: Outcome, out: string, command: string, title: string): number {
  const { findings, verdict } = outcome;
  for (const line of figuresOf(outcome)) console.log(line);
  console.log("to copy");
  for (const row of rowsOf(outcome, title)) console.log(row);
  for (const finding of findings) console.log(findingLine(finding));
  console.log(`page        ${join(out, "index.html")}`);
  if (findings.length === 0 && verdict.verdict === "ok") {
    console.log("verdict     nothing found: every answer fits one order");
    return 0;
  }
  console.log(`again       ${command}`);
  if (findings.length > 0) return 1;
  console.log(`verdict     ${verdict.verdict}: the checker could not decide in its time`);
  return 3;
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === null) console.log(usage);
  else process.exit(await main(options));
} catch (error) {
  const { message, stack } = error as Error;
  console.error(`chaos: ${error instanceof UsageError ? `${message} (--help tells all)` : (stack ?? message)}`);
  process.exit(2);
}
