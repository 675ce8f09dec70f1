/**
 * A node that takes part: Raft, the log, the state and whoever waits, and the one turn in which the order of persist,
 * send and apply is decided.
 *
 * Everything a turn brings (messages, completions, requests) is taken first; one flush at its end then, in this order,
 * lets deadlines act, hands requests over, writes to the WAL, sends, applies, answers. Sending does not wait for the
 * own write: Raft holds back what must.
 */
import type { Command } from "../kv/command.ts";
import type { Clock, Disk, DiskError, Network, Random, Trace } from "../ports.ts";
import { RaftLog } from "../raft/log.ts";
import { isVoter, type Change } from "../raft/membership.ts";
import type { Envelope, Message, Outgoing, ReadGrant, Ready, SnapshotChunk } from "../raft/messages.ts";
import { Raft } from "../raft/raft.ts";
import type { Genesis, Identity } from "../storage/identity.ts";
import type { JoinedLog } from "../storage/join-log.ts";
import type { SnapshotFile } from "../storage/snapshot-store.ts";
import type { StateStore } from "../storage/state-store.ts";
import { Wal } from "../storage/wal.ts";
import type { Index, Micros, NodeId } from "../units.ts";
import { Applier } from "./applier.ts";
import { Changes } from "./changes.ts";
import { LostState } from "./lost-state.ts";
import type { Opened } from "./opening.ts";
import type { ChangeResult, Ending, NodeOptions, ReadOutcome, SessionKey, WriteOutcome } from "./options.ts";
import { PeerAdmission } from "./peer-admission.ts";
import type { Peers } from "./peers.ts";
import { Reads } from "./reads.ts";
import { SnapshotReceiver, SnapshotSender } from "./snapshot-transfer.ts";
import { Snapshotting } from "./snapshotting.ts";
import { Writes } from "./writes.ts";

const idleMarkMicros: Micros = 100_000;
const roleCodes = { follower: 0, "pre-candidate": 1, candidate: 2, leader: 3 } as const;

/** What a running node needs of the one around it. */
export interface RunningHost {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly network: Network;
  readonly peers: Peers;
  readonly random: Random;
  readonly trace: Trace;
  readonly store: StateStore;
  /** Asks for a flush at the end of this turn. */
  schedule(): void;
  end(ending: Ending): void;
  failDisk(error: DiskError): void;
}

export class Running {
  readonly genesis: Genesis;
  readonly raft: Raft;
  readonly wal: Wal;
  readonly admission: PeerAdmission;
  readonly #host: RunningHost;
  readonly #options: NodeOptions;
  readonly #identity: Identity;
  readonly #opened: Opened;
  readonly #applier: Applier;
  readonly #writes: Writes;
  readonly #reads: Reads;
  readonly #changes: Changes;
  readonly #snapshotting: Snapshotting;
  readonly #sender: SnapshotSender;
  readonly #receiver: SnapshotReceiver;
  readonly #lostState: LostState;
  #incoming: SnapshotFile | null = null;
  #reported = { role: -1, term: -1, leader: -1, commit: 0, configuration: -1, committedConfiguration: -1 };
  #knockAt: Micros = 0;

