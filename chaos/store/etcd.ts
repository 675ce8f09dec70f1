/** etcd by its JSON gateway, on the same machine, behind the same proxies: so that the harness can be seen to be fair. */
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Ask, Reply } from "../http.ts";
import type { KeyAsk, MemberPlace, MemberState, Store, Told, StartInVain } from "./store.ts";

/** Its version; null: it is not installed. */
export function etcdVersion(): string | null {
  try {
    return /etcd Version: (\S+)/.exec(execFileSync("etcd", ["--version"], { encoding: "utf8" }))?.[1] ?? null;
  } catch {
    return null;
  }
}

function base64(text: string): string {
  return Buffer.from(text, "latin1").toString("base64");
}

function post(path: string, body: unknown): Ask {
  return { method: "POST", path, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
}

type Answer = {
  readonly header?: { readonly revision?: string; readonly member_id?: string };
  readonly kvs?: readonly { readonly value?: string; readonly mod_revision: string }[];
  readonly succeeded?: boolean;
  readonly deleted?: string;
  readonly leader?: string;
  readonly raftTerm?: string;
  readonly raftAppliedIndex?: string;
};

function answerOf(reply: Reply): Answer | null {
  if (reply.kind !== "answer" || reply.status !== 200) return null;
  return JSON.parse(reply.body) as Answer;
}

/** etcd as it is released; what it has no request for is left out. */
export class Etcd implements Store {
  readonly name = "etcd";
  /** Its own limit is about 7 seconds: 5, and two election timeouts. */
  readonly requestMsMax = 8_000;
  readonly sessionAsk = null;
  readonly readyAsk: Ask = { method: "GET", path: "/health" };
  readonly statusAsk: Ask = post("/v3/maintenance/status", {});

  command({ id, port, listenPort, url, founders, directory }: MemberPlace): readonly string[] {
    const client = `http://127.0.0.1:${port}`;
    const flags: Readonly<Record<string, string>> = {
      name: `n${id}`,
      "data-dir": join(directory, "etcd"),
      "listen-client-urls": client,
      "advertise-client-urls": client,
      "listen-peer-urls": `http://127.0.0.1:${listenPort}`,
      "initial-advertise-peer-urls": url,
      "initial-cluster": founders.map((founder, k) => `n${k + 1}=${founder}`).join(","),
      "initial-cluster-state": "new",
      "heartbeat-interval": "100",
      "election-timeout": "1000",
      "log-level": "error",
      logger: "zap",
    };
    return ["etcd", ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value])];
  }

  startsInVain(): readonly StartInVain[] {
    return [];
  }

  logDirectory(directory: string): string {
    return join(directory, "etcd", "member", "wal");
  }

  snapshotDirectory(directory: string): string {
    return join(directory, "etcd", "member", "snap");
  }

  prepare(directory: string): void {
    mkdirSync(directory, { recursive: true });
  }

  keyAsk(ask: KeyAsk): Ask {
    const key = base64(ask.key);
    if (ask.op === "get") return post("/v3/kv/range", { key, serializable: ask.isStale });
    if (ask.op === "delete") return post("/v3/kv/deleterange", { key });
    const put = { key, value: base64(ask.value) };
    if (ask.expected === null) return post("/v3/kv/put", put);
    const compare = [{ key, target: "MOD", result: "EQUAL", mod_revision: String(ask.expected) }];
    return post("/v3/kv/txn", { compare, success: [{ request_put: put }] });
  }

  keyTold(ask: KeyAsk, reply: Reply): Told {
    if (reply.kind === "refused") return { kind: "none", why: reply.why };
    const answer = answerOf(reply);
    const isRead = ask.op === "get";
    if (answer === null) {
      const why = reply.kind === "answer" ? `${reply.status} ${reply.body.slice(0, 80)}` : reply.why;
      return { kind: isRead ? "none" : "unknown", why };
    }
    const revision = Number(answer.header?.revision ?? 0);
    if (isRead) {
      const row = answer.kvs?.[0];
      const value = row === undefined ? null : Buffer.from(row.value ?? "", "base64").toString("latin1");
      return { kind: "ok", value, revision, keyRevision: Number(row?.mod_revision ?? 0) };
    }
    // A delete of nothing has no revision of its own.
    if (ask.op === "delete" && answer.deleted === undefined)
      return { kind: "ok", value: null, revision: undefined, keyRevision: 0 };
    if (ask.expected !== null && answer.succeeded !== true)
      return { kind: "mismatch", value: null, revision, keyRevision: 0 };
    return { kind: "ok", value: ask.value, revision, keyRevision: revision };
  }

  sessionOf(): number {
    return 0;
  }

  stateOf(reply: Reply): MemberState | null {
    const answer = answerOf(reply);
    if (answer === null) return null;
    const isLeader = answer.leader !== undefined && answer.leader === answer.header?.member_id;
    const appliedIndex = Number(answer.raftAppliedIndex ?? 0);
    const term = Number(answer.raftTerm ?? 0);
    return { leader: 0, isLeader, term, appliedIndex, commitIndex: appliedIndex, voters: [], isChanging: false };
  }
}
