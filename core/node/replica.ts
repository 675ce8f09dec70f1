/**
 * A node that takes part: Raft, the log, the state and pending requests, and the one turn in which the order of persist,
 * send, apply and answer is decided.
 *
 * Everything that comes (messages, completions, requests) is taken at once and changes values only. `runTurn`, at the end
 * of the turn, does all that has an effect.
 */
import type { CompactionPoint } from "../protocol/configuration.ts";
import type { Outgoing } from "../protocol/message.ts";
import type { Raft } from "../raft/raft.ts";
import type { ReadGrant, Ready } from "../raft/ready.ts";
import { type Genesis, removedReason } from "../storage/identity.ts";
import type { SnapshotStore } from "../storage/snapshot-store.ts";
import type { Wal } from "../storage/wal.ts";
import type { Index, Micros, NodeId } from "../units.ts";
import { AddressRelay } from "./address-relay.ts";
import { Applier } from "./applier.ts";
import { CatchUp } from "./catch-up.ts";
import { type NodeContext, type ReplicaHost, withSend } from "./context.ts";
import { Draining } from "./draining.ts";
import { FactPublisher } from "./fact-publisher.ts";
import { handOver } from "./hand-over.ts";
import { LostAcknowledgements } from "./lost-acknowledgements.ts";
import { LostState } from "./lost-state.ts";
import { MemberInbox } from "./member-inbox.ts";
import { MembershipInquiry } from "./membership-inquiry.ts";
import type { Opened } from "./opening.ts";
import { PeerAdmission } from "./peer-admission.ts";
import { PeerUrls } from "./peer-urls.ts";
import { PendingRequests } from "./pending-requests.ts";
import type { ReplicaFacts } from "./readiness.ts";
import type { Restored } from "./restore.ts";
import { SnapshotInstaller } from "./snapshot-install.ts";
import { SnapshotReceiver, SnapshotSender } from "./snapshot-transfer.ts";
import { Snapshotting } from "./snapshotting.ts";
import { UnsentRefusals } from "./unsent-refusals.ts";

/** One for each boot that takes part. All its calls come inside the node's turns. */
export class Replica {
  readonly genesis: Genesis;
  readonly raft: Raft;
  readonly wal: Wal;
  readonly inbox: MemberInbox;
  readonly admission: PeerAdmission;
  readonly requests: PendingRequests;
  readonly #context: NodeContext;
  readonly #snapshots: SnapshotStore;
  readonly #applier: Applier;
  readonly #snapshotting: Snapshotting;
  readonly #sender: SnapshotSender;
  readonly #lostState: LostState;
  readonly #installer: SnapshotInstaller;
  readonly #facts: FactPublisher;
  readonly #peerUrls: PeerUrls;
  readonly #inquiry: MembershipInquiry;
  readonly #addressRelay: AddressRelay;
  readonly #catchUp: CatchUp;
  readonly #draining: Draining;
  readonly #unsentRefusals: UnsentRefusals;
  #isClosed = false;

