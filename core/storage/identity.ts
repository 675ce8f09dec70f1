/**
 * Who this directory is: one small file, replaced atomically. It is written before anything else, and its boot counter
 * is raised, durably, at every start before the node says a word.
 */
import { BadBytes, crc32, latin1, latin1Bytes } from "../bytes.ts";
import type { Disk, DiskError, Random } from "../ports.ts";
import { type Checked, passed, refused } from "../result.ts";
import type { ClusterId, Index, NodeId, StoreId, Term } from "../units.ts";
import { startAfresh, startAfreshRemoved } from "./remedies.ts";
import { segmentNumber } from "./wal-record.ts";

/** 2: with the extent of the log. A program that does not keep it up to date must not run on such a directory. */
const formatVersion = 2;
const fileName = "identity";
const draftName = "identity.new";

/** What the founders have agreed on: `storeIds` in the order of the founding list, and `cluster`, the hash of them all. */
export type Genesis = { readonly cluster: ClusterId; readonly storeIds: readonly StoreId[] };

/** The content of the identity file. A directory has one from its first start on; it is replaced as a whole. */
export type Identity = {
  readonly storeId: StoreId;
  readonly node: NodeId;
  readonly engine: Engine;
  /** Starts of this directory, this one included. */
  readonly boot: number;
  /** The founding list: founder k has id k + 1. Empty in a joining directory that is not a member yet. */
  readonly founders: readonly string[];
  /** Null until all founders have seen each other, or a joining directory has been accepted. */
  readonly genesis: Genesis | null;
  /** The log index of the entry that made this directory's node a member; 0 for a founder, and before it is accepted. */
  readonly incarnation: Index;
  /**
   * The store id that this directory had before its log was found damaged; null: it is whole. Until a committed
   * configuration has bound the new id, under a new incarnation, it takes no part: core/node/cluster-entry.ts.
   */
  readonly lost: StoreId | null;
  /** The store ids that this directory had before its log was lost, once or more. */
  readonly former: readonly StoreId[];
  /** It was rebound: as this incarnation it votes for nobody before it holds the entry that says so. */
  readonly rebound: boolean;
  /** It takes no part in this term's election, nor in an earlier one: the term in which it was accepted; 0 for a founder. */
  readonly sinceTerm: Term;
  /** A committed configuration is without this incarnation: it never takes part again. */
  readonly removed: boolean;
  /** What of the log is surely on the disk. Null: none was begun, or a program of format 1 has left the directory. */
  readonly log: LogExtent | null;
};

/**
 * How far the log reaches, told outside of it: files that are gone cannot say so themselves. It is durable before the
 * node first votes or acknowledges, before anything is written behind the head of a new segment, and before a segment
 * is removed.
 */
export type LogExtent = {
  /** The oldest segment that recovery needs. An earlier segment may still be there. */
  readonly firstSegment: number;
  /** The newest segment that was begun. */
  readonly lastSegment: number;
  /** Position in the whole log up to which it was durable then; the watermarks in it may reach further. */
  readonly durableThrough: number;
};

/** Where rows live. It is a part of the identity: a directory of the other engine is refused. */
export type Engine = "memory" | "rocksdb";
/** What the operator has said about this node. */
export type Claim = {
  readonly id: NodeId;
  readonly engine: Engine;
  readonly cluster: readonly string[];
  readonly join: boolean;
  /** Names this node's directories in a line for the operator. */
  readonly directory: string;
};

/** Why a directory, whole as it is, is not opened. */
export type IdentityRefusal =
  | "not-ours" // it is another node's, engine's or cluster's than the operator says, or nobody's
  | "was-removed" // its node was removed from the cluster
  | "newer-format"; // a later version of this program has written it

/** The identity, or why there is none. `reason`: one line for the operator. `disk`: the disk failed. */
export type IdentityResult = IdentityRead | { readonly ok: false; readonly kind: "disk"; readonly error: DiskError };
type IdentityRead =
  | { readonly ok: true; readonly value: Identity }
  | { readonly ok: false; readonly kind: "refused"; readonly code: IdentityRefusal; readonly reason: string };

