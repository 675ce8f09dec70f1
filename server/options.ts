/** The command line and the environment, as checked options. Nothing is touched on disk before all of it is right. */
import { type FlagNames, type Flags, type Given, integer, oneOf, readFlags, UsageError } from "./flags.ts";
import type { LogFormat, LogLevel } from "./log.ts";
import { parsePeerUrl } from "./peer-url.ts";

/** What one start of the server is given. Paths are as they were typed; times are in milliseconds. */
export type ServerOptions = {
  readonly id: number;
  readonly cluster: readonly string[];
  readonly join: boolean;
  /** Rows in RocksDB instead of memory. */
  readonly rocksdb: boolean;
  /** This node's own URL, where --cluster does not say it, or the configuration is to be changed. */
  readonly peerUrl: string | null;
  /** Where it listens for peers: elsewhere than its URL says where a proxy or a port mapping is between; null: there. */
  readonly listenPeerUrl: string | null;
  /** A file with the secret that all peers share. */
  readonly peerSecretFile: string | null;
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
  /** For errors. */
  readonly names: FlagNames;
};

/**
 * Parses `args`; null where help, the version or the configuration was asked for and printed. Throws UsageError, which
 * names where the value came from.
 */
export function parseOptions(args: readonly string[], env: NodeJS.ProcessEnv, version: string): ServerOptions | null {
  const flags = readFlags(args, env, version);
  if (flags === null) return null;
  const options = checkedOptions(flags);
  checkTogether(options);
  if (!flags.isOn("print-config")) return options;
  process.stdout.write(`${flags.describe()}\n`);
  return null;
}

function checkedOptions({ value, isOn, names }: Flags): ServerOptions {
  const own = value("peer-url");
  const listen = value("listen-peer-url");
  return {
    id: integer(value("id"), 1, 999_999_999_999_999),
    cluster: peerUrls(value("cluster")),
    join: isOn("join"),
    rocksdb: isOn("rocksdb"),
    peerUrl: own.text === "" ? null : peerUrl(own),
    listenPeerUrl: listen.text === "" ? null : peerUrl(listen),
    peerSecretFile: value("peer-secret-file").text || null,
    snapshotEntries: integer(value("snapshot-entries"), 1, 1_000_000_000),
    port: integer(value("port"), 0, 65_535),
    host: hostName(value("host")),
    dataDir: value("data-dir").text,
    requestTimeoutMs: integer(value("request-timeout-ms"), 1, 3_600_000),
    electionTimeoutMs: integer(value("election-timeout-ms"), 10, 600_000),
    heartbeatMs: integer(value("heartbeat-ms"), 1, 60_000),
    valueBytesMax: integer(value("value-bytes-max"), 1, 16 * 1024 * 1024),
    logLevel: oneOf(value("log-level"), ["info", "warn", "silent"]),
    logFormat: oneOf(value("log-format"), ["text", "json"]),
    keepAliveMs: integer(value("keep-alive-ms"), 1, 3_600_000),
    connectionsMax: integer(value("connections-max"), 0, 1_000_000),
    names,
  };
}

/** A space cannot be seen in what the resolver says of it. */
function hostName({ text, source }: Given): string {
  if (/\s/.test(text)) throw new UsageError(`${source} takes a host name or an address, not "${text}"`);
  return text;
}

function peerUrls({ text, source }: Given): string[] {
  const urls = text.split(",").map((url) => peerUrl({ text: url, source }));
  const twice = urls.find((url, k) => urls.indexOf(url) !== k);
  if (twice !== undefined) throw new UsageError(`${source} names ${twice} twice`);
  return urls;
}

function peerUrl({ text, source }: Given): string {
  const url = parsePeerUrl(text.trim());
  if (!url.ok) throw new UsageError(`${source}: ${url.reason}`);
  return url.value;
}

function checkTogether({ electionTimeoutMs, heartbeatMs, names }: ServerOptions): void {
  if (heartbeatMs * 2 <= electionTimeoutMs) return;
  const heartbeat = `${names["heartbeat-ms"]} ${heartbeatMs}`;
  throw new UsageError(`${heartbeat} is more than half of ${names["election-timeout-ms"]} ${electionTimeoutMs}`);
}
