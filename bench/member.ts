/** A member that a bench runs: a process of its own, whose event loop is watched. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Delays } from "./loop-delay.ts";
import { benchPort } from "./ports.ts";

/** As `npm start` has them. */
export const nodeFlags = ["--max-semi-space-size=4"];

const peers = [benchPort(0), benchPort(1)];
/** Client ports of the members at place 1 and 2. */
export const memberPorts = [benchPort(2), benchPort(3)];

/** Where the member at `place`, 1 or 2, listens to its peers. */
export function peerUrl(place: number): string {
  return `http://127.0.0.1:${peers[place - 1]!}`;
}

/** A server in a process of its own whose event loop is measured. It runs from its construction on. */
export class Member {
  readonly #child: ChildProcess;
  readonly #file: string;
  readonly #port: number;

  /** `place` picks its ports, 1 or 2; who it is, the flags say. */
  constructor(place: number, directory: string, flags: readonly string[]) {
    this.#file = join(directory, `delays-${place}.json`);
    this.#port = memberPorts[place - 1]!;
    const args = [
      ...nodeFlags,
      "--import",
      join(process.cwd(), "dist/bench/loop-delay.js"),
      join(process.cwd(), "dist/server/main.js"),
    ];
    const own = ["--port", `${this.#port}`, "--log-level", "silent"];
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
