/** Composes a node on the machine's ports: lock, listen, open, serve; and takes it down again. */
import { isIP } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { Node } from "../core/node/node.ts";
import { sessionLimits } from "../core/kv/sessions.ts";
import { pageLimits } from "../core/limits.ts";
import { nodeDefaults } from "../core/node/defaults.ts";
import { type Ending, isRefusal, type NodeOptions } from "../core/node/options.ts";
import { foundersMax } from "../core/protocol/message-codec.ts";
import { MemoryState } from "../core/storage/memory-state.ts";
import { OrderedState } from "../core/storage/ordered-state.ts";
import type { StateStore } from "../core/storage/state-store.ts";
import { createApi } from "./api/api.ts";
import { revisionOf } from "./api/members.ts";
import { badRequest, type Problem, problemResponse } from "./api/problem.ts";
import { Downloads } from "./api/downloads.ts";
import { Uploads } from "./api/uploads.ts";
import { MachineClock } from "./clock.ts";
import { machineDisk } from "./disk.ts";
import { UsageError } from "./flags.ts";
import { ClientServer } from "./http-server.ts";
import { type DirectoryLock, DirectoryInUse, loadKernelLock, lockDirectory } from "./lock.ts";
import { createLog, type Log } from "./log.ts";
import { useNativeBytes } from "./native.ts";
import { MachineNetwork } from "./network.ts";
import type { ServerOptions } from "./options.ts";
import { RocksKv } from "./ordered-kv.ts";
import { type PeerSecret, readPeerSecret } from "./peer-secret.ts";
import { accessAdvice, placeProblem } from "./place-problem.ts";
import { hasIdentity, makeDirectory, type Places, placesInWords, placesOf } from "./places.ts";
import { machineRandom } from "./random.ts";
import { loadRocksDb } from "./rocksdb/choose.ts";

/** The node could not run: one line, exit 1. */
export class StartError extends Error {
  override readonly name = "StartError";
}

/** What a start gives once the server listens for clients. */
export type RunningServer = {
  /** Takes no more requests, lets what is pending end, closes. */
  stop(): Promise<void>;
};

const lockPatienceMs = 500;
/** Bytes of request bodies in memory, from the first one read to the answer. */
const uploadBytesMax = 64 * 1024 * 1024;
const uploadStallMs = 10_000;
/** While others wait for room, an upload that has taken so long comes at least so fast. */
const uploadPaceMs = 2_000;
const uploadBytesPerSecondMin = 32 * 1024;
/** Bytes of values that clients have asked for and not taken. */
const downloadBytesMax = 64 * 1024 * 1024;
const downloadStallMs = 2_000;
/** How long a node that has stopped still says so before it closes its connections. */
const lameDuckMs = 200;
/** How long an ending process waits for RocksDB to close. */
const releaseMsMax = 5_000;
/** How long a stopping node waits for clients to take their answers. */
const lastAnswersMs = 1_000;

function nodeOptions(options: ServerOptions): NodeOptions {
  return {
    id: options.id,
    cluster: options.cluster,
    peerUrl: options.peerUrl,
    join: options.join,
    directory: placesInWords(options),
    engine: options.rocksdb ? "rocksdb" : "memory",
    ...nodeDefaults,
    snapshotEntries: options.snapshotEntries,
    trailingEntries: Math.min(nodeDefaults.trailingEntries, options.snapshotEntries),
    electionMicros: options.electionTimeoutMs * 1000,
    heartbeatMicros: options.heartbeatMs * 1000,
    requestMicros: options.requestTimeoutMs * 1000,
  };
}

