/**
 * Watches, at every moment, what a node has begun and not ended: I23 bounded waits. Time counts while the node, and all whom
 * the wait takes, run undisturbed, with disks that do not stall, and hear each other; it begins again after each disturbance,
 * and with all progress. What waits is known from disks and messages where these show it, else from what the node says.
 */
import type { ChangeResult } from "../../core/node/options.ts";
import type { Change, Configuration } from "../../core/protocol/configuration.ts";
import type { Envelope } from "../../core/protocol/message.ts";
import type { Raft } from "../../core/raft/raft.ts";
import type { Index, Micros, NodeId, Term } from "../../core/units.ts";
import type { Subscriber } from "../bus.ts";
import { linkOf } from "../keys.ts";
import { snapshotPieceMustNotBeSentForEver, type WaitKind, waitMustEnd } from "../laws/waits.ts";
import type { CoverageMark } from "../plan/families.ts";
import type { Plan } from "../plan/plan.ts";
import type { Host } from "../world/host.ts";
import type { GhostNode } from "./ghost-node.ts";
import type { Ghost } from "./ghost.ts";
import type { LyingDiskLedger } from "./lying-disk-ledger.ts";
import { type WaitBounds, waitBoundsOf } from "./wait-bounds.ts";

/** How often each node is looked at: waits are bounded in seconds. */
const lookMicros: Micros = 100_000;

/** Where the key is the same when it is looked at again, nothing has come of the wait. */
type Wait = { readonly key: string | number; readonly since: Micros };

/** One boot of one node. */
type Watched = {
  readonly boot: number;
  disturbances: number;
  /** It was undisturbed at its last turn: else it may have been disturbed up to the next one. */
  wasFit: boolean;
  /** Since then it has run undisturbed. */
  fitSince: Micros;
  lookAt: Micros;
  readonly waits: Map<WaitKind, Wait>;
  /** Its newest snapshot that became durable in this boot, and that was received whole before that. */
  snapshot: Index;
  received: Index;
  /** The state of its persistent rows that has become durable in this boot: it goes by nothing else. */
  rows: Index;
};

/** A snapshot on its way over one link. */
type Sending = {
  readonly term: Term;
  readonly index: Index;
  readonly offset: number;
  /** The furthest so far. */
  readonly reach: number;
  readonly tries: number;
  readonly at: Micros;
};

/** One for each run that is judged. It must hear of everything after the ghost. */
export class BoundedWaits implements Subscriber {
  readonly #plan: Plan;
  readonly #ghost: Ghost;
  readonly #lies: LyingDiskLedger;
  readonly #hosts: readonly Host[];
  readonly #now: () => Micros;
  readonly #bounds: WaitBounds;
  readonly #watched = new Map<NodeId, Watched>();
  /** No call of the disks of that node need end before. */
  readonly #stalledUntil = new Map<NodeId, Micros>();
  /** When a message on each link was last read. */
  readonly #heardAt = new Map<number, Micros>();
  readonly #sending = new Map<number, Sending>();
  /** The size of the snapshot that each node is being sent, by what it has read. */
  readonly #sizes = new Map<NodeId, { readonly index: Index; readonly bytes: number }>();
  readonly #changes = new Map<Change, { readonly node: NodeId; readonly boot: number; readonly since: Micros }>();

  constructor(plan: Plan, ghost: Ghost, lies: LyingDiskLedger, hosts: readonly Host[], now: () => Micros) {
    this.#plan = plan;
    this.#ghost = ghost;
    this.#lies = lies;
    this.#hosts = hosts;
    this.#now = now;
    this.#bounds = waitBoundsOf(plan);
  }

  // --- what happens

  starting({ id, boot }: Host): void {
    const fresh = {
      disturbances: -1,
      wasFit: false,
      fitSince: this.#now(),
      lookAt: 0,
      snapshot: 0,
      received: 0,
      rows: 0,
    };
    this.#watched.set(id, { boot, waits: new Map(), ...fresh });
  }

  struck(what: CoverageMark, id: NodeId): void {
    if (what === "diskStall") this.#stalledUntil.set(id, this.#now() + this.#bounds.stallMicros);
  }

  received({ id }: Host, { from, message }: Envelope): void {
    this.#heardAt.set(linkOf(from, id), this.#now());
    if (message.kind === "snapshot-chunk") this.#sizes.set(id, { index: message.index, bytes: message.totalBytes });
  }

