/** How long the event loop is held while a large state is taken, sent and installed as a snapshot; in both modes. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fill } from "./fill.ts";
import type { Delays } from "./loop-delay.ts";

const peers = [17_401, 17_402];
const ports = [17_411, 17_412];
const value = "v".repeat(256);

class Member {
  readonly #child: ChildProcess;
  readonly #file: string;
  readonly #port: number;

  constructor(id: number, directory: string, flags: readonly string[]) {
    this.#file = join(directory, `delays-${id}.json`);
    this.#port = ports[id - 1]!;
    const cluster = peers.slice(0, id).map((port) => `http://127.0.0.1:${port}`);
    const args = [
      "--import",
      join(process.cwd(), "dist/bench/loop-delay.js"),
      join(process.cwd(), "dist/server/main.js"),
    ];
    const own = ["--id", `${id}`, "--cluster", cluster.join(","), "--port", `${this.#port}`, "--log-level", "silent"];
    const env = { ...process.env, METASTORE_BENCH_DELAYS: this.#file };
    this.#child = spawn(process.execPath, [...args, ...own, ...flags], {
      cwd: directory,
      env,
      stdio: ["ignore", "ignore", "inherit"],
    });
  }

  async status(): Promise<{
    rows: number;
    appliedIndex: number;
    storage: { snapshotIndex: number; snapshotBytes: number };
  }> {
    const answer = await fetch(`http://127.0.0.1:${this.#port}/v1/status`);
    return (await answer.json()) as Awaited<ReturnType<Member["status"]>>;
  }

  async until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    for (let k = 0; k < 6_000; k++) {
      if (await Promise.resolve(holds()).catch(() => false)) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`${what}: not in 300 s`);
  }

  /** What has been seen since the last call. */
  async delays(): Promise<Delays> {
    rmSync(this.#file, { force: true });
    this.#child.kill("SIGUSR2");
    await this.until("delays", () => existsSync(this.#file) && readFileSync(this.#file, "utf8").endsWith("}"));
    return JSON.parse(readFileSync(this.#file, "utf8")) as Delays;
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGKILL");
    await gone;
  }
}

function tell(mode: string, what: string, { samples, p50Ms, p999Ms, mostMs }: Delays, seconds: number): void {
  const figures = `p50 ${p50Ms.toFixed(1)} ms, p99.9 ${p999Ms.toFixed(1)} ms, most ${mostMs.toFixed(1)} ms`;
  console.log(
    `${mode.padEnd(8)} ${what.padEnd(10)} ${seconds.toFixed(1)} s, event loop held: ${figures} (${samples} samples)`,
  );
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

export async function benchSnapshot(keys: number): Promise<void> {
  console.log(`a state of ${keys} keys with ${value.length} B values, one member that serves and one that joins`);
  for (const [mode, flags] of [
    ["memory", []],
    ["RocksDB", ["--rocksdb"]],
  ] as const) {
    const directory = mkdtempSync(join(tmpdir(), "metastore-bench-"));
    mkdirSync(join(directory, "data"));
    const members = [new Member(1, directory, flags)];
    try {
      await measure(mode, keys, directory, members, flags);
    } finally {
      await Promise.all(members.map((member) => member.stop()));
      rmSync(directory, { recursive: true, force: true });
    }
  }
}

async function measure(
  mode: string,
  keys: number,
  directory: string,
  members: Member[],
  flags: readonly string[],
): Promise<void> {
  const first = members[0]!;
  await first.until("start", async () => (await fetch(`http://127.0.0.1:${ports[0]}/readyz`)).ok);
  const seconds = await timed(() => fill(ports[0]!, 0, keys, value));
  console.log(`${mode.padEnd(8)} filled in ${seconds.toFixed(0)} s: ${Math.round(keys / seconds)} writes/s`);
  if (mode === "memory") await take(mode, keys, first, join(directory, "metaStore-1-snap", "draft.part"));
  const second = new Member(2, directory, [...flags, "--join"]);
  members.push(second);
  await second.until("start", async () => (await second.status()).rows === 0);
  await first.delays();
  await second.delays();
  const joined = await timed(async () => {
    await fetch(`http://127.0.0.1:${ports[0]}/2`, { method: "POST", body: `http://127.0.0.1:${peers[1]}` });
    await first.until("join", async () => (await second.status()).rows >= keys);
  });
  tell(mode, mode === "memory" ? "sent" : "taken+sent", await first.delays(), joined);
  tell(mode, "installed", await second.delays(), joined);
}

/** Writes until a snapshot begins, then waits for its end: nothing else goes on meanwhile. */
async function take(mode: string, keys: number, member: Member, draft: string): Promise<void> {
  await member.until("the last snapshot", () => !existsSync(draft));
  for (let k = 0; !existsSync(draft); k++) {
    if (k > 20 * keys) throw new Error("no snapshot begins");
    await fill(ports[0]!, k % keys, Math.min(keys, (k % keys) + 2_000), value);
    k += 2_000;
  }
  await member.delays();
  const seconds = await timed(() => member.until("a snapshot", () => !existsSync(draft)));
  tell(mode, "taken", await member.delays(), seconds);
}
