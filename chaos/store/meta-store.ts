/** metaStore: the compiled server of this project, or of a scratch copy of it. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Ask, Reply } from "../http.ts";
import type { KeyAsk, MemberPlace, MemberState, StartInVain, Store, Told } from "./store.ts";

/** Which build of the server runs, and where it keeps its rows. */
export type MetaStoreOptions = {
  /** The server's main file. */
  readonly main: string;
  readonly rocksdb: boolean;
};

/** Small, so that a run of minutes takes, sends and installs snapshots. */
const snapshotEntries = 400;
/** The request timeout with which members are started, in milliseconds. */
export const requestTimeoutMs = 5_000;

/** A key as it stands in a path: every byte that is not plain is escaped. */
export function pathOf(key: string): string {
  const escaped = [...Buffer.from(key, "latin1")].map((byte) => {
    const char = String.fromCharCode(byte);
    return /[A-Za-z0-9._-]/.test(char) ? char : `%${byte.toString(16).padStart(2, "0")}`;
  });
  return `/v1/kv/${escaped.join("")}`;
}

/** This project's server as its users run it: by its command line and over HTTP. */
export class MetaStore implements Store {
  readonly name = "metaStore";
  readonly requestMsMax = requestTimeoutMs;
  readonly sessionAsk: Ask = { method: "POST", path: "/v1/sessions" };
  readonly readyAsk: Ask = { method: "GET", path: "/readyz" };
  readonly statusAsk: Ask = { method: "GET", path: "/v1/status" };
  readonly #options: MetaStoreOptions;

  constructor(options: MetaStoreOptions) {
    this.#options = options;
  }

  get rocksdb(): boolean {
    return this.#options.rocksdb;
  }