  sent(from: NodeId, to: NodeId, { message }: Envelope): void {
    if (message.kind === "snapshot-reply") {
      const { index, bytes } = this.#sizes.get(from) ?? { index: 0, bytes: 0 };
      const watched = this.#watched.get(from);
      if (watched !== undefined && index === message.index && bytes === message.offset) watched.received = index;
    }
    if (message.kind !== "snapshot-chunk") return;
    const { term, index, offset, totalBytes } = message;
    const before = this.#sending.get(linkOf(from, to));
    const at = this.#now();
    const isOfSame = before?.term === term && before.index === index;
    const isSame = isOfSame && before.offset === offset;
    const reach = isOfSame ? Math.max(before.reach, offset) : offset;
    // After a rest it is another attempt. Who has all of it is busy making it its state.
    const isAgain = isSame && offset < totalBytes && at - before.at < this.#bounds.restMicros;
    const tries = isAgain ? before.tries + 1 : 1;
    this.#sending.set(linkOf(from, to), { term, index, offset, reach, tries, at });
    snapshotPieceMustNotBeSentForEver(from, to, tries, this.#bounds.triesMax);
  }

  snapshotDurable({ id }: Host, index: Index): void {
    const watched = this.#watched.get(id);
    if (watched !== undefined) watched.snapshot = Math.max(watched.snapshot, index);
  }

  rowsSynced({ id }: Host): void {
    const watched = this.#watched.get(id);
    const { covered, snapshot } = this.#ghost.node(id);
    // A snapshot is there to be sent, and says nothing about the rows.
    if (watched !== undefined && covered > snapshot) watched.rows = covered;
  }

  asked(node: NodeId, change: Change): void {
    this.#changes.set(change, { node, boot: this.#hosts[node - 1]!.boot, since: this.#now() });
  }

  answered(_node: NodeId, change: Change, _result: ChangeResult): void {
    this.#changes.delete(change);
  }

  turnEnded(host: Host): void {
    const raft = host.node?.replica?.raft ?? null;
    const watched = this.#watched.get(host.id);
    if (raft === null || watched?.boot !== host.boot) return;
    const now = this.#now();
    const isFit = watched.disturbances === host.disturbances && this.#isUndisturbed(host, now);
    if (!isFit || !watched.wasFit) watched.fitSince = now;
    watched.wasFit = isFit;
    watched.disturbances = host.disturbances;
    // Its end and its next beginning may lie between two looks.
    const isHandingOver = raft.transferee !== 0 && this.#ghost.node(host.id).applied >= raft.log.baseIndex;
    this.#look(host.id, watched, "handOver", isHandingOver ? `${raft.term} ${raft.transferee}` : null, 0);
    if (now < watched.lookAt) return;
    watched.lookAt = now + lookMicros;
    if (host.directory.isOlderCopy || host.isStopping || this.#lies.liars.has(host.id)) watched.waits.clear();
    else this.#lookAtAll(host, watched, raft);
  }

  // --- who can be asked for anything

  #isUndisturbed(host: Host, now: Micros): boolean {
    const isStalled = now < Math.max(this.#stalledUntil.get(host.id) ?? 0, host.devices.syncsHeldUntil);
    return host.node !== null && !host.isHampered && !isStalled;
  }

  /** Since when `peer` has run undisturbed, and each has just heard the other; Infinity: it does not so now. */
  #connectedSince(id: NodeId, peer: NodeId): Micros {
    const now = this.#now();
    if (id === peer) return 0;
    const host = this.#hosts[peer - 1]!;
    const recently = now - this.#bounds.silenceMicros;
    const hear = (from: NodeId, to: NodeId): boolean => (this.#heardAt.get(linkOf(from, to)) ?? -1) >= recently;
    const isFit = this.#isUndisturbed(host, now) && !host.isStopping && !host.directory.isRecovering;
    if (!isFit || !hear(id, peer) || !hear(peer, id)) return Infinity;
    const watched = this.#watched.get(peer);
    return watched?.boot === host.boot && watched.disturbances === host.disturbances ? watched.fitSince : Infinity;
  }

  /** Whether `id` has a quorum of `configuration` that could answer it. */
  #hasQuorum(id: NodeId, configuration: Configuration): boolean {
    return this.#ghost.isQuorum(configuration, (voter) => this.#connectedSince(id, voter) < Infinity);
  }

  // --- the waits

  /** `key`: null where nothing is waited for. `microsMore`: what the work that is to be done may take. */
  #look(id: NodeId, watched: Watched, kind: WaitKind, key: string | number | null, microsMore: Micros): void {
    const before = watched.waits.get(kind);
    if (key === null) {
      if (before !== undefined) watched.waits.delete(kind);
      return;
    }
    const now = this.#now();
    if (before?.key !== key) return void watched.waits.set(kind, { key, since: now });
    waitMustEnd(id, kind, now - Math.max(before.since, watched.fitSince), this.#bounds.microsMax[kind] + microsMore);
  }

  #lookAtAll(host: Host, watched: Watched, raft: Raft): void {
    const { id } = host;
    const node = this.#ghost.node(id);
    const { durable, applied } = node;
    const isLost = applied < durable.base;
    const isQueued = durable.last < raft.log.lastIndex;
    this.#look(id, watched, "logQueue", isQueued ? durable.last : null, 0);
    const isInstalling = watched.snapshot > applied;
    this.#look(id, watched, "install", isInstalling ? watched.snapshot : null, 0);
    const isReceived = watched.received > Math.max(node.snapshot, applied);
    this.#look(id, watched, "received", isReceived ? watched.received : null, 0);
    const mayApply = host.devices.kv === null ? node.commit : Math.min(node.commit, durable.last);
    this.#look(id, watched, "applyQueue", applied < mayApply && !isLost && !isInstalling ? applied : null, 0);
    this.#look(id, watched, "heldLog", this.#isLogHeld(host, watched, node) ? node.written.base : null, 0);
    this.#look(id, watched, "heldSegment", node.disk.spareSegment(durable.base), 0);
    this.#look(id, watched, "unmarked", node.disk.aboveWatermark, 0);
    this.#lookAtChanges(id, watched);
    this.#lookAtLeader(id, watched, raft, node);
  }

