/** Real nodes: processes of the compiled server on free ports, in a folder of their own, stopped by their own ids. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../../chaos/world/ports.ts";

/** Only a node that hangs takes so long, however busy the machine is. */
const patienceMs = 60_000;

/** A node that is only kept waiting by a busy machine is deposed by none, and ends no request. */
export const patient = ["--election-timeout-ms", "3000", "--request-timeout-ms", "60000"] as const;

/** A new folder; the caller removes it. */
export function freshDirectory(): string {
  return mkdtempSync(join(tmpdir(), "metastore-test-"));
}

export type Exit = { readonly code: number | null; readonly stderr: string; readonly stdout: string };

/** Runs the server with `args` until it exits by itself. */
export function runServer(args: readonly string[], env: NodeJS.ProcessEnv = {}, cwd = tmpdir()): Promise<Exit> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(process.cwd(), "dist/server/main.js"), ...args], {
      cwd,
      env: { ...process.env, ...env },
    });
    let stderr = "";
    let stdout = "";
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    const timer = setTimeout(() => child.kill("SIGKILL"), patienceMs);
    child.on("exit", (code) => {
      clearTimeout(timer);
      resolve({ code, stderr, stdout });
    });
  });
}

export class ProcessCluster {
  readonly directory = freshDirectory();
  readonly ports: readonly number[];
  readonly peerPorts: readonly number[];
  /** Of nodes started from now on; 0: what the machine gives. */
  heapMb = 0;
  readonly #founders: number;
  readonly #children: (ChildProcess | null)[];
  readonly #extra: readonly string[];

  private constructor(
    founders: number,
    peerPorts: readonly number[],
    ports: readonly number[],
    extra: readonly string[],
  ) {
    this.#founders = founders;
    this.ports = ports;
    this.peerPorts = peerPorts;
    this.#children = ports.map(() => null);
    this.#extra = extra;
  }

  /** Founders 1 to `nodes` are started and ready; `spares` more have their ports, and can be added. */
  static async start(nodes: number, extra: readonly string[] = [], spares = 0): Promise<ProcessCluster> {
    const count = nodes + spares;
    const ports = await freePorts(2 * count);
    const cluster = new ProcessCluster(nodes, ports.slice(0, count), ports.slice(count), extra);
    mkdirSync(join(cluster.directory, "data"));
    for (let id = 1; id <= nodes; id++) cluster.startNode(id);
    try {
      await Promise.all(Array.from({ length: nodes }, (_, k) => cluster.ready(k + 1)));
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  peerUrl(id: number): string {
    return `http://127.0.0.1:${this.peerPorts[id - 1]!}`;
  }

  url(id: number): string {
    return `http://127.0.0.1:${this.ports[id - 1]!}`;
  }

  startNode(id: number, more: readonly string[] = []): void {
    const listed = Math.max(this.#founders, id);
    const args = [
      "dist/server/main.js",
      "--id",
      String(id),
      "--cluster",
      Array.from({ length: listed }, (_, k) => this.peerUrl(k + 1)).join(","),
      "--port",
      String(this.ports[id - 1]!),
    ];
    const child = spawn(
      process.execPath,
      [
        ...(this.heapMb > 0 ? [`--max-old-space-size=${this.heapMb}`] : []),
        ...args,
        ...(id > this.#founders ? ["--join"] : []),
        ...more,
        "--data-dir",
        this.directory,
        "--log-level",
        "warn",
        ...this.#extra,
      ],
      { stdio: ["ignore", "ignore", "inherit"] },
    );
    this.#children[id - 1] = child;
  }

  /** Ends a node by `signal` and waits until it is gone; its exit code. */
  async end(id: number, signal: "SIGKILL" | "SIGTERM"): Promise<number | null> {
    const child = this.#children[id - 1];
    this.#children[id - 1] = null;
    if (child === null || child === undefined) return null;
    if (child.exitCode !== null) return child.exitCode;
    const gone = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
    child.kill(signal);
    return gone;
  }

  /** Waits until the node ends by itself; its exit code. */
  async ended(id: number): Promise<number | null> {
    const child = this.#children[id - 1]!;
    if (child.exitCode === null) await new Promise((resolve) => child.once("exit", resolve));
    return child.exitCode;
  }

  /** Waits until the node knows a leader; rejects at once where its process has ended. */
  async ready(id: number): Promise<void> {
    const until = performance.now() + patienceMs;
    const child = this.#children[id - 1];
    while (performance.now() < until) {
      if (typeof child?.exitCode === "number") throw new Error(`node ${id} has ended, exit code ${child.exitCode}`);
      const ok = await fetch(`${this.url(id)}/readyz`).then(
        (answer) => answer.ok,
        () => false,
      );
      if (ok) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`node ${id} is not ready after ${patienceMs} ms`);
  }

  async stop(): Promise<void> {
    await Promise.all(this.ports.map((_, k) => this.end(k + 1, "SIGKILL")));
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/**
 * Sends a request that may be made twice until it is done: an election may cost it an answer, or its definite refusal.
 * The last status.
 */
export async function sendUntilDone(
  cluster: ProcessCluster,
  id: number,
  method: string,
  path: string,
  body?: string,
): Promise<number> {
  const until = performance.now() + patienceMs;
  for (;;) {
    const answer = await fetch(`${cluster.url(id)}${path}`, body === undefined ? { method } : { method, body });
    const isOver = answer.status !== 503 && answer.status !== 504;
    await answer.arrayBuffer();
    if (isOver || performance.now() > until) return answer.status;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Writes, also through elections. */
export function put(cluster: ProcessCluster, id: number, key: string, value: string): Promise<number> {
  return sendUntilDone(cluster, id, "PUT", `/${key}`, value);
}

/** Reads, also through elections; null: there is no such key. */
export async function get(cluster: ProcessCluster, id: number, key: string): Promise<string | null> {
  const until = performance.now() + patienceMs;
  for (;;) {
    const answer = await fetch(`${cluster.url(id)}/${key}`);
    const text = await answer.text();
    if (answer.status === 200) return text;
    if (answer.status === 404) return null;
    if (answer.status !== 503 || performance.now() > until) throw new Error(`GET ${key}: ${answer.status} ${text}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