  command({ id, port, listenPort, url, founders, joinsBy, directory }: MemberPlace): readonly string[] {
    const hasMoved = joinsBy === null && founders[id - 1] !== url;
    return [
      process.execPath,
      "--enable-source-maps",
      "--max-semi-space-size=4",
      this.#options.main,
      "--id",
      String(id),
      "--port",
      String(port),
      "--data-dir",
      directory,
      "--cluster",
      (joinsBy ?? founders).join(","),
      ...(joinsBy === null ? [] : ["--join"]),
      ...(joinsBy !== null || hasMoved ? ["--peer-url", url] : []),
      "--listen-peer-url",
      `http://127.0.0.1:${listenPort}`,
      "--snapshot-entries",
      String(snapshotEntries),
      "--request-timeout-ms",
      String(requestTimeoutMs),
      ...(this.#options.rocksdb ? ["--rocksdb"] : []),
    ];
  }

  startsInVain(place: MemberPlace, count: number): readonly StartInVain[] {
    const { rocksdb, main } = this.#options;
    const command = this.command(place);
    const other = new MetaStore({ main, rocksdb: !rocksdb });
    // Without it the other engine ends for another reason.
    other.prepare(place.directory);
    const beside = { isBesideProcess: true } as const;
    const all: StartInVain[] = [
      { ...beside, what: "an unknown flag", command: [...command, "--clutser", "x"], code: 2, says: "clutser" },
      { ...beside, what: "the other engine", command: other.command(place), code: 1, says: "holds the data of node" },
    ];
    const { id, founders, joinsBy } = place;
    if (joinsBy !== null || id > founders.length) return all;
    // A flag that is given wins over the variable.
    all.push({
      ...beside,
      what: "METASTORE_JOIN=maybe",
      command: ["env", "METASTORE_JOIN=maybe", ...command],
      code: 2,
      says: "METASTORE_JOIN",
    });
    // A list that is as long as the cluster's says where its members are now.
    let length = id;
    while (length === founders.length || length === count) length += 1;
    const strangers = Array.from({ length }, (_, k) => `http://127.0.0.1:${k + 1}`);
    const elsewhere = this.command({ ...place, founders: strangers, url: strangers[id - 1]! });
    return [
      ...all,
      {
        what: "another cluster's list",
        command: elsewhere,
        code: 1,
        says: "belongs to a cluster of",
        isBesideProcess: false,
      },
    ];
  }

  logDirectory(directory: string, id: number): string {
    return this.#options.rocksdb ? join(directory, "data", `${id}`, "wal") : join(directory, `metaStore-${id}`);
  }

  snapshotDirectory(directory: string, id: number): string {
    return this.#options.rocksdb ? join(directory, "data", `${id}`, "snap") : join(directory, `metaStore-${id}-snap`);
  }

  prepare(directory: string): void {
    mkdirSync(this.#options.rocksdb ? join(directory, "data") : directory, { recursive: true });
  }

  keyAsk(ask: KeyAsk): Ask {
    const path = pathOf(ask.key);
    if (ask.op === "get") return { method: "GET", path: ask.isStale ? `${path}?consistency=stale` : path };
    const condition: Record<string, string> =
      ask.expected === null ? {} : ask.expected === 0 ? { "If-None-Match": "*" } : { "If-Match": `"${ask.expected}"` };
    const session: Record<string, string> = ask.idempotency === null ? {} : { "Idempotency-Key": ask.idempotency };
    const headers = { ...condition, ...session };
    if (ask.op === "delete") return { method: "DELETE", path, headers };
    return { method: "PUT", path, headers, body: ask.value };
  }

  keyTold(ask: KeyAsk, reply: Reply): Told {
    if (reply.kind === "refused") return { kind: "none", why: reply.why };
    if (reply.kind !== "answer") return { kind: ask.op === "get" ? "none" : "unknown", why: reply.why };
    const { status, headers, body } = reply;
    const given = Number(headers["metastore-revision"] ?? Number.NaN);
    const revision = Number.isSafeInteger(given) ? given : undefined;
    const keyRevision = Number(/^"(\d+)"$/.exec(headers["etag"] ?? "")?.[1] ?? 0);
    if (ask.op === "get" && status === 200) return { kind: "ok", value: body, revision, keyRevision };
    if (ask.op === "get" && status === 404) return { kind: "ok", value: null, revision, keyRevision: 0 };
    if (ask.op !== "get" && status === 204) return { kind: "ok", value: ask.value, revision, keyRevision };
    if (ask.op !== "get" && status === 412) return { kind: "mismatch", value: null, revision, keyRevision };
    const problem = problemOf(body);
    if (problem === null) return { kind: "wrong", why: `${status} with the body ${JSON.stringify(body.slice(0, 80))}` };
    const why = `${status} ${problem.code}`;
    if (status === 410 || status === 409) return { kind: "session-gone", why };
    // The command was refused because its sequence had been used for another.
    if (status === 422) return { kind: "none", why };
    if (status === 503 || status === 504) {
      const isStopping = problem.code === "stopping";
      return { kind: problem.definite ? "none" : "unknown", why, isStopping };
    }
    return { kind: "wrong", why };
  }

  sessionOf(reply: Reply): number {
    if (reply.kind !== "answer" || reply.status !== 201) return 0;
    return (JSON.parse(reply.body) as { session: number }).session;
  }

  stateOf(reply: Reply): MemberState | null {
    if (reply.kind !== "answer" || reply.status !== 200) return null;
    const status = JSON.parse(reply.body) as Readonly<Record<string, unknown>>;
    const members = status["members"] as readonly { readonly id: number; readonly role: string }[];
    return {
      leader: status["leader"] as number,
      isLeader: status["role"] === "leader",
      term: status["term"] as number,
      appliedIndex: status["appliedIndex"] as number,
      commitIndex: status["commitIndex"] as number,
      voters: members.filter(({ role }) => role === "voter").map(({ id }) => id),
      isChanging: members.some(({ role }) => role === "joining" || role === "leaving"),
    };
  }
}

/** An error as the store writes it; null: the body is none. */
export function problemOf(body: string): { readonly code: string; readonly definite: boolean } | null {
  try {
    const { code, definite } = JSON.parse(body) as Record<string, unknown>;
    return typeof code === "string" && typeof definite === "boolean" ? { code, definite } : null;
  } catch {
    return null;
  }
}
