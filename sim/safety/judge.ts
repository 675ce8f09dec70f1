/** Lets the ghost and the laws know what happens. Of an older copy of a directory nothing counts before it is rebound. */
import { foundersConfiguration } from "../../core/node/bootstrap.ts";
import type { Envelope } from "../../core/protocol/message.ts";
import { snapshotPlace } from "../../core/storage/snapshot-store.ts";
import type { Index, NodeId, Term } from "../../core/units.ts";
import type { Events, Subscriber } from "../bus.ts";
import { indexesMustBeOrdered, neededSnapshotMustStay } from "../laws/commit.ts";
import { nodeOptions } from "../node-options.ts";
import type { Plan } from "../plan/plan.ts";
import { leaderRole } from "../trace/vocabulary.ts";
import type { Host } from "../world/host.ts";
import { readSnapshot, rowsOf } from "./ghost-state.ts";
import type { Ghost } from "./ghost.ts";
import { Invariants } from "./invariants.ts";
import type { LyingDiskLedger } from "./lying-disk-ledger.ts";
import { Turn } from "./turn.ts";

/** One for each run that is judged. It says what has happened; the ghost keeps it, and the laws judge it. */
export class Judge implements Subscriber {
  readonly #plan: Plan;
  readonly #ghost: Ghost;
  readonly #lies: LyingDiskLedger;
  readonly #hosts: readonly Host[];
  readonly #events: Pick<Events, "logDurable" | "snapshotDurable">;
  readonly #invariants: Invariants;
  readonly #turn = new Turn();

  /** `events` is told of what the ghost sees become durable. */
  constructor(
    plan: Plan,
    ghost: Ghost,
    lies: LyingDiskLedger,
    hosts: readonly Host[],
    events: Pick<Events, "logDurable" | "snapshotDurable">,
  ) {
    this.#plan = plan;
    this.#ghost = ghost;
    this.#lies = lies;
    this.#hosts = hosts;
    this.#events = events;
    const raftOf = (id: NodeId) => hosts[id - 1]!.node?.replica?.raft ?? null;
    this.#invariants = new Invariants(ghost, raftOf, plan.entriesPerAppendMax);
  }

  sent(from: NodeId, to: NodeId, envelope: Envelope): void {
    this.#invariants.acknowledging(from, envelope);
    if (!this.#hosts[from - 1]!.directory.isOlderCopy) this.#invariants.sent(from, envelope, to);
  }

  received(host: Host, { message }: Envelope): void {
    this.#turn.heard(message, host.node?.replica?.raft ?? null);
  }

  roleChanged({ id, directory }: Host, role: number, term: Term): void {
    if (role !== leaderRole) return;
    const isEarlierHolder = (other: Host): boolean => other.believesInLease && other.node!.replica!.raft.term < term;
    const holders = this.#hosts.filter(isEarlierHolder);
    this.#invariants.elected(
      id,
      term,
      holders.map((other) => other.id),
      directory.isOlderCopy,
    );
  }