/** `occasion` counts the ids that a directory has had. */
export function storeIdFrom(random: Random, occasionOf: number): StoreId {
  const words = [1, 2, 3, 4]
    .map((k) => occasionOf * 4 + k)
    .map((occasion) => random.draw("store-id", occasion, 0x100000000));
  return words.map((word) => word.toString(16).padStart(8, "0")).join("");
}

/** The same founders with the same directories give the same id on every member. FNV-1a, four lanes. */
export function genesisOf(founders: readonly string[], storeIds: readonly StoreId[]): Genesis {
  const text = founders.map((url, k) => `${k + 1}=${url}=${storeIds[k]}`).join(",");
  const lanes = [0x811c9dc5, 0x01000193, 0x9e3779b9, 0x85ebca6b].map((seed) => {
    let hash = seed;
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) ^ (hash >>> 15);
    return (hash >>> 0).toString(16).padStart(8, "0");
  });
  return { cluster: lanes.join(""), storeIds };
}

/** One line of JSON and one of its CRC-32 in hex, so that an operator can read it and damage is found. */
export function encodeIdentity(identity: Identity): Uint8Array {
  const line = JSON.stringify(renamed({ format: formatVersion, ...identity }, "rebound", "anew"));
  return latin1Bytes(`${line}\n${crc32(latin1Bytes(line), 0).toString(16).padStart(8, "0")}\n`);
}

/** `fields` with one name for another, in its place. In the file `rebound` has the name that it was first written with. */
function renamed(fields: object, from: string, to: string): object {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name === from ? to : name, value as unknown]),
  );
}

class NewerFormat extends BadBytes {}

/** Throws BadBytes. */
export function decodeIdentity(bytes: Uint8Array): Identity {
  const [line, crc] = latin1(bytes).split("\n");
  if (line === undefined || crc === undefined) throw new BadBytes("the file is cut off");
  if (crc32(latin1Bytes(line), 0) !== Number.parseInt(crc, 16)) throw new BadBytes("the checksum is wrong");
  const { format, ...identity } = renamed(JSON.parse(line) as object, "anew", "rebound") as Identity & {
    format: number;
  };
  if (format > formatVersion) throw new NewerFormat(`format ${format} is newer than this program's ${formatVersion}`);
  return { ...identity, former: identity.former ?? [], log: identity.log ?? null };
}

/**
 * Opens the identity of `disk` for what the operator claims, or creates it in an empty directory. When it completes, the
 * returned identity, its boot counter raised, is durable.
 */
export function openIdentity(disk: Disk, random: Random, claim: Claim, done: (result: IdentityResult) => void): void {
  const onDiskError = (error: DiskError): void => done({ ok: false, kind: "disk", error });
  const refuse = (reason: string, code: IdentityRefusal = "not-ours"): void => {
    done({ ok: false, kind: "refused", code, reason });
  };
  const save = (identity: Identity): void => {
    saveIdentity(disk, identity, (error) =>
      error === null ? done({ ok: true, value: identity }) : onDiskError(error),
    );
  };
  disk.list((error, names) => {
    if (error !== null) return onDiskError(error);
    if (!names.includes(fileName)) {
      const empty = checkEmpty(names, claim);
      if (!empty.ok) return refuse(empty.reason);
      const isFounder = claim.id <= claim.cluster.length;
      if (!claim.join && !isFounder) {
        return refuse(`--id ${claim.id} is not in the --cluster list of ${claim.cluster.length}`);
      }
      return save(firstIdentity(storeIdFrom(random, 0), claim));
    }
    readIdentity(disk, claim, onDiskError, (read) => {
      if (!read.ok) return done(read);
      const identity = read.value;
      const owned = checkOwner(identity, claim);
      if (!owned.ok) return refuse(owned.reason);
      if (identity.removed)
        return refuse(`${removedReason(claim.id)}: ${startAfreshRemoved(claim.id, claim.directory)}`, "was-removed");
      const { founders } = mayStillJoin(identity, claim) ? { founders: [] } : identity;
      save({ ...identity, founders, boot: identity.boot + 1 });
    });
  });
}