  constructor(host: ReplicaHost, opened: Opened, { raft, wal }: Restored) {
    const { genesis, options } = host;
    this.genesis = genesis;
    this.raft = raft;
    this.wal = wal;
    this.#snapshots = opened.snapshots;
    const context = withSend(host, (to) => this.admission.incarnationOf(to));
    this.#context = context;
    this.admission = new PeerAdmission(context, raft, (done) => this.requests.readBarrier(done));
    this.#catchUp = new CatchUp(context, raft);
    // A directory that takes part for the first time was founded or added with the URL that it has.
    const announcedUrl = opened.identity.genesis === null ? null : options.peerUrl;
    this.requests = new PendingRequests(
      context,
      { raft, catchUp: this.#catchUp, admission: this.admission },
      announcedUrl,
    );
    this.#unsentRefusals = new UnsentRefusals(context);
    this.#snapshotting = new Snapshotting(context, opened.snapshots, raft, wal);
    this.#applier = new Applier(context, raft.log, (entry, applied) => {
      this.requests.onApplied(entry, applied);
      this.#snapshotting.applied(entry.bytes.length);
    });
    this.#lostState = new LostState(context, raft);
    this.#sender = new SnapshotSender(context, opened.snapshots, raft);
    this.#installer = new SnapshotInstaller(context, opened.snapshots, this.#applier, (header) =>
      this.#onInstalled(header),
    );
    this.#facts = new FactPublisher(context, raft);
    this.#peerUrls = new PeerUrls(context, raft);
    this.#inquiry = new MembershipInquiry(context, raft);
    this.#addressRelay = new AddressRelay(context, raft);
    this.#draining = new Draining(context, raft);
    this.inbox = new MemberInbox(context, {
      raft,
      admission: this.admission,
      requests: this.requests,
      sender: this.#sender,
      receiver: new SnapshotReceiver(context, opened.snapshots, this.#installer),
      catchUp: this.#catchUp,
      lostState: this.#lostState,
      lostAcknowledgements: new LostAcknowledgements(context, raft, this.admission),
    });
  }

  /** Takes no more requests from now on, and ends in good order: `mayStop` says when. */
  beginStop(now: Micros): void {
    this.requests.endAnnouncement();
    this.#draining.begin(now);
  }

  mayStop(now: Micros): boolean {
    return this.requests.count === 0 && this.#draining.isOver(now);
  }

  readinessFacts(now: Micros): ReplicaFacts {
    return this.#catchUp.facts(now, this.#installer.isBusy, this.admission.lostPeers.withoutWhom(now));
  }

  /** As a power cut would: nothing more is written or sent. Who waits is told before, by `requests.end`. */
  close(): void {
    this.#isClosed = true;
    this.wal.close();
    this.#sender.end();
    this.#snapshots.close();
  }

  // --- the turn

  /**
   * Does what the turn has brought; returns when to be woken. The order:
   *
   * - take: deadlines act and requests are handed over before Raft says what is ready, so that one write and one message
   *   hold all of them.
   * - persist before send: the write is on its way to the disk while messages are. Nothing waits for it here: Raft holds
   *   back what must not leave before it is durable.
   * - send before apply: nobody waits for the rows of this node.
   * - apply before maintain: a snapshot and what is compacted go by what is applied. The node may end there, at an entry that
   *   it cannot apply: nothing comes after that.
   * - answer last: what was applied in this turn is answered in it, and only what cannot be answered fails at its deadline.
   * - leave after that: who waits for the change that removes this node is told that it is made, before the node ends.
   */
  runTurn(now: Micros): Micros {
    const { raft } = this;
    raft.tick(now);
    const asked = this.#takeRequests(now);
    const ready = raft.ready(now);
    this.#publishTrace(now);
    this.#persist(ready);
    this.#send(now, asked, ready);
    this.#apply(now);
    if (this.#isClosed) return Infinity;
    this.#maintain(now);
    this.requests.answer(now);
    this.#leaveIfRemoved();
    return this.#nextDeadline(ready.wakeAt);
  }

  /** Returns what is asked of other members. It may be lost: it is asked again. */
  #takeRequests(now: Micros): readonly Outgoing[] {
    return [...this.requests.dispatch(now, (id) => this.#hasLostRows(id, now)), ...this.#lostState.ask(now)];
  }

  #publishTrace(now: Micros): void {
    this.#facts.publish();
    const urls = this.#peerUrls.update(now);
    if (urls !== null) this.#context.peers.setConfigured(urls, this.#peerUrls.areFounders);
  }

  #persist({ persist }: Ready): void {
    if (persist === null) return;
    const { clock, schedule } = this.#context;
    this.wal.append(persist, () => {
      this.raft.persisted(clock.now(), persist.seq);
      schedule();
    });
  }

  #send(now: Micros, asked: readonly Outgoing[], ready: Ready): void {
    const { send } = this.#context;
    for (const outgoing of asked) send(outgoing);
    for (const { to, message } of ready.messages) {
      const isSent = send({ to, message });
      if (!isSent && message.kind === "forward-refused") this.#unsentRefusals.add(now, to, message);
    }
    this.#unsentRefusals.advance(now);
    for (const grant of ready.reads) this.#grant(grant);
    for (const outgoing of [...this.#inquiry.ask(now), ...this.#addressRelay.ask(now)]) send(outgoing);
  }

  #grant(grant: ReadGrant): void {
    const { identity, send, store, trace } = this.#context;
    const { node, ...granted } = grant;
    trace.fact("read-index", grant.index, store.applied.index, 0);
    if (node === identity.node) this.requests.onReadIndex(grant);
    else send({ to: node, message: { kind: "read-reply", ...granted } });
  }

  /** Makes a snapshot the state, or applies a batch of what is committed. */
  #apply(now: Micros): void {
    this.#installer.advance();
    const { electionMicros } = this.#context.options;
    // Who cannot apply should not lead.
    if (this.#lostState.mayHandOver(now)) handOver(now, this.raft, electionMicros, (id) => this.#hasLostRows(id, now));
    if (!this.#lostState.isLost && this.#applier.advance(this.#mayApply)) this.#context.schedule();
  }

  /** Persistent rows must not be ahead of the own log: a power cut would leave rows of entries that it never had. */
  get #mayApply(): Index {
    const { commit, log } = this.raft;
    return this.#context.store.isPersistent ? Math.min(commit, log.durableIndex) : commit;
  }

  #hasLostRows(id: NodeId, now: Micros): boolean {
    return id === this.#context.identity.node ? this.#lostState.isLost : this.#sender.isWantedBy(id, now);
  }

  #onInstalled(header: CompactionPoint & { readonly rowCount: number }): void {
    const { clock, store, trace } = this.#context;
    const { index, term } = header.place;
    this.raft.restore(header);
    this.requests.onSnapshotInstalled(index);
    trace.note("info", `installed the snapshot at entry ${index}: ${header.rowCount} rows`);
    this.#publishTrace(clock.now());
    trace.fact("installed", index, term, store.hash.digest);
  }

  /** Sends and takes snapshots, compacts the log, and looks how far this node has come. */
  #maintain(now: Micros): void {
    this.#sender.advance(now);
    this.#snapshotting.advance(this.#sender.wantedIndex);
    this.#snapshotting.compact(this.#sender.keepAfter);
    this.#catchUp.observe();
    this.#draining.observe(now);
  }

  /** Ends the node where it is no member any more, or where nobody can give it back what it has lost. */
  #leaveIfRemoved(): void {
    const { fail, options } = this.#context;
    if (this.#isOut()) {
      this.requests.endRemoved(!this.#lostState.isLost);
      fail({ code: "removed", reason: removedReason(options.id) });
    }
    const recoverable = this.#lostState.checkRecoverable();
    if (!recoverable.ok) fail({ code: "unrecoverable", reason: recoverable.reason });
  }

  /** A committed configuration does not have this node, and what was committed before it is applied where it can be. */
  #isOut(): boolean {
    const { identity, store } = this.#context;
    if (!this.admission.isRemoved(identity.node, identity.incarnation)) return false;
    return this.#lostState.isLost || store.applied.index >= this.raft.committedConfiguration.index;
  }

  #nextDeadline(raftWakeAt: Micros): Micros {
    const parts = [
      this.requests,
      this.#sender,
      this.#lostState,
      this.#inquiry,
      this.#draining,
      this.#unsentRefusals,
      this.#peerUrls,
    ];
    return Math.min(raftWakeAt, ...parts.map((part) => part.nextDeadline()));
  }
}
