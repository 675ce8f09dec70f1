/** Composes a node on the machine's ports: lock, listen, open, serve; and takes it down again. */
import { existsSync, mkdirSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { isIP } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { Node } from "../core/node/node.ts";
import { sessionLimits } from "../core/kv/sessions.ts";
import type { Ending, NodeOptions } from "../core/node/options.ts";
import { MemoryState } from "../core/storage/memory-state.ts";
import { OrderedState } from "../core/storage/ordered-state.ts";
import type { StateStore } from "../core/storage/state-store.ts";
import { createApi } from "./api/api.ts";
import { MachineClock } from "./clock.ts";
import { machineDisk } from "./disk.ts";
import { lockDirectory, unlockDirectory } from "./lock.ts";
import { createLog, type Log } from "./log.ts";
import { useNativeBytes } from "./native.ts";
import { MachineNetwork } from "./network.ts";
import { type ServerOptions, UsageError } from "./options.ts";
import { loadRocksDb, rocksKv } from "./ordered-kv.ts";
import { missingPlace, type Places, placesOf } from "./places.ts";
import { type PeerSecret, readPeerSecret } from "./peer-secret.ts";
import { machineRandom } from "./random.ts";

/** The node could not run: one line, exit 1. */
export class StartError extends Error {
  override readonly name = "StartError";
}

export type RunningServer = {
  /** Takes no more requests, lets what is pending end, closes. */
  stop(): Promise<void>;
};

const waitingMax = 20_000;

function nodeOptions(options: ServerOptions): NodeOptions {
  return {
    id: options.id,
    cluster: options.cluster,
    peerUrl: options.peerUrl,
    join: options.join,
    engine: options.rocksdb ? "rocksdb" : "memory",
    snapshotEntries: options.snapshotEntries,
    snapshotBytes: 64 * 1024 * 1024,
    trailingEntries: Math.min(5_000, options.snapshotEntries),
    trailingBytes: 16 * 1024 * 1024,
    snapshotChunkBytes: 64 * 1024,
    electionMicros: options.electionTimeoutMs * 1000,
    heartbeatMicros: options.heartbeatMs * 1000,
    requestMicros: options.requestTimeoutMs * 1000,
    entriesPerAppendMax: 1_024,
    bytesPerAppendMax: 1024 * 1024,
    entriesInFlightMax: 16_384,
    bytesInFlightMax: 8 * 1024 * 1024,
    messagesInFlightMax: 256,
    uncommittedBytesMax: 64 * 1024 * 1024,
    waitingMax,
    entriesPerApplyMax: 1_024,
    walSegmentBytesMax: 64 * 1024 * 1024,
  };
}

/** `onEnd` is called if the running node cannot go on. Throws UsageError before, StartError after the disk was touched. */
export async function startServer(
  options: ServerOptions,
  version: string,
  onEnd: (ending: Ending) => void,
): Promise<RunningServer> {
  const { id, cluster, port, host } = options;
  const secret = peerSecretOf(options);
  const places = placesOf(options);
  const directory = places.log;
  const ownUrl = options.peerUrl ?? cluster[id - 1];
  if (ownUrl === undefined && !existsSync(directory)) {
    const hint = options.join ? "; give this node's own URL with --peer-url" : "";
    throw new UsageError(`--id ${id} is not in the --cluster list of ${cluster.length}${hint}`);
  }
  if (ownUrl === undefined) throw new StartError(`--cluster has no URL for node ${id}, which is to listen on it`);
  if (options.peerUrl !== null && !options.join && ownUrl !== cluster[id - 1] && !existsSync(directory)) {
    throw new UsageError("--peer-url goes with --join at a first start: a founder is reached where --cluster says");
  }
  const missing = missingPlace(options);
  if (missing !== null) throw new StartError(missing);
  const store = await storeAt(places);
  const log = createLog(options.logLevel, options.logFormat);
  const network = new MachineNetwork(log, secret);
  await listenOr(
    () => network.listen(listenHost(ownUrl), Number(new URL(ownUrl).port || "80")),
    `the peer port of ${ownUrl}`,
  );
  const holder = tryLock(directory);
  if (holder !== null) {
    network.close();
    throw new StartError(holder);
  }
  mkdirSync(places.snapshots, { recursive: true, mode: 0o700 });
  useNativeBytes();
  const node = createNode(options, places, store, network, log, onEnd);
  const answer = getRequestListener(createApi(node, { valueBytesMax: options.valueBytesMax, version }).fetch);
  const api = createServer((request, response) => void answer(request, response));
  try {
    await listenOr(() => listenOn(api, host, port), `the client port ${host}:${port}`);
  } catch (error) {
    network.close();
    unlockDirectory(directory);
    throw error;
  }
  node.start();
  log(
    "info",
    `node ${id} answers clients at http://${host}:${(api.address() as { port: number }).port} and peers at ${ownUrl}`,
  );
  return { stop: () => stopServer(node, api, network, directory, options.requestTimeoutMs) };
}

async function storeAt({ rows }: Places): Promise<StateStore> {
  if (rows === null) return new MemoryState(sessionLimits);
  const rocksDb = await loadRocksDb();
  if ("open" in rocksDb) return new OrderedState(rocksKv(rocksDb.open, rows), sessionLimits);
  throw new StartError(`RocksDB is not installed (npm install rocksdb level-rocksdb): ${rocksDb.missing}`);
}

function createNode(
  options: ServerOptions,
  places: Places,
  store: StateStore,
  network: MachineNetwork,
  log: Log,
  onEnd: (ending: Ending) => void,
): Node {
  const trace = { fact: () => undefined, note: log };
  const ports = {
    clock: new MachineClock(),
    disk: machineDisk(places.log),
    snapshotDisk: machineDisk(places.snapshots),
    network,
    random: machineRandom,
    trace,
    store,
  };
  const node = new Node(
    ports,
    (ending) => {
      clearInterval(waiting);
      onEnd(ending);
    },
    nodeOptions(options),
  );
  const waiting = tellWhoIsMissing(node, log);
  network.carry(node);
  return node;
}

function peerSecretOf({ peerSecretFile }: ServerOptions): PeerSecret | null {
  if (peerSecretFile === null) return null;
  const secret = readPeerSecret(peerSecretFile);
  if ("wrong" in secret) throw new UsageError(secret.wrong);
  return secret;
}

/** Says for whom a founder waits, whenever that changes. */
function tellWhoIsMissing(node: Node, log: Log): NodeJS.Timeout {
  let told = "";
  const timer = setInterval(() => {
    const { waitingFor, role } = node.status();
    const founders = waitingFor.map(({ id, url }) => `founder ${id} at ${url}`).join(", ");
    const missing = role === "joining" ? joiningWords(node) : founders;
    if (missing !== "" && missing !== told) log("info", `waiting for ${missing}`);
    told = missing;
    if (role !== "founding" && role !== "opening" && role !== "joining") clearInterval(timer);
  }, 1_000);
  return timer.unref();
}

function joiningWords(node: Node): string {
  return `a member's word that node ${node.status().id} was added (POST /${node.status().id} with its peer URL)`;
}

/** The address to listen on: that of the URL if it is one of this machine's kind of names, else all. */
function listenHost(url: string): string | undefined {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, "");
  return isIP(host) !== 0 || host === "localhost" ? host : undefined;
}

function tryLock(directory: string): string | null {
  try {
    const pid = lockDirectory(directory);
    return pid === null ? null : `${directory} is in use by process ${pid}`;
  } catch (error) {
    return `${directory} cannot be used: ${(error as Error).message}`;
  }
}

async function listenOr(listen: () => Promise<void>, what: string): Promise<void> {
  try {
    await listen();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new StartError(code === "EADDRINUSE" ? `${what} is in use` : `${what} cannot be had: ${message}`);
  }
}

function listenOn(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => resolve());
  });
}

async function stopServer(
  node: Node,
  api: Server,
  network: MachineNetwork,
  directory: string,
  patienceMs: number,
): Promise<void> {
  api.close();
  api.closeIdleConnections();
  await new Promise<void>((resolve) => {
    setTimeout(resolve, patienceMs + 500).unref();
    node.stop(() => resolve());
  });
  // The last answers are on their way to the sockets.
  await new Promise((resolve) => setImmediate(resolve));
  api.closeIdleConnections();
  node.kill();
  network.close();
  unlockDirectory(directory);
}