/** Whether a directory without an identity is as good as empty; else what it holds, and what to do about it. */
function checkEmpty(names: readonly string[], claim: Claim): Checked {
  const segment = names.find((name) => segmentNumber(name.replace(/^damaged-/, "")) !== null);
  const stray = segment ?? names.find((name) => name !== draftName);
  if (stray === undefined) return passed;
  const remedy = segment === undefined ? `move ${stray} away` : startAfresh(claim);
  return refused(`the directory holds ${stray} but no ${fileName} file: ${remedy}`);
}

/**
 * A founder's directory that has never taken part may join instead: the cluster was founded without it. It has told
 * others its store id, at most; it runs, and so votes and acknowledges, only once it has a genesis.
 */
function mayStillJoin({ genesis, founders, lost }: Identity, { join }: Claim): boolean {
  return join && genesis === null && lost === null && founders.length > 0;
}

/** The log of `identity` cannot be trusted: what it becomes until others have bound its new store id. */
export function withLostLog(identity: Identity, random: Random): Identity {
  const { storeId, boot, former } = identity;
  // Members know the id that was bound last, however often a log is lost before the next one is.
  const lost = identity.lost ?? storeId;
  return { ...identity, storeId: storeIdFrom(random, boot), lost, former: [...former, storeId], log: null };
}

function firstIdentity(storeId: StoreId, { id, engine, cluster, join }: Claim): Identity {
  const founders = join ? [] : cluster;
  return {
    storeId,
    node: id,
    engine,
    boot: 1,
    founders,
    genesis: null,
    incarnation: 0,
    lost: null,
    former: [],
    rebound: false,
    sinceTerm: 0,
    removed: false,
    log: null,
  };
}

/** Why node `id` ends or does not start, in the operator's words. */
export function removedReason(id: NodeId): string {
  return `node ${id} was removed from the cluster, or is a member with another directory`;
}

/** Whether the directory is the one that the operator means. */
function checkOwner(identity: Identity, { id, engine }: Claim): Checked {
  if (identity.node !== id) return refused(`the directory belongs to node ${identity.node}, not node ${id}`);
  if (identity.engine !== engine)
    return refused(`the directory belongs to the ${identity.engine} engine, not ${engine}`);
  return passed;
}

function readIdentity(
  disk: Disk,
  claim: Claim,
  onDiskError: (error: DiskError) => void,
  done: (read: IdentityRead) => void,
): void {
  disk.open(fileName, false, (error, file) => {
    if (error !== null || file === null) return onDiskError(error ?? { code: "EIO", message: "no file" });
    file.read(0, file.sizeBytes, (failure, bytes) => {
      file.close();
      if (failure !== null) return onDiskError(failure);
      done(readBack(bytes, claim));
    });
  });
}

function readBack(bytes: Uint8Array, claim: Claim): IdentityRead {
  try {
    return { ok: true, value: decodeIdentity(bytes) };
  } catch (thrown) {
    if (!(thrown instanceof BadBytes) && !(thrown instanceof SyntaxError)) throw thrown;
    const isNewer = thrown instanceof NewerFormat;
    const remedy = isNewer ? "start the newer program again" : startAfresh(claim);
    const reason = `the ${fileName} file cannot be read: ${thrown.message}: ${remedy}`;
    return { ok: false, kind: "refused", code: isNewer ? "newer-format" : "not-ours", reason };
  }
}

/** Write aside, sync, rename, sync the directory: at any crash the old or the new one is there, whole. */
export function saveIdentity(disk: Disk, identity: Identity, done: (error: DiskError | null) => void): void {
  disk.open(draftName, true, (error, file) => {
    if (error !== null || file === null) return done(error ?? { code: "EIO", message: "no file" });
    const bytes = encodeIdentity(identity);
    file.truncate(0, (cutError) => {
      if (cutError !== null) return done(cutError);
      const writeError = file.write(0, bytes);
      if (writeError !== null) return done(writeError);
      file.sync((syncError) => {
        file.close();
        if (syncError !== null) return done(syncError);
        disk.rename(draftName, fileName, (renameError) => {
          if (renameError !== null) return done(renameError);
          disk.syncDirectory(done);
        });
      });
    });
  });
}