/** `onEnd` is called if the running node cannot go on. Throws UsageError before, StartError after the disk was touched. */
export async function startServer(
  options: ServerOptions,
  version: string,
  onEnd: (ending: Ending) => void,
): Promise<RunningServer> {
  const { id, cluster, port, host, names } = options;
  const secret = peerSecretOf(options);
  const places = placesOf(options);
  // Before what holds at a first start only: data of the other engine are no reason to think that it is one.
  const problem = placeProblem(options);
  if (problem !== null) throw new StartError(problem);
  const ownUrl = options.peerUrl ?? cluster[id - 1];
  if (ownUrl === undefined && !hasIdentity(places)) {
    const hint = options.join ? "; give this node's own URL with --peer-url" : "";
    throw new UsageError(`${names.id} ${id} is not in the ${names.cluster} list of ${cluster.length}${hint}`);
  }
  if (ownUrl === undefined)
    throw new StartError(`${names.cluster} has no URL for node ${id}, which is to listen on it`);
  if (options.peerUrl !== null && !options.join && ownUrl !== cluster[id - 1] && !hasIdentity(places)) {
    throw new UsageError("--peer-url goes with --join at a first start: a founder is reached where --cluster says");
  }
  if (cluster.length > foundersMax && !options.join && !hasIdentity(places)) {
    throw new UsageError(
      `${names.cluster} names ${cluster.length} founders; there may be ${foundersMax}, and others join later`,
    );
  }
  const { store, released } = await storeAt(places);
  const log = createLog(options.logLevel, options.logFormat);
  const network = new MachineNetwork(log, secret);
  const listenUrl = options.listenPeerUrl ?? ownUrl;
  await listenOr(
    () => network.listen(listenHost(listenUrl), Number(new URL(listenUrl).port || "80")),
    `the peer port of ${listenUrl}`,
  );
  const lock = await lockOrSay(places);
  // However the process ends, unless it is killed, no lock is left.
  process.once("exit", lock.release);
  useNativeBytes();
  const onShortage = (): void => {
    log("warn", "no file descriptor is free: files are opened later, and idle clients are disconnected");
    clients.onShortage();
  };
  const machine = { places, store, network, log, onShortage };
  const node = createNode(options, machine, (ending) => {
    // Those who wait have been answered: the answers leave before the process does.
    void endClients(clients)
      .then(() => released())
      .then(() => {
        network.close();
        lock.release();
        onEnd(ending);
      });
  });
  const clients = createClientServer(node, options, version, log);
  let clientPort = 0;
  try {
    await listenOr(async () => {
      clientPort = await clients.listen(host, port);
    }, `the client port ${host}:${port}`);
  } catch (error) {
    network.close();
    lock.release();
    throw error;
  }
  node.start();
  log("info", `node ${id} answers clients at http://${host}:${clientPort} and peers at ${ownUrl}`);
  const running = { node, clients, network, lock, released };
  return { stop: () => stopServer(running, options.requestTimeoutMs) };
}

function createClientServer(node: Node, options: ServerOptions, version: string, log: Log): ClientServer {
  const { valueBytesMax, requestTimeoutMs } = options;
  const api = createApi(node, {
    valueBytesMax,
    version,
    uploads: new Uploads({
      bytesMax: uploadBytesMax,
      waitMs: requestTimeoutMs,
      stallMs: uploadStallMs,
      paceMs: uploadPaceMs,
      bytesPerSecondMin: uploadBytesPerSecondMin,
    }),
    downloads: new Downloads({ bytesMax: downloadBytesMax, waitMs: requestTimeoutMs, stallMs: downloadStallMs }),
    onInternalError: ({ message }) => log("warn", `a request has failed: ${message}`),
  });
  const answer = getRequestListener(api.fetch, {
    // HTTP/1.0 needs no Host header; no answer depends on it.
    hostname: "localhost",
    // The client server discards what is left of a body, within its bounds.
    autoCleanupIncoming: false,
    errorHandler: (error) => problemResponse(requestProblem(error as Error), revisionOf(node)),
  });
  const revision = (): number => node.status().appliedIndex;
  return new ClientServer((incoming, outgoing) => void answer(incoming, outgoing), revision, log, options);
}

