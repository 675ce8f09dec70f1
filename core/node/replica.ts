/**
 * A node that takes part: Raft, the log, the state and pending requests, and the one turn in which the order of persist,
 * send and apply is decided.
 *
 * Everything a turn brings (messages, completions, requests) is taken first; one flush at its end then, in this order,
 * lets deadlines act, hands requests over, writes to the WAL, sends, applies, answers. Sending does not wait for the
 * own write: Raft holds back what must.
 */
import type { Command } from "../kv/command.ts";
import type { Clock, Disk, DiskError, Network, Random, Trace } from "../ports.ts";
import type { Change, CompactionPoint } from "../protocol/configuration.ts";
import type { Envelope, Message, Outgoing } from "../protocol/message.ts";
import { RaftLog } from "../raft/log.ts";
import type { ReadGrant, Ready } from "../raft/ready.ts";
import { Raft } from "../raft/raft.ts";
import { type Genesis, type Identity, removedReason } from "../storage/identity.ts";
import type { ReconciledLog } from "../storage/reconcile-log.ts";
import type { StateStore } from "../storage/state-store.ts";
import { Wal } from "../storage/wal.ts";
import type { Index, Micros, NodeId } from "../units.ts";
import { Applier } from "./applier.ts";
import { CatchUp } from "./catch-up.ts";
import { PendingChanges } from "./pending-changes.ts";
import { Draining } from "./draining.ts";
import { FactPublisher } from "./fact-publisher.ts";
import { LostState } from "./lost-state.ts";
import { LostAcknowledgements } from "./lost-acknowledgements.ts";
import { MemberInbox } from "./member-inbox.ts";
import { MembershipInquiry } from "./membership-inquiry.ts";
import type { Opened } from "./opening.ts";
import type { ChangeResult, Ending, NodeOptions, ReadOutcome, SessionKey, WriteOutcome } from "./options.ts";
import { PeerAdmission } from "./peer-admission.ts";
import { PeerUrls } from "./peer-urls.ts";
import type { Peers } from "./peers.ts";
import type { ReplicaFacts } from "./readiness.ts";
import { type Consistency, PendingReads } from "./pending-reads.ts";
import { Requests } from "./requests.ts";
import { SnapshotInstaller } from "./snapshot-install.ts";
import { SnapshotReceiver, SnapshotSender } from "./snapshot-transfer.ts";
import { Snapshotting } from "./snapshotting.ts";
import { UnsentRefusals } from "./unsent-refusals.ts";
import { PendingWrites } from "./pending-writes.ts";

const idleWatermarkMicros: Micros = 100_000;

/** What a running node needs of the one around it. */
export interface ReplicaHost {
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
  onDiskError(error: DiskError): void;
}

export class Replica {
  readonly genesis: Genesis;
  readonly raft: Raft;
  readonly wal: Wal;
  readonly inbox: MemberInbox;
  readonly admission: PeerAdmission;
  readonly #host: ReplicaHost;
  readonly #options: NodeOptions;
  readonly #identity: Identity;
  readonly #opened: Opened;
  readonly #applier: Applier;
  readonly #requests: Requests;
  readonly #snapshotting: Snapshotting;
  readonly #sender: SnapshotSender;
  readonly #receiver: SnapshotReceiver;
  readonly #lostState: LostState;
  readonly #installer: SnapshotInstaller;
  readonly #facts: FactPublisher;
  readonly #peerUrls: PeerUrls;
  readonly #inquiry: MembershipInquiry;
  readonly #catchUp: CatchUp;
  readonly #draining: Draining;
  readonly #unsentRefusals: UnsentRefusals;

