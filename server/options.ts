/** The command line and the environment, as checked options. Nothing is touched on disk before all of it is right. */
import yargs from "yargs";
import type { LogFormat, LogLevel } from "./log.ts";
import { parsePeerUrl } from "./peer-url.ts";

/** Bad input of the operator: one line that says what to do, exit 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export type ServerOptions = {
  readonly id: number;
  readonly cluster: readonly string[];
  readonly join: boolean;
  /** Rows in RocksDB instead of memory. */
  readonly rocksdb: boolean;
  /** One's own URL, where the list does not have it at one's place. */
  readonly peerUrl: string | null;
  readonly snapshotEntries: number;
  readonly port: number;
  readonly host: string;
  readonly dataDir: string;
  readonly requestTimeoutMs: number;
  readonly electionTimeoutMs: number;
  readonly heartbeatMs: number;
  readonly valueBytesMax: number;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  /** How long an idle client connection stays open. */
  readonly keepAliveMs: number;
  /** 0: as many as the limit on file descriptors gives. */
  readonly connectionsMax: number;
};

/** Each flag with its default and its words; METASTORE_<NAME> in the environment stands for an absent flag. */
const flags = {
  id: { default: "1", describe: "this node's id: at its first start its 1-based place in --cluster" },
  cluster: { default: "http://127.0.0.1:9021", describe: "comma-separated peer URLs" },
  "peer-url": { default: "", describe: "this node's own peer URL, with --join, if --cluster lacks it" },
  "snapshot-entries": { default: "10000", describe: "applied entries between two snapshots, at least" },
  port: { default: "9121", describe: "port of the client HTTP API" },
  host: { default: "127.0.0.1", describe: "address that the client HTTP API listens on" },
  "data-dir": { default: ".", describe: "where the node's directories are" },
  "request-timeout-ms": { default: "5000", describe: "how long a request may wait" },
  "election-timeout-ms": { default: "1000", describe: "patience with a silent leader, at least" },
  "heartbeat-ms": { default: "100", describe: "how often a leader is heard of" },
  "value-bytes-max": { default: "1572864", describe: "longest value" },
  "log-level": { default: "info", describe: "info, warn or silent" },
  "log-format": { default: "text", describe: "text or json" },
  "keep-alive-ms": { default: "75000", describe: "how long an idle client connection stays open" },
  "connections-max": { default: "0", describe: "most client connections; 0: by the limit on file descriptors" },
} as const;
const switches = {
  join: "join a running cluster, after POST /{id} at one of its members",
  rocksdb: "keep rows in RocksDB, under data/{id}, so that they may exceed memory",
} as const;
type Flag = keyof typeof flags;

/** Parses `args`; null where help or the version was asked for and printed. Throws UsageError. */
export function parseOptions(args: readonly string[], env: NodeJS.ProcessEnv, version: string): ServerOptions | null {
  const parser = yargs([...args])
    .scriptName("metaStore")
    .usage("$0 --id 1 --cluster http://127.0.0.1:12379 --port 12380\n\nA node of a replicated key-value store.")
    .parserConfiguration({ "camel-case-expansion": false, "boolean-negation": false, "parse-numbers": false })
    .exitProcess(false)
    .strict()
    .version(version)
    .help()
    .fail((message: string, error: Error | undefined) => {
      throw error instanceof UsageError ? error : new UsageError(message);
    });
  for (const [name, { default: fallback, describe }] of Object.entries(flags)) {
    parser.option(name, { type: "string", describe, defaultDescription: fallback, requiresArg: true });
  }
  for (const [name, describe] of Object.entries(switches)) parser.option(name, { type: "boolean", describe });
  const argv = parser.parseSync() as Record<string, unknown>;
  if (argv["help"] === true || argv["version"] === true) return null;
  const stray = (argv["_"] as string[])[0];
  if (stray !== undefined) throw new UsageError(`unknown argument ${stray}`);
  const text = (name: Flag): string => readText(argv, env, name);
  const switchOn = (name: keyof typeof switches): boolean => argv[name] === true || env[envName(name)] === "true";
  const options: ServerOptions = {
    id: integer("id", text("id"), 1, 999_999_999_999_999),
    cluster: text("cluster")
      .split(",")
      .map((url) => peerUrl(url.trim())),
    join: switchOn("join"),
    rocksdb: switchOn("rocksdb"),
    peerUrl: text("peer-url") === "" ? null : peerUrl(text("peer-url").trim()),
    snapshotEntries: integer("snapshot-entries", text("snapshot-entries"), 1, 1_000_000_000),
    port: integer("port", text("port"), 0, 65_535),
    host: text("host"),
    dataDir: text("data-dir"),
    requestTimeoutMs: integer("request-timeout-ms", text("request-timeout-ms"), 1, 3_600_000),
    electionTimeoutMs: integer("election-timeout-ms", text("election-timeout-ms"), 10, 600_000),
    heartbeatMs: integer("heartbeat-ms", text("heartbeat-ms"), 1, 60_000),
    valueBytesMax: integer("value-bytes-max", text("value-bytes-max"), 1, 16 * 1024 * 1024),
    logLevel: oneOf("log-level", text("log-level"), ["info", "warn", "silent"]),
    logFormat: oneOf("log-format", text("log-format"), ["text", "json"]),
    keepAliveMs: integer("keep-alive-ms", text("keep-alive-ms"), 1, 3_600_000),
    connectionsMax: integer("connections-max", text("connections-max"), 0, 1_000_000),
  };
  checkTogether(options);
  return options;
}

function envName(flag: string): string {
  return `METASTORE_${flag.toUpperCase().replaceAll("-", "_")}`;
}

function readText(argv: Record<string, unknown>, env: NodeJS.ProcessEnv, name: Flag): string {
  const given = argv[name];
  if (Array.isArray(given)) throw new UsageError(`--${name} is given twice`);
  if (given === "") throw new UsageError(`--${name} needs a value`);
  return typeof given === "string" ? given : (env[envName(name)] ?? flags[name].default);
}

function integer(name: Flag, text: string, least: number, most: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(`--${name} takes an integer from ${least} to ${most}, not "${text}"`);
}

function oneOf<T extends string>(name: Flag, text: string, choices: readonly T[]): T {
  const choice = choices.find((one) => one === text);
  if (choice === undefined) throw new UsageError(`--${name} is one of ${choices.join(", ")}, not "${text}"`);
  return choice;
}

function peerUrl(text: string): string {
  const url = parsePeerUrl(text);
  if ("wrong" in url) throw new UsageError(url.wrong);
  return url.url;
}

function checkTogether({ cluster, electionTimeoutMs, heartbeatMs, peerUrl: own, join }: ServerOptions): void {
  if (own !== null && !join) throw new UsageError("--peer-url goes with --join");
  const twice = cluster.find((url, k) => cluster.indexOf(url) !== k);
  if (twice !== undefined) throw new UsageError(`--cluster names ${twice} twice`);
  if (heartbeatMs * 2 > electionTimeoutMs) {
    throw new UsageError(
      `--heartbeat-ms ${heartbeatMs} is more than half of --election-timeout-ms ${electionTimeoutMs}`,
    );
  }
}