/** What went wrong outside the handlers: a target or a Host that is no URL, or a bug. */
function requestProblem({ name, message }: Error): Problem {
  if (name === "RequestError") return badRequest("bad-request", `${message}.`);
  return { status: 500, code: "internal", detail: message, definite: false };
}

function patience(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, releaseMsMax).unref());
}

/** `released` completes once the store, after its end, has let its directory go; or after a while. */
type Storage = { readonly store: StateStore; readonly released: () => Promise<void> };

async function storeAt({ rows }: Places): Promise<Storage> {
  if (rows === null) return { store: new MemoryState(sessionLimits), released: () => Promise.resolve() };
  const library = await loadRocksDb(rows);
  if (!library.ok) throw new StartError(library.reason);
  const map = new RocksKv(library.value, rows);
  return {
    store: new OrderedState(map, sessionLimits, pageLimits),
    released: () => Promise.race([map.released, patience()]),
  };
}

/** What a node of this process stands on. `onShortage`: a file waits for a descriptor. */
type Machine = {
  readonly places: Places;
  readonly store: StateStore;
  readonly network: MachineNetwork;
  readonly log: Log;
  readonly onShortage: () => void;
};

function createNode(
  options: ServerOptions,
  { places, store, network, log, onShortage }: Machine,
  onEnd: (ending: Ending) => void,
): Node {
  const trace = { fact: () => undefined, note: log };
  const ports = {
    clock: new MachineClock(),
    disk: machineDisk(places.log, onShortage),
    snapshotDisk: machineDisk(places.snapshots, onShortage),
    network,
    random: machineRandom,
    trace,
    store,
  };
  const end = (ending: Ending): void => {
    clearInterval(waiting);
    onEnd(isRefusal(ending.code) ? { ...ending, reason: `${places.log}: ${ending.reason}` } : ending);
  };
  const node = new Node(ports, end, nodeOptions(options));
  const waiting = tellWhoIsMissing(node, log);
  network.carry(node);
  return node;
}

function peerSecretOf({ peerSecretFile, names }: ServerOptions): PeerSecret | null {
  if (peerSecretFile === null) return null;
  const secret = readPeerSecret(peerSecretFile, names["peer-secret-file"]);
  if (!secret.ok) throw new UsageError(secret.reason);
  return secret.value;
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

/** Makes the node's directories and locks the one of its log. */
async function lockOrSay({ rows, log, snapshots }: Places): Promise<DirectoryLock> {
  let place = log;
  let lock: DirectoryLock | null = null;
  try {
    for (place of rows === null ? [log] : [rows, log]) makeDirectory(place);
    lock = await lockDirectory(log, await loadKernelLock(), lockPatienceMs);
    place = snapshots;
    makeDirectory(snapshots);
    return lock;
  } catch (error) {
    lock?.release();
    const { message } = error as Error;
    const advice = accessAdvice(error);
    throw new StartError(error instanceof DirectoryInUse ? message : `${place} cannot be used: ${message}${advice}`);
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

/** The node has ended, in whatever way. A request that was on its way then is answered too, and so are readiness probes. */
async function endClients(clients: ClientServer): Promise<void> {
  clients.drain();
  await new Promise((resolve) => setTimeout(resolve, lameDuckMs));
  await clients.close(lastAnswersMs);
}

/** What a server that runs has open. */
type Open = {
  readonly node: Node;
  readonly clients: ClientServer;
  readonly network: MachineNetwork;
  readonly lock: DirectoryLock;
  readonly released: () => Promise<void>;
};

async function stopServer({ node, clients, network, lock, released }: Open, patienceMs: number): Promise<void> {
  // Meanwhile connections stay, so that each request of this time is answered: that the node is stopping.
  clients.drain();
  const hasStopped = await new Promise<boolean>((resolve) => {
    setTimeout(resolve, patienceMs + 500, false).unref();
    node.stop(() => resolve(true));
  });
  await endClients(clients);
  node.kill();
  network.close();
  await released();
  // A disk that has not answered may still write what it was given: then the lock ends with the process.
  if (hasStopped) lock.release();
}
