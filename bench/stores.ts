/** Three members of each store on loopback, as real processes in a folder of their own, stopped by their own ids. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { nodeFlags } from "./member.ts";
import { valueBytes, type Shape } from "./load.ts";
import { benchPort } from "./ports.ts";

/** A cluster of three members on this machine, and the requests that write and read one key of it. */
export type Store = {
  readonly name: string;
  readonly put: Shape;
  readonly get: Shape;
  /** Starts three members and returns the URL of the leader. */
  start(directory: string): Promise<string>;
  stop(): Promise<void>;
};

function etcdPeer(id: number): string {
  return `http://127.0.0.1:${benchPort(8 + id)}`;
}

/** etcd is installed. */
export const hasEtcd = spawnSync("etcd", ["--version"]).error === undefined;

abstract class Members {
  readonly #children: ChildProcess[] = [];

  protected spawn(command: string, args: readonly string[], cwd: string): void {
    this.#children.push(spawn(command, args, { cwd, stdio: "ignore" }));
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#children.splice(0).map(async (child) => {
        const gone = new Promise((resolve) => child.once("exit", resolve));
        child.kill("SIGKILL");
        await gone;
      }),
    );
  }

  /** Asks each URL until one says that it leads. */
  protected async leaderAmong(urls: readonly string[], leads: (url: string) => Promise<boolean>): Promise<string> {
    for (let tries = 0; tries < 200; tries++) {
      for (const url of urls) if (await leads(url).catch(() => false)) return url;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error("no leader in 20 s");
  }
}

class MetaStore extends Members implements Store {
  readonly name = "metaStore";
  readonly put: Shape = { method: "PUT", path: "/{k}", body: "v".repeat(valueBytes) };
  readonly get: Shape = { method: "GET", path: "/{k}", body: "" };

  async start(directory: string): Promise<string> {
    const main = join(process.cwd(), "dist/server/main.js");
    const cluster = [1, 2, 3].map((id) => `http://127.0.0.1:${benchPort(id)}`).join(",");
    const urls = [1, 2, 3].map((id) => `http://127.0.0.1:${benchPort(4 + id)}`);
    for (const id of [1, 2, 3]) {
      this.spawn(
        process.execPath,
        [...nodeFlags, main, "--id", `${id}`, "--cluster", cluster, "--port", `${benchPort(4 + id)}`],
        directory,
      );
    }
    return this.leaderAmong(urls, async (url) => {
      const status = (await (await fetch(`${url}/v1/status`)).json()) as { role: string };
      return status.role === "leader";
    });
  }
}

class Etcd extends Members implements Store {
  readonly name = "etcd gateway";
  readonly put: Shape = {
    method: "POST",
    path: "/v3/kv/put",
    body: `{"key":"{k64}","value":"${Buffer.from("v".repeat(valueBytes)).toString("base64")}"}`,
  };
  readonly get: Shape = { method: "POST", path: "/v3/kv/range", body: '{"key":"{k64}"}' };

  async start(directory: string): Promise<string> {
    const urls = [1, 2, 3].map((id) => `http://127.0.0.1:${benchPort(12 + id)}`);
    const cluster = [1, 2, 3].map((id) => `m${id}=${etcdPeer(id)}`).join(",");
    for (const id of [1, 2, 3]) {
      const data = join(directory, `etcd-${id}`);
      mkdirSync(data, { mode: 0o700 });
      const client = urls[id - 1]!;
      this.spawn(
        "etcd",
        [
          "--name",
          `m${id}`,
          "--data-dir",
          data,
          "--listen-peer-urls",
          etcdPeer(id),
          "--initial-advertise-peer-urls",
          etcdPeer(id),
          "--listen-client-urls",
          client,
          "--advertise-client-urls",
          client,
          "--initial-cluster",
          cluster,
          "--log-level",
          "error",
        ],
        directory,
      );
    }
    return this.leaderAmong(urls, async (url) => {
      const answer = await fetch(`${url}/v3/maintenance/status`, { method: "POST", body: "{}" });
      const { leader, header } = (await answer.json()) as { leader?: string; header: { member_id: string } };
      return leader !== undefined && leader === header.member_id;
    });
  }
}

/** This store, as `npm run build` has left it. */
export const metaStore: Store = new MetaStore();
/** etcd, by its JSON gateway. */
export const etcd: Store = new Etcd();