  constructor(
    host: ReplicaHost,
    options: NodeOptions,
    identity: Identity,
    genesis: Genesis,
    opened: Opened,
    joined: ReconciledLog,
  ) {
    const { clock, store } = host;
    const { boot, incarnation, node, storeId } = identity;
    this.genesis = genesis;
    this.#host = host;
    this.#options = options;
    this.#identity = identity;
    this.#opened = opened;
    const log = new RaftLog(joined.base, joined.entries);
    // An index may have been bound twice, in two terms: a leader of before it was accepted is not listened to.
    const isNew = opened.hardState.term < identity.sinceTerm;
    const hardState = isNew ? { term: identity.sinceTerm, vote: node } : opened.hardState;
    this.raft = new Raft(
      {
        ...options,
        boot,
        incarnation,
        voteBarrierIndex: identity.anew ? incarnation : 0,
      },
      hardState,
      log,
      store.applied.index,
      host.random,
      clock.now(),
    );
    const onDiskError = (error: DiskError): void => host.onDiskError(error);
    this.wal = new Wal(host.disk, clock, storeId, opened.identityFile, opened.tail, onDiskError, {
      segmentBytesMax: options.walSegmentBytesMax,
      idleWatermarkMicros,
    });
    if (joined.needsBase) this.wal.replaceBy(joined.base);
    this.admission = new PeerAdmission(identity, genesis, this.raft, (done) => this.#readBarrier(done));
    const retryMicros = Math.ceil(options.heartbeatMicros / 4);
    const announcedUrl = opened.identity.genesis === null ? null : options.peerUrl;
    this.#requests = new Requests(
      new PendingWrites(node, incarnation, boot, retryMicros),
      new PendingReads(node, incarnation, boot, store, onDiskError, 2 * options.heartbeatMicros),
      new PendingChanges(
        node,
        incarnation,
        boot,
        announcedUrl,
        options.electionMicros,
        options.heartbeatMicros,
        (done) => this.#readBarrier(done),
        () => this.admission.isRemoved(node, incarnation),
      ),
    );
    this.#unsentRefusals = new UnsentRefusals(options.requestMicros, retryMicros);
    this.#applier = new Applier(store, this.#applierHost(), options.entriesPerApplyMax);
    this.#snapshotting = new Snapshotting(
      opened.snapshots,
      store,
      this.raft,
      this.wal,
      genesis.cluster,
      host.trace,
      () => host.schedule(),
      onDiskError,
      options,
    );
    this.#lostState = new LostState(store, this.raft, options, host.trace, 4 * options.heartbeatMicros);
    this.#sender = new SnapshotSender(opened.snapshots, this.raft, onDiskError, (one) => void this.#send(one), {
      chunkBytes: options.snapshotChunkBytes,
      resendMicros: 4 * options.heartbeatMicros,
    });
    this.#receiver = new SnapshotReceiver(opened.snapshots, onDiskError, host.trace, (snapshot) => {
      this.#installer.offer(snapshot);
      host.schedule();
    });
    this.#installer = new SnapshotInstaller(opened.snapshots, genesis.cluster, store, this.#applier, {
      onInstalled: (header) => this.#onInstalled(header),
      onFinished: () => {
        this.#receiver.installed();
        host.schedule();
      },
    });
    this.#facts = new FactPublisher(this.raft, host.trace);
    this.#peerUrls = new PeerUrls(this.raft, options.electionMicros);
    const lostAcknowledgements = new LostAcknowledgements(this.raft, this.admission, host);
    this.#inquiry = new MembershipInquiry(this.raft, identity, options.electionMicros);
    this.#catchUp = new CatchUp(this.raft, store, options);
    this.#draining = new Draining(this.raft, 2 * options.heartbeatMicros);
    this.inbox = new MemberInbox({
      cluster: genesis.cluster,
      clock,
      raft: this.raft,
      admission: this.admission,
      requests: this.#requests,
      sender: this.#sender,
      receiver: this.#receiver,
      catchUp: this.#catchUp,
      lostState: this.#lostState,
      lostAcknowledgements,
      requestMicros: options.requestMicros,
      schedule: () => host.schedule(),
      send: (outgoing) => void this.#send(outgoing),
      envelope: (to, message) => this.#envelope(to, message),
    });
  }

  #applierHost(): ConstructorParameters<typeof Applier>[1] {
    return {
      entryAt: (index) => this.raft.log.entryAt(index),
      onApplied: (entry, applied) => {
        this.#requests.writes.onApplied(entry, applied);
        this.#snapshotting.applied(entry.bytes.length);
      },
      onBatch: (entry) => {
        this.#host.trace.fact("applied", entry.index, entry.term, this.#host.store.hash.digest);
        this.#host.schedule();
      },
      onFailure: (code, reason) => this.#host.end({ code, reason }),
    };
  }

  get waitingCount(): number {
    return this.#requests.count;
  }

  // --- requests

  write(command: Command, key: SessionKey, deadline: Micros, done: (outcome: WriteOutcome) => void): number {
    return this.#requests.writes.add(command, key, deadline, done);
  }

  cancelWrite(handle: number): void {
    this.#requests.writes.cancel(handle);
  }

  /** A stale read is refused where the rows say nothing about the cluster: see core/node/catch-up.ts. */
  read(key: string, consistency: Consistency, done: (outcome: ReadOutcome) => void): void {
    if (consistency !== "stale" || this.#catchUp.isStateKnown) this.#requests.reads.add(key, consistency, done);
    else done({ ok: false, code: "not-ready", definite: true });
  }

  change(change: Change, deadline: Micros, done: (result: ChangeResult) => void): void {
    this.#requests.changes.add(change, deadline, done);
  }

  #readBarrier(done: (isPassed: boolean) => void): void {
    this.#requests.reads.barrier((isPassed) => {
      done(isPassed);
      this.#host.schedule();
    });
  }

  /** Begins to hand the leadership over, if this node has it and there is somebody. */
  handOver(now: Micros, unfit: (id: NodeId) => boolean = () => false): void {
    // One that does not answer would be waited for in vain, again and again.
    const since = now - this.#options.electionMicros;
    const to = this.raft.successor((id) => unfit(id) || !this.raft.isFit(id, since));
    if (to !== 0 && this.raft.transferee === 0) this.raft.transfer(now, to);
  }

  /** Takes no more requests from now on, and ends in good order: `mayStop` says when. */
  beginStop(now: Micros): void {
    this.#draining.begin();
    this.#requests.changes.endAnnouncement();
    this.handOver(now);
    this.#draining.observe(now);
  }

  mayStop(now: Micros): boolean {
    return this.waitingCount === 0 && this.#draining.isOver(now);
  }

  readinessFacts(now: Micros): ReplicaFacts {
    return this.#catchUp.facts(now, (id) => this.#host.network.connected(id), this.#installer.isBusy);
  }

  // --- the turn

  /** Does what the turn has brought; returns when to be woken. */
  runTurn(now: Micros): Micros {
    const { raft, wal } = this;
    const { network } = this.#host;
    raft.tick(now);
    const hasLostRows = (id: NodeId): boolean =>
      id === this.#options.id ? this.#lostState.isLost : this.#sender.isWantedBy(id, now);
    const send = (outgoing: Outgoing): boolean => this.#send(outgoing);
    const connected = (id: NodeId): boolean => network.connected(id);
    const asked = [
      ...this.#requests.dispatch(now, now + this.#options.requestMicros, raft, connected, hasLostRows, send),
      ...this.#lostState.ask(now),
    ];
    const ready: Ready = raft.ready(now);
    this.#publishTrace(now);
    if (ready.persist !== null) {
      const { seq } = ready.persist;
      wal.append(ready.persist, () => {
        raft.persisted(this.#host.clock.now(), seq);
        this.#host.schedule();
      });
    }
    for (const outgoing of asked) send(outgoing);
    for (const { to, message } of ready.messages) {
      const isSent = send({ to, message });
      if (!isSent && message.kind === "forward-refused") this.#unsentRefusals.add(now, to, message);
    }
    this.#unsentRefusals.advance(now, send);
    for (const grant of ready.reads) this.#grant(grant);
    for (const outgoing of this.#inquiry.ask(now)) send(outgoing);
    this.#installer.advance();
    if (this.#lostState.mayHandOver(now)) this.handOver(now, hasLostRows);
    if (!this.#lostState.isLost && this.#applier.advance(this.#mayApply)) this.#host.schedule();
    this.#sender.advance(now);
    this.#snapshotting.advance(this.#sender.wantedIndex);
    this.#snapshotting.compact(this.#sender.keepAfter);
    this.#catchUp.observe();
    this.#draining.observe(now);
    this.#requests.reads.serve(raft.commit);
    this.#requests.expire(now);
    if (this.#isOut()) {
      this.#requests.endRemoved(!this.#lostState.isLost);
      this.#host.end({ code: "removed", reason: removedReason(this.#options.id) });
    }
    const { unrecoverableReason } = this.#lostState;
    if (unrecoverableReason !== null) this.#host.end({ code: "unrecoverable", reason: unrecoverableReason });
    return this.#nextDeadline(ready.wakeAt);
  }

  /** Persistent rows must not be ahead of the own log: a power cut would leave rows of entries that it never had. */
  get #mayApply(): Index {
    const { commit, log } = this.raft;
    return this.#host.store.isPersistent ? Math.min(commit, log.durableIndex) : commit;
  }

  #nextDeadline(raftWakeAt: Micros): Micros {
    const snapshots = Math.min(this.#sender.nextDeadline(), this.#lostState.nextDeadline());
    const others = [this.#inquiry, this.#draining, this.#unsentRefusals, this.#peerUrls].map((one) =>
      one.nextDeadline(),
    );
    return Math.min(raftWakeAt, this.#requests.nextDeadline(this.raft), snapshots, ...others);
  }

  /** A committed configuration does not have this node, and what was committed before it is applied where it can be. */
  #isOut(): boolean {
    if (!this.admission.isRemoved(this.#identity.node, this.#identity.incarnation)) return false;
    return this.#lostState.isLost || this.#host.store.applied.index >= this.raft.committedConfiguration.index;
  }

  #onInstalled(header: CompactionPoint & { readonly rowCount: number }): void {
    const { index, term } = header.place;
    this.raft.restore(header);
    this.#requests.writes.onSnapshotInstalled(index);
    this.#host.trace.note("info", `installed the snapshot at entry ${index}: ${header.rowCount} rows`);
    this.#publishTrace(this.#host.clock.now());
    this.#host.trace.fact("installed", index, term, this.#host.store.hash.digest);
  }

  #grant(grant: ReadGrant): void {
    const { node, ...granted } = grant;
    this.#host.trace.fact("read-index", grant.index, this.#host.store.applied.index, 0);
    if (node === this.#options.id) this.#requests.reads.onGrant(grant);
    else this.#send({ to: node, message: { kind: "read-reply", ...granted } });
  }

  #publishTrace(now: Micros): void {
    this.#facts.publish();
    const urls = this.#peerUrls.update(now);
    if (urls !== null) this.#host.peers.setConfigured(urls, this.#peerUrls.areFounders);
  }

  /** False: it certainly never left. */
  #send({ to, message }: Outgoing): boolean {
    return this.#host.network.send(to, this.#envelope(to, message));
  }

  #envelope(to: NodeId, message: Message): Envelope {
    const { node, boot, incarnation } = this.#identity;
    const toIncarnation = this.admission.incarnationOf(to);
    const { cluster } = this.genesis;
    return { cluster, from: node, fromIncarnation: incarnation, fromBoot: boot, to, toIncarnation, message };
  }

  /** Everybody who waits is told that the node stops. */
  endRequests(isRemoved: boolean): void {
    if (isRemoved) this.#requests.changes.resolveSelfRemoval();
    this.#requests.end();
  }

  close(): void {
    this.wal.close();
    this.#sender.end();
    this.#opened.snapshots.close();
  }
}
