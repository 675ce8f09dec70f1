/**
 * A node inside your own program: a cluster of one, durable in a folder. Its ports are yours; here each is as short as
 * it can be. Run it twice: `embedded-node FOLDER`.
 */
import fs from "node:fs";
import { randomInt } from "node:crypto";
import { join } from "node:path";
import {
  always,
  type Clock,
  type Disk,
  type DiskError,
  type DiskFile,
  type Ending,
  MemoryState,
  type Network,
  Node,
  nodeDefaults,
  noSession,
  type ReadOutcome,
  sessionLimits,
  type Trace,
  type WriteOutcome,
} from "metastore/core";

const clock: Clock = {
  now: () => Math.floor(performance.now() * 1000),
  timer: (fire) => {
    let handle: NodeJS.Timeout | undefined;
    const clear = (): void => clearTimeout(handle);
    const set = (at: number): void => {
      clear();
      handle = setTimeout(fire, Math.max(0, Math.ceil((at - clock.now()) / 1000)));
    };
    return { set, clear };
  },
  endOfTurn: (run) => void setImmediate(run),
};

/** What `run` returns, or the error that it throws as core takes errors. */
function attempt<T>(run: () => T): [DiskError, null] | [null, T] {
  try {
    return [null, run()];
  } catch (error) {
    const { code = "EIO", message } = error as NodeJS.ErrnoException;
    return [{ code, message }, null];
  }
}

function fileOf(fd: number): DiskFile {
  return {
    get sizeBytes() {
      return fs.fstatSync(fd).size;
    },
    read: (offset, lengthBytes, done) => {
      const bytes = new Uint8Array(lengthBytes);
      const [error, count] = attempt(() => fs.readSync(fd, bytes, 0, lengthBytes, offset));
      done(error ?? (count === lengthBytes ? null : { code: "SHORT", message: "the file ends early" }), bytes);
    },
    write: (offset, bytes) => {
      const [error, count] = attempt(() => fs.writeSync(fd, bytes, 0, bytes.length, offset));
      return error ?? (count === bytes.length ? null : { code: "SHORT", message: "the disk takes no more" });
    },
    sync: (done) => done(attempt(() => fs.fdatasyncSync(fd))[0]),
    truncate: (sizeBytes, done) => done(attempt(() => fs.ftruncateSync(fd, sizeBytes))[0]),
    close: () => fs.closeSync(fd),
  };
}

function syncFolder(folder: string): void {
  const fd = fs.openSync(folder, "r");
  fs.fsyncSync(fd);
  fs.closeSync(fd);
}

/** A folder of this machine. The calls wait for the disk: a server does so on other threads. */
function diskAt(folder: string): Disk {
  fs.mkdirSync(folder, { recursive: true });
  return {
    list: (done) => {
      const [error, names] = attempt(() => fs.readdirSync(folder));
      done(error, names ?? []);
    },
    open: (name, create, done) => {
      const flags = fs.constants.O_RDWR | (create ? fs.constants.O_CREAT : 0);
      const [error, fd] = attempt(() => fs.openSync(join(folder, name), flags));
      done(error, fd === null ? null : fileOf(fd));
    },
    rename: (from, to, done) => done(attempt(() => fs.renameSync(join(folder, from), join(folder, to)))[0]),
    remove: (name, done) => done(attempt(() => fs.unlinkSync(join(folder, name)))[0]),
    syncDirectory: (done) => done(attempt(() => syncFolder(folder))[0]),
  };
}

/** Nobody else is there. */
const network: Network = {
  send: () => false,
  connected: () => false,
  setPeers: () => undefined,
  restart: () => undefined,
  redial: () => undefined,
};

const trace: Trace = { fact: () => undefined, note: (level, text) => console.log(`${level}: ${text}`) };

const folder = process.argv[2] ?? "embedded-node";
const ports = {
  clock,
  disk: diskAt(join(folder, "log")),
  snapshotDisk: diskAt(join(folder, "snapshots")),
  network,
  random: { draw: (_site: string, _occasion: number, bound: number) => randomInt(bound) },
  trace,
  store: new MemoryState(sessionLimits),
};
const onEnd = ({ reason }: Ending): void => {
  console.error(`the node has ended: ${reason}`);
  process.exit(1);
};
const node = new Node(ports, onEnd, {
  ...nodeDefaults,
  id: 1,
  cluster: ["http://localhost:1"],
  peerUrl: null,
  join: false,
  directory: folder,
  engine: "memory",
});
node.start();
while (!node.readiness().ready) await new Promise((done) => setTimeout(done, 10));

const before = await new Promise<ReadOutcome>((done) => node.read("runs", false, done));
if (!before.ok) throw new Error(`no answer: ${before.code}`);
const value = String(Number(before.value.row?.value ?? "0") + 1);
const written = await new Promise<WriteOutcome>((done) => {
  node.write({ op: "put", key: "runs", value, condition: always }, noSession, done);
});
if (!written.ok) throw new Error(`not written: ${written.code}`);
console.log(`run ${value} of this folder`);
await new Promise<void>((done) => node.stop(done));