  constructor(
    host: RunningHost,
    options: NodeOptions,
    identity: Identity,
    genesis: Genesis,
    opened: Opened,
    joined: JoinedLog,
  ) {
    const { clock, store } = host;
    const { boot, node, storeId } = identity;
    this.genesis = genesis;
    this.#host = host;
    this.#options = options;
    this.#identity = identity;
    this.#opened = opened;
    const log = new RaftLog(joined.base, joined.entries);
    // An index may have been bound twice, in two terms: a leader of before the welcome is not listened to.
    const isNew = opened.hardState.term < identity.sinceTerm;
    const hardState = isNew ? { term: identity.sinceTerm, vote: node } : opened.hardState;
    const { index } = store.applied;
    this.raft = new Raft(
      { ...options, boot, incarnation: identity.incarnation, electsFrom: identity.anew ? identity.incarnation : 0 },
      hardState,
      log,
      index,
      host.random,
      clock.now(),
    );
    const failDisk = (error: DiskError): void => host.failDisk(error);
    this.wal = new Wal(host.disk, clock, storeId, opened.tail, failDisk, {
      segmentBytesMax: options.walSegmentBytesMax,
      idleMarkMicros,
    });
    this.#reported.commit = this.raft.commit;
    if (joined.needsBase) this.wal.replaceBy(joined.base);
    this.admission = new PeerAdmission(identity, genesis, this.raft);
    this.#writes = new Writes(node, identity.incarnation, boot);
    this.#reads = new Reads(node, boot, store, failDisk, 2 * options.heartbeatMicros);
    const announcedUrl = opened.identity.genesis === null ? null : options.peerUrl;
    this.#changes = new Changes(node, boot, announcedUrl, options.electionMicros, options.heartbeatMicros);
    this.#applier = new Applier(store, this.#applierHost(), options.entriesPerApplyMax);
    this.#snapshotting = new Snapshotting(
      opened.snapshots,
      store,
      this.raft,
      this.wal,
      genesis.cluster,
      host.trace,
      () => host.schedule(),
      failDisk,
      options,
    );
    this.#lostState = new LostState(store, this.raft, node, host.trace, 4 * options.heartbeatMicros);
    this.#sender = new SnapshotSender(opened.snapshots, this.raft, failDisk, (outgoing) => this.#send(outgoing), {
      chunkBytes: options.snapshotChunkBytes,
      resendMicros: 4 * options.heartbeatMicros,
    });
    this.#receiver = new SnapshotReceiver(opened.snapshots, failDisk, host.trace, (snapshot) => {
      this.#incoming = snapshot;
      host.schedule();
    });
  }

  #applierHost(): ConstructorParameters<typeof Applier>[1] {
    return {
      entryAt: (index) => this.raft.log.entryAt(index),
      onApplied: (entry, applied) => {
        this.#writes.onApplied(entry, applied);
        this.#snapshotting.applied(entry.bytes.length);
      },
      onBatch: (entry) => {
        this.#host.trace.fact("applied", entry.index, entry.term, this.#host.store.hash.digest);
        this.#host.schedule();
      },
      onFailure: (kind, reason) => this.#host.end({ kind, reason }),
    };
  }

  get waitingCount(): number {
    return this.#writes.count + this.#reads.count + this.#changes.count;
  }

  // --- requests

  write(command: Command, key: SessionKey, deadline: Micros, done: (outcome: WriteOutcome) => void): number {
    return this.#writes.add(command, key, deadline, done);
  }

  cancelWrite(handle: number): void {
    this.#writes.cancel(handle);
  }

  read(key: string, lease: boolean, done: (outcome: ReadOutcome) => void): void {
    this.#reads.add(key, lease, done);
  }

  change(change: Change, deadline: Micros, done: (result: ChangeResult) => void): void {
    this.#changes.add(change, deadline, done);
  }

  /** Begins to hand the leadership over, if this node has it and there is somebody. */
  handOver(now: Micros, unfit: (id: NodeId) => boolean = () => false): void {
    const { leadership } = this.raft;
    // One that does not answer would be waited for in vain, again and again.
    const since = now - this.#options.electionMicros;
    const to = leadership?.successor((id) => unfit(id) || !leadership.isActive(id, since)) ?? 0;
    if (to !== 0 && leadership?.transferee === 0) this.raft.transfer(now, to);
  }

  /** Takes a message from the network; what is not meant for this node is dropped. */
  receive(envelope: Envelope, answer: (envelope: Envelope) => void): void {
    const { message, from, cluster } = envelope;
    const now = this.#host.clock.now();
    if (message.kind === "join-request") {
      const knowsCluster = cluster === this.genesis.cluster;
      if (!knowsCluster && cluster !== "") return;
      const reply = this.admission.onJoinRequest(now, from, message, knowsCluster);
      if (reply !== null) answer(this.#envelope(from, reply));
      return;
    }
    const admitted = this.admission.checkEnvelope(envelope);
    if (admitted === true) return this.#take(now, from, message);
    if (admitted === false) return;
    if (admitted.kind === "removed") answer(this.#envelope(from, admitted));
    else this.#send({ to: from, message: admitted });
  }

  #take(now: Micros, from: NodeId, message: Message): void {
    switch (message.kind) {
      case "read-reply":
        return this.#reads.onGrant(message);
      case "forward-refused":
        return this.#writes.onRefused(message);
      case "change":
        return this.#changes.onRequest(from, message, now + this.#options.requestMicros);
      case "change-reply":
        return this.#changes.onReply(message);
      case "snapshot-wanted":
        return this.#sender.onWanted(from, message.index, now);
      case "snapshot-chunk":
        return this.#onChunk(now, from, message);
      case "snapshot-reply":
        this.raft.receive(now, from, message);
        if (message.term === this.raft.term) this.#sender.onReply(from, message, now);
        return;
      default:
        return this.raft.receive(now, from, message);
    }
  }

  #onChunk(now: Micros, from: NodeId, chunk: SnapshotChunk): void {
    if (!this.raft.hear(now, from, chunk.term)) return;
    const { isLost } = this.#lostState;
    if (isLost ? chunk.index < this.raft.log.baseIndex : this.raft.acknowledgeUpTo(chunk.index)) return;
    this.#receiver.onChunk(chunk, (message) => this.#send({ to: from, message }));
  }

  // --- the turn

  /** Does what the turn has brought; returns when to be woken. */
  flush(now: Micros): Micros {
    const { raft, wal } = this;
    const { network } = this.#host;
    raft.tick(now);
    const hasLostRows = (id: NodeId): boolean =>
      id === this.#options.id ? this.#lostState.isLost : this.#sender.isWantedBy(id, now);
    const asked = [
      ...this.#writes.dispatch(now, raft, (to) => network.connected(to)),
      ...this.#reads.dispatch(now, now + this.#options.requestMicros, raft),
      ...this.#changes.dispatch(now, raft, hasLostRows),
      ...this.#lostState.ask(now),
    ];
    const ready: Ready = raft.ready(now);
    this.#report();
    if (ready.persist !== null) {
      const { seq } = ready.persist;
      wal.append(ready.persist, () => {
        raft.persisted(this.#host.clock.now(), seq);
        this.#host.schedule();
      });
    }
    for (const outgoing of asked) this.#send(outgoing);
    for (const outgoing of ready.messages) this.#send(outgoing);
    for (const grant of ready.reads) this.#grant(grant);
    this.#knock(now);
    this.#install();
    if (this.#lostState.mayHandOver(now)) this.handOver(now, hasLostRows);
    if (!this.#lostState.isLost && this.#applier.advance(this.#mayApply)) this.#host.schedule();
    this.#sender.advance(now);
    this.#snapshotting.advance(this.#sender.wantedIndex);
    this.#snapshotting.compact(this.#sender.keepAfter);
    this.#reads.serve();
    this.#writes.expire(now);
    this.#reads.expire(now);
    this.#changes.expire(now);
    if (this.#isOut()) {
      this.#changes.departed();
      this.#host.end({ kind: "removed", reason: removedReason(this.#options.id) });
    }
    const { hopeless } = this.#lostState;
    if (hopeless !== null) this.#host.end({ kind: "corrupt", reason: hopeless });
    return this.#nextDeadline(ready.wakeAt);
  }

  /** Persistent rows must not be ahead of the own log: a power cut would leave rows of entries that it never had. */
  get #mayApply(): Index {
    const { commit, log } = this.raft;
    return this.#host.store.isPersistent ? Math.min(commit, log.durableIndex) : commit;
  }

  #nextDeadline(raftWakeAt: Micros): Micros {
    const mayAsk = this.raft.leader !== 0 && this.raft.role !== "leader";
    const waits = [this.#writes.nextDeadline(), this.#reads.nextDeadline(mayAsk), this.#changes.nextDeadline(mayAsk)];
    const snapshots = Math.min(this.#sender.nextDeadline(), this.#lostState.nextDeadline());
    return Math.min(raftWakeAt, this.#knockAt, snapshots, ...waits);
  }

  /** A committed configuration is without this node. */
  #isOut(): boolean {
    return this.admission.isRemoved(this.#identity.node, this.#identity.incarnation);
  }

  /** One that does not vote and hears no leader asks whether it still belongs: nobody may think of telling it. */
  #knock(now: Micros): void {
    const { raft } = this;
    if (raft.leader !== 0 || isVoter(raft.configuration, this.#identity.node)) {
      this.#knockAt = Infinity;
      return;
    }
    if (this.#knockAt === Infinity) this.#knockAt = now + 2 * this.#options.electionMicros;
    if (now < this.#knockAt) return;
    this.#knockAt = now + this.#options.electionMicros;
    const { storeId, incarnation } = this.#identity;
    for (const { id } of raft.configuration.members) {
      if (id !== this.#identity.node)
        this.#send({ to: id, message: { kind: "join-request", storeId, incarnation, lost: "" } });
    }
  }

  /** Makes a snapshot that came whole the state, once the applier stands still. */
  #install(): void {
    const snapshot = this.#incoming;
    if (snapshot === null || !this.#applier.pause()) return;
    this.#incoming = null;
    const { store, trace } = this.#host;
    const finish = (): void => {
      this.#applier.resume();
      this.#receiver.installed();
      this.#host.schedule();
    };
    if (snapshot.index <= store.applied.index) return finish();
    this.#opened.snapshots.load(snapshot.name, store.beginInstall(), (problem, header) => {
      if (problem !== null || header === null) {
        const where = `the snapshot ${snapshot.name} is damaged near byte ${problem?.offset}`;
        return this.#host.end({ kind: "corrupt", reason: `${where}: ${problem?.reason}` });
      }
      this.raft.restore(header);
      this.#writes.skippedTo(header.place.index);
      trace.note("info", `installed the snapshot at entry ${header.place.index}: ${header.rowCount} rows`);
      this.#report();
      trace.fact("installed", header.place.index, header.place.term, store.hash.digest);
      finish();
    });
  }

  #grant(grant: ReadGrant): void {
    const { node, boot, id, index } = grant;
    this.#host.trace.fact("read-index", index, this.#host.store.applied.index, 0);
    if (node === this.#options.id) this.#reads.onGrant(grant);
    else this.#send({ to: node, message: { kind: "read-reply", boot, id, index } });
  }

  #report(): void {
    const { raft } = this;
    const { trace } = this.#host;
    const role = roleCodes[raft.role];
    const { term, leader, commit } = raft;
    const before = this.#reported;
    if (role !== before.role || term !== before.term || leader !== before.leader) {
      trace.fact("role", role, term, leader);
      if (leader !== before.leader && leader !== 0) trace.note("info", `node ${leader} leads term ${term}`);
    }
    if (commit !== before.commit) trace.fact("commit", commit, raft.log.termAt(commit), 0);
    const configuration = raft.log.configurations.latest.index;
    const committedConfiguration = raft.committedConfiguration.index;
    if (configuration !== before.configuration || committedConfiguration !== before.committedConfiguration) {
      this.#setPeers();
    }
    this.#reported = { role, term, leader, commit, configuration, committedConfiguration };
  }

  /** All members, those of the committed configuration too, who may be on their way out. */
  #setPeers(): void {
    const urls = new Map<NodeId, string[]>();
    const { latest } = this.raft.log.configurations;
    for (const { configuration } of [latest, this.raft.committedConfiguration]) {
      for (const { id, url } of configuration.members) urls.set(id, [...new Set([...(urls.get(id) ?? []), url])]);
    }
    this.#host.peers.setConfigured(urls, latest.index === 0);
  }

  #send({ to, message }: Outgoing): void {
    this.#host.network.send(to, this.#envelope(to, message));
  }

  #envelope(to: NodeId, message: Message): Envelope {
    const { node, boot, incarnation } = this.#identity;
    const toIncarnation = this.admission.incarnationOf(to);
    const { cluster } = this.genesis;
    return { cluster, from: node, fromIncarnation: incarnation, fromBoot: boot, to, toIncarnation, message };
  }

  /** Everybody who waits is told that the node stops. */
  endRequests(): void {
    this.#writes.end();
    this.#reads.end();
    this.#changes.end();
  }

  close(): void {
    this.wal.close();
    this.#sender.end();
    this.#opened.snapshots.close();
  }
}

export function removedReason(id: NodeId): string {
  return `node ${id} was removed from the cluster`;
}