  recovered({ id, node, store, directory }: Host): void {
    const replica = node?.replica ?? null;
    if (replica === null || directory.isOlderCopy) return;
    this.#ghost.founded(foundersConfiguration(nodeOptions(this.#plan, id).cluster, replica.genesis));
    this.#ghost.node(id).boundTerm = directory.boundTerm;
    if (this.#lies.liars.has(id)) this.#lies.compareRecovered(this.#ghost.node(id), replica.raft);
    else this.#invariants.recovered(id, replica.raft, store);
  }

  committed({ id, node, directory }: Host, index: Index): void {
    const raft = node?.replica?.raft;
    if (raft !== undefined && !directory.isOlderCopy) this.#invariants.committed(id, index, raft);
  }

  applied({ id, node, directory }: Host, index: Index, _term: Term, digest: number): void {
    if (node?.replica != null && !directory.isOlderCopy) this.#invariants.applied(id, index, digest);
  }

  installed({ id, node, directory }: Host, index: Index, _term: Term, digest: number): void {
    if (node?.replica != null && !directory.isOlderCopy) this.#invariants.installed(id, index, digest);
  }

  wrote({ id, directory }: Host, file: string, offset: number, bytes: Uint8Array, seq: number): void {
    if (!directory.isOlderCopy) this.#ghost.wrote(id, file, offset, bytes, seq);
  }

  synced(host: Host, file: string, throughSeq: number): void {
    if (host.directory.isOlderCopy) return;
    this.#ghost.synced(host.id, file, throughSeq);
    this.#events.logDurable(host, this.#ghost.node(host.id).durable.last);
  }

  removed(host: Host, file: string): void {
    if (this.#actsOnWholeDirectory(host)) this.#ghost.removed(host.id, file);
    else this.#ghost.node(host.id).disk.removed(file);
  }

  truncated(host: Host, file: string, bytes: number): void {
    if (this.#actsOnWholeDirectory(host)) this.#ghost.truncated(host.id, file, bytes);
  }

  snapshotRemoved(host: Host): void {
    const { id, devices } = host;
    if (devices.kv !== null || !this.#actsOnWholeDirectory(host)) return;
    const newest = Math.max(0, ...[...devices.snapshotDisk.contents()].map(keptIndex));
    neededSnapshotMustStay(this.#ghost.node(id), newest);
    this.#ghost.snapshotsLeft(id, newest);
  }

  /** Its own process does it, and nothing else has taken anything from the directory. */
  #actsOnWholeDirectory({ id, node, directory }: Host): boolean {
    return node !== null && !directory.mustRecover && !directory.isOlderCopy && !this.#lies.liars.has(id);
  }

  snapshotsSynced(host: Host, media: ReadonlyMap<string, Uint8Array>): void {
    const { id, directory } = host;
    if (directory.isOlderCopy) return;
    for (const [name, bytes] of media) {
      const place = snapshotPlace(name);
      if (place === null || place.index <= this.#ghost.node(id).snapshot) continue;
      this.#events.snapshotDurable(host, place.index, place.term);
      this.#ghost.snapshotDurable(id, place.index, place.term, this.#lies.liars.has(id) ? null : bytes);
    }
  }

  rowsSynced({ id, devices, directory }: Host): void {
    if (!directory.isOlderCopy) this.#ghost.rowsDurable(id, devices.kv!.contents);
  }

  turnEnded({ id, node, directory }: Host): void {
    const raft = node?.replica?.raft ?? null;
    const acknowledged = this.#turn.end(id, raft);
    if (raft === null || directory.isOlderCopy) return;
    this.#ghost.departures?.noteLog(id, raft.log);
    indexesMustBeOrdered(this.#ghost.node(id), raft.commit, raft.log.lastIndex);
    this.#invariants.configured(id, raft);
    if (acknowledged) this.#invariants.progress(id, raft);
  }

  starting({ id, devices, directory }: Host): void {
    directory.settleMisread();
    if (directory.mustRecover) return; // What is left of a damaged log is set aside.
    const { disk, snapshotDisk, kv } = devices;
    const snapshots = [...snapshotDisk.contents().keys()];
    const isSuspect = this.#lies.liars.has(id);
    const before = this.#ghost.node(id);
    if (isSuspect) this.#ghost.deceived(id);
    const { storeId } = directory;
    const found = kv === null ? null : rowsOf(storeId, kv.contents);
    const rows = found === null ? null : { found, durable: rowsOf(storeId, kv!.durableContents) };
    const makesSense = this.#ghost.restarted(id, disk.contents(), snapshots, rows, isSuspect);
    if (isSuspect) this.#lies.compare(before, this.#ghost.node(id), makesSense);
  }
}

/** The index of a snapshot's file, or 0. A damaged file that was set aside counts: no snapshot is removed with it. */
function keptIndex([name, bytes]: readonly [string, Uint8Array]): Index {
  const setAside = snapshotPlace(name.replace(/^damaged-/, ""));
  const isThere = snapshotPlace(name) !== null || (setAside !== null && !readSnapshot(bytes).ok);
  return isThere ? (setAside?.index ?? 0) : 0;
}