  /** What trails behind a durable state is kept for those that lag a little; and what is being sent, for who gets it. */
  #isLogHeld({ id, devices }: Host, { rows }: Watched, { covered, durable, written, applied }: GhostNode): boolean {
    // Rows that were emptied since cover nothing.
    const state = devices.kv === null ? covered : Math.min(rows, covered);
    const end = Math.min(state - this.#plan.trailingEntries, durable.last, applied);
    if (end <= written.base) return false;
    const since = this.#now() - this.#bounds.restMicros;
    return this.#hosts.every(({ id: to }) => (this.#sending.get(linkOf(id, to))?.at ?? -1) < since);
  }

  #lookAtChanges(id: NodeId, watched: Watched): void {
    for (const [change, { node, boot, since }] of this.#changes) {
      if (node !== id) continue;
      if (boot !== watched.boot) this.#changes.delete(change);
      else {
        const micros = this.#now() - Math.max(since, watched.fitSince);
        waitMustEnd(id, "change", micros, this.#bounds.microsMax.change);
      }
    }
  }

  #lookAtLeader(id: NodeId, watched: Watched, raft: Raft, node: GhostNode): void {
    const { led } = node;
    const isLeader = raft.role === "leader" && led?.term === raft.term;
    const sent = isLeader ? this.#stuckReceiver(id, raft.term) : undefined;
    const reach = sent === undefined ? undefined : this.#sending.get(linkOf(id, sent))!;
    this.#look(id, watched, "sending", reach === undefined ? null : `${sent} ${reach.index} ${reach.reach}`, 0);
    if (!isLeader || raft.transferee !== 0) {
      watched.waits.delete("joint");
      watched.waits.delete("promotion");
      return;
    }
    const configuration = this.#ghost.configurationOf(led.log);
    const { configurationIndex: index, last } = led.log;
    const name = `${led.term} ${index}`;
    const isJoint = configuration.outgoing.length > 0;
    const waitsToLeave = isJoint && this.#hasQuorum(id, configuration);
    this.#look(id, watched, "joint", waitsToLeave ? name : null, this.#bounds.catchUpMicros(last - node.commit));
    const learner = isJoint || index > node.commit ? undefined : this.#readyLearner(node, configuration, led.log.last);
    this.#look(id, watched, "promotion", learner === undefined ? null : `${name} ${learner}`, 0);
  }

  /** The first of those that are being sent a snapshot, hear it, and have not come to it yet. */
  #stuckReceiver(id: NodeId, term: Term): NodeId | undefined {
    const since = this.#now() - 3 * this.#bounds.restMicros;
    return this.#hosts.find(({ id: to }) => {
      const sending = this.#sending.get(linkOf(id, to));
      if (sending?.term !== term || sending.at < since) return false;
      const { applied, snapshot } = this.#ghost.node(to);
      return Math.max(applied, snapshot) < sending.index && this.#connectedSince(id, to) < Infinity;
    })?.id;
  }

  /** A learner to be promoted now. A learner that needs entries below the leader's log gets a snapshot first. */
  #readyLearner({ id, written }: GhostNode, configuration: Configuration, last: Index): NodeId | undefined {
    const { members, learners } = configuration;
    const isReady = (learner: NodeId): boolean => {
      const { durable } = this.#ghost.node(learner);
      const isNear = durable.last + this.#plan.entriesPerAppendMax >= last && durable.last >= written.base;
      return isNear && this.#connectedSince(id, learner) < Infinity;
    };
    const found = members.find((member) => {
      return member.autoPromote && member.storeId !== "" && learners.includes(member.id) && isReady(member.id);
    });
    return found !== undefined && this.#hasQuorum(id, configuration) ? found.id : undefined;
  }
}
