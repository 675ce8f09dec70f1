/** One node as a process of its own, with what it writes; and what it answers. */
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { MemberStatus, Status } from "../../core/node/status.ts";
import { freePorts } from "../../chaos/world/ports.ts";
import { freshDirectory } from "./processes.ts";

const patienceMs = 60_000;

export class NodeProcess {
  readonly id: number;
  readonly #child: ChildProcess;
  readonly #url: string;
  #stderr = "";
  #exitCode: number | null | undefined = undefined;

  /** `args` besides --id and --port. */
  constructor(id: number, port: number, args: readonly string[]) {
    this.id = id;
    this.#url = `http://127.0.0.1:${port}`;
    const main = join(process.cwd(), "dist/server/main.js");
    this.#child = spawn(process.execPath, [main, "--id", String(id), "--port", String(port), ...args], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#child.stderr!.on("data", (chunk: Buffer) => (this.#stderr += chunk.toString()));
    this.#child.on("exit", (code) => (this.#exitCode = code));
  }

  get stderr(): string {
    return this.#stderr;
  }

  get hasEnded(): boolean {
    return this.#exitCode !== undefined;
  }

  /** Open file descriptors; Linux only. */
  get descriptors(): number {
    return readdirSync(`/proc/${this.#child.pid}/fd`).length;
  }

  status(): Promise<Status | null> {
    return fetch(`${this.#url}/v1/status`).then(
      (answer) => answer.json() as Promise<Status>,
      () => null,
    );
  }

  async member(id: number): Promise<MemberStatus | undefined> {
    return (await this.status())?.members.find((member) => member.id === id);
  }

  request(method: string, path: string, body: string | null = null): Promise<{ status: number; text: string }> {
    return fetch(`${this.#url}${path}`, { method, body }).then(
      async (answer) => ({ status: answer.status, text: await answer.text() }),
      (error: Error) => ({ status: 0, text: error.message }),
    );
  }

  /** Asks again until it is done. */
  async must(method: string, path: string, body: string | null = null): Promise<string> {
    let last = { status: 0, text: "" };
    await eventually(`${method} ${path} at node ${this.id}`, async () => {
      last = await this.request(method, path, body);
      return last.status === 200 || last.status === 204;
    });
    return last.text;
  }

  says(pattern: RegExp): Promise<void> {
    return eventually(`node ${this.id} says ${pattern}`, () => pattern.test(this.#stderr));
  }

  ready(): Promise<void> {
    return eventually(`node ${this.id} is ready`, async () => (await this.request("GET", "/readyz")).status === 200);
  }

  /** Waits until it has ended by itself. */
  async ended(): Promise<number | null> {
    await eventually(`node ${this.id} ends`, () => this.#exitCode !== undefined);
    return this.#exitCode!;
  }

  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGKILL"): Promise<void> {
    if (this.#exitCode === undefined) this.#child.kill(signal);
    await this.ended();
  }
}

/** Waits for `condition`, and throws with `what` and the last error where it does not come. */
export async function eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const until = performance.now() + patienceMs;
  while (performance.now() < until) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`not after ${patienceMs} ms: ${what}`);
}

/** Nodes with one directory, each with a client and a peer port; `spare` peer ports besides. */
export class Nodes {
  readonly directory = freshDirectory();
  readonly ports: readonly number[];
  readonly urls: readonly string[];
  readonly running = new Map<number, NodeProcess>();

  constructor(ports: readonly number[], urls: readonly string[]) {
    this.ports = ports;
    this.urls = urls;
  }

  start(id: number, ...args: readonly string[]): NodeProcess {
    const node = new NodeProcess(id, this.ports[id - 1]!, ["--data-dir", this.directory, ...args]);
    this.running.set(id, node);
    return node;
  }

  list(...indexes: readonly number[]): string {
    return indexes.map((k) => this.urls[k - 1]!).join(",");
  }

  async close(): Promise<void> {
    await Promise.all([...this.running.values()].map((node) => node.stop()));
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export async function withNodes(count: number, use: (nodes: Nodes) => Promise<void>): Promise<void> {
  const ports = await freePorts(2 * count);
  const urls = ports.slice(count).map((port) => `http://127.0.0.1:${port}`);
  const nodes = new Nodes(ports.slice(0, count), urls);
  try {
    await use(nodes);
  } finally {
    await nodes.close();
  }
}

export async function three(
  nodes: Nodes,
  ...args: readonly string[]
): Promise<readonly [NodeProcess, NodeProcess, NodeProcess]> {
  const started = [1, 2, 3].map((id) => nodes.start(id, "--cluster", nodes.list(1, 2, 3), ...args));
  await Promise.all(started.map((node) => node.ready()));
  return started as [NodeProcess, NodeProcess, NodeProcess];
}

export async function leaderOf(node: NodeProcess): Promise<number> {
  let leader = 0;
  await eventually("a leader", async () => {
    leader = (await node.status())?.leader ?? 0;
    return leader !== 0;
  });
  return leader;
}
