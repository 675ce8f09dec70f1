/**
 * A node from its first moment to its last: opens its directory, founds or joins a cluster, runs, stops. What it does
 * while it runs is core/node/running.ts.
 */
import { assert } from "../assert.ts";
import type { Command } from "../kv/command.ts";
import type { Clock, Disk, DiskError, Network, Random, Timer, Trace } from "../ports.ts";
import type { Change } from "../raft/membership.ts";
import type { Envelope, Message, Removed, Welcome } from "../raft/messages.ts";
import { type Claim, genesisOf, type Genesis, type Identity, saveIdentity } from "../storage/identity.ts";
import { joinLog } from "../storage/join-log.ts";
import type { StateStore } from "../storage/state-store.ts";
import type { Micros, NodeId } from "../units.ts";
import { handshakeRefusal } from "../wire/connection.ts";
import { type Handshake, protocolVersion } from "../wire/frame.ts";
import { clusterListProblem } from "./cluster-list.ts";
import { describeNode } from "./describe.ts";
import { Founding, foundingBase, type FoundingStep } from "./founding.ts";
import { openDirectory, type Opened } from "./opening.ts";
import type {
  ChangeResult,
  Ending,
  FailureCode,
  NodeOptions,
  ReadOutcome,
  SessionKey,
  WriteOutcome,
} from "./options.ts";
import { removedReason, Running } from "./running.ts";
import { Peers } from "./peers.ts";
import type { Status } from "./status.ts";

/** A node's doors to the outside. */
export type NodePorts = {
  readonly clock: Clock;
  /** The directory of identity and log. */
  readonly disk: Disk;
  readonly snapshotDisk: Disk;
  readonly network: Network;
  readonly random: Random;
  readonly trace: Trace;
  /** Where rows and sessions live. */
  readonly store: StateStore;
};

const tooFewVoters =
  "the log is damaged, and the other voters are no majority without this node: put back a copy of its directory";

export class Node {
  readonly #ports: NodePorts;
  readonly #options: NodeOptions;
  readonly #onEnd: (ending: Ending) => void;
  readonly #timer: Timer;
  readonly #peers: Peers;

  #opened: Opened | null = null;
  /** As it is on the disk now. */
  #identity: Identity | null = null;
  #founding: Founding | null = null;
  #running: Running | null = null;
  #settling = false;
  #ended = false;
  #stopping: (() => void) | null = null;
  #flushDue = false;

  /** `onEnd` is called at most once, when the node cannot go on; after it the node does nothing more. */
  constructor(ports: NodePorts, onEnd: (ending: Ending) => void, options: NodeOptions) {
    this.#ports = ports;
    this.#onEnd = onEnd;
    this.#options = options;
    this.#peers = new Peers(ports.network, options.id);
    this.#timer = ports.clock.timer(() => this.#schedule());
  }

  /** Opens the directory, recovers the log, and joins or founds the cluster. Call it once. */
  start(): void {
    const { id, engine, cluster, join } = this.#options;
    const claim: Claim = { id, engine, cluster, join };
    openDirectory(
      this.#ports,
      claim,
      (error) => this.#failDisk(error),
      (ending, opened) => {
        if (this.#ended) return;
        if (ending !== null) return this.#end(ending);
        assert(opened !== null, "a directory or an ending");
        this.#onOpened(opened);
      },
    );
  }

  /** Takes a message from the network; what is not meant for this node is dropped. */
  receive(envelope: Envelope): void {
    if (this.#ended || this.#identity === null) return;
    const { message, from } = envelope;
    if (message.kind === "founder") this.#onFounder(from, message);
    else if (message.kind === "welcome") this.#onWelcome(this.#identity, message);
    else if (message.kind === "removed") this.#onRemoved(this.#identity, envelope.cluster, message);
    else if (this.#running !== null) {
      this.#running.receive(envelope);
      this.#schedule();
    }
  }

  /**
   * Replicates `command`; `done` comes when it is committed and applied here, or has failed, within the request time.
   * Returns a handle for `cancelWrite`, 0 where it has failed at once.
   */
  write(command: Command, key: SessionKey, done: (outcome: WriteOutcome) => void): number {
    const running = this.#admit(done);
    return running === null ? 0 : running.write(command, key, this.#deadline(), done);
  }

  /** The client has gone: a write that has not left this node never happens. */
  cancelWrite(handle: number): void {
    this.#running?.cancelWrite(handle);
  }

  /**
   * Linearizable: sees every write that was acknowledged anywhere before the call. With `lease` a leader may trust the
   * bound on clocks instead of asking a quorum.
   */
  read(key: string, lease: boolean, done: (outcome: ReadOutcome) => void): void {
    this.#admit(done)?.read(key, lease, done);
  }

  /** This node's own state, however old. */
  readStale(key: string, done: (outcome: ReadOutcome) => void): void {
    const { store } = this.#ports;
    store.read([key], (error, rows) => {
      if (error !== null) return this.#failDisk(error);
      done({ ok: true, row: rows[0] ?? null, revision: store.applied.index });
    });
  }

  /** An operator's wish; `done` comes when it is reached (and committed), refused, or given up at the request time. */
  change(change: Change, done: (result: ChangeResult) => void): void {
    this.#admit(done)?.change(change, this.#deadline(), done);
  }

  /** Takes no more requests, hands leadership over, lets what is pending finish until its deadline, then closes. */
  stop(done: () => void): void {
    if (this.#ended) return done();
    this.#stopping = done;
    this.#running?.handOver(this.#ports.clock.now());
    this.#schedule();
  }

  /** As a power cut would: nothing is finished, nobody is told. For hosts that die. */
  kill(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#timer.clear();
    this.#running?.close();
    this.#ports.store.close();
  }

  status(): Status {
    return describeNode(this.#options, this.#identity, this.#founding, this.#running, this.#opened, this.#ports.store);
  }

  /** Null until the founding, or the welcome, is complete. For observers. */
  get running(): Running | null {
    return this.#running;
  }

  /** What this node says of itself to a peer it dials. */
  handshake(to: NodeId): Handshake | null {
    if (this.#identity === null) return null;
    const { storeId, boot, node, incarnation } = this.#identity;
    const cluster = this.#running?.genesis.cluster ?? "";
    const [versionMin, versionMax] = [protocolVersion, protocolVersion];
    return { versionMin, versionMax, cluster, node, incarnation, boot, storeId, to, url: this.#peers.ownUrl };
  }

  /** Why a dialling peer is turned away ("removed", or words), or null: then it is known where to answer it. */
  judge(theirs: Handshake): string | null {
    const ours = this.handshake(theirs.node);
    if (ours === null) return "this node is still opening its directory";
    const refusal = handshakeRefusal(ours, theirs) ?? this.#running?.door.judge(theirs) ?? null;
    if (refusal === null) this.#peers.meet(theirs.node, theirs.url);
    return refusal;
  }

  /** A member has turned this node's stream away: a committed configuration is without it. */
  turnedAway(): void {
    if (this.#identity !== null && this.#running !== null) this.#bury(this.#identity);
  }

  // --- opening, founding, joining

  #onOpened(opened: Opened): void {
    const { identity } = opened;
    this.#opened = opened;
    this.#identity = identity;
    const { cluster } = this.#options;
    const problem = clusterListProblem(opened, this.#options);
    if (problem?.kind === "refused") return this.#end({ kind: "refused", reason: problem.reason });
    if (problem !== null) this.#ports.trace.note("warn", problem.reason);
    // One that begins anew may know more members by its command line than it was founded with.
    const lists =
      identity.founders.length === 0
        ? [cluster]
        : identity.lost === null
          ? [identity.founders]
          : [cluster, identity.founders];
    const urls = lists.flatMap((list) => list.map((url, k): [NodeId, string] => [k + 1, url]));
    this.#peers.list(new Map(urls));
    if (identity.lost === null && identity.genesis !== null) this.#run(identity, identity.genesis);
    else if (identity.lost !== null) this.#ports.trace.note("warn", "this node takes no part until it is bound anew");
    else if (identity.founders.length > 0) {
      this.#founding = new Founding(identity, this.#ports.trace);
      this.#settle(this.#founding.step(identity.node, null));
    }
    this.#schedule();
  }

  #onFounder(from: NodeId, word: Message & { kind: "founder" }): void {
    if (this.#founding !== null && this.#running === null) return this.#settle(this.#founding.step(from, word));
    // One who still waits is told the genesis; one who knows it needs no answer.
    if (this.#identity?.genesis === null || this.#identity === null || word.genesis.length > 0) return;
    this.#send(from, new Founding(this.#identity, this.#ports.trace).hello(this.#identity.genesis));
  }

  #settle(step: FoundingStep): void {
    if (step.kind === "refused") return this.#end({ kind: "refused", reason: step.reason });
    if (step.kind === "wait" || this.#identity === null) return;
    this.#become({ ...this.#identity, genesis: step.genesis }, step.genesis);
  }

  #onWelcome(identity: Identity, { storeId, term, incarnation, genesis: storeIds, founders }: Welcome): void {
    const isAwaited = identity.lost !== null || (identity.genesis === null && identity.founders.length === 0);
    if (!isAwaited || storeId !== identity.storeId) return;
    const genesis = identity.genesis ?? genesisOf(founders, storeIds);
    const anew = identity.lost !== null;
    this.#become({ ...identity, founders, genesis, incarnation, lost: null, anew, sinceTerm: term }, genesis);
  }

  /** Takes part once `identity` is durable. */
  #become(identity: Identity, genesis: Genesis): void {
    if (this.#settling) return;
    this.#settling = true;
    saveIdentity(this.#ports.disk, identity, (error) => {
      if (this.#ended) return;
      if (error !== null) return this.#failDisk(error);
      this.#identity = identity;
      this.#run(identity, genesis);
      this.#schedule();
    });
  }

  #onRemoved(identity: Identity, cluster: string, { storeId, incarnation, reason }: Removed): void {
    const { node } = identity;
    if (reason === "removed") {
      // A late word of the life before, answered late, says nothing to one that is about to be bound anew.
      const isAnswer = identity.lost === null || storeId === identity.storeId;
      const isMeant = isAnswer && cluster === identity.genesis?.cluster && incarnation === identity.incarnation;
      if (isMeant) this.#bury(identity);
    } else if (reason === "too-few-voters") {
      if (storeId === identity.storeId && identity.lost !== null) this.#end({ kind: "corrupt", reason: tooFewVoters });
    } else if (storeId === identity.storeId && identity.genesis === null) {
      const words = `another directory is bound as node ${node}: remove ${node}, then add it again`;
      this.#end({ kind: "refused", reason: words });
    }
  }

  /** Removed for ever: says so on its own disk, then ends. */
  #bury(identity: Identity): void {
    if (this.#settling && identity.removed) return;
    this.#identity = { ...identity, removed: true };
    this.#settling = true;
    this.#running?.endRequests();
    this.#running?.close();
    this.#running = null;
    saveIdentity(this.#ports.disk, this.#identity, (error) => {
      if (this.#ended) return;
      if (error !== null) return this.#failDisk(error);
      this.#end({ kind: "removed", reason: removedReason(identity.node) });
    });
  }

  #run(identity: Identity, genesis: Genesis): void {
    assert(this.#opened !== null, "the directory is open");
    const host = {
      ...this.#ports,
      peers: this.#peers,
      schedule: () => this.#schedule(),
      failDisk: (error: DiskError) => this.#failDisk(error),
      end: (ending: Ending) => (ending.kind === "removed" ? this.#bury(this.#identity!) : this.#end(ending)),
    };
    const joined = joinLog(
      this.#opened.log,
      foundingBase(identity.founders, genesis),
      this.#opened.snapshot,
      host.store.applied,
    );
    if (typeof joined === "string") return this.#end({ kind: "corrupt", reason: joined });
    this.#running = new Running(host, this.#options, identity, genesis, this.#opened, joined);
    this.#settling = false;
    const { raft } = this.#running;
    const { trace } = this.#ports;
    trace.fact("recovered", raft.log.lastIndex, raft.term, raft.vote);
    const { node, boot } = identity;
    trace.note("info", `node ${node} of cluster ${genesis.cluster} is running, start ${boot} of its directory`);
  }

  // --- the turn

  #schedule(): void {
    if (this.#flushDue || this.#ended) return;
    this.#flushDue = true;
    this.#ports.clock.endOfTurn(() => {
      this.#flushDue = false;
      if (this.#ended || this.#identity === null) return;
      const now = this.#ports.clock.now();
      if (this.#running === null) this.#callOut(now, this.#identity);
      else {
        const wakeAt = this.#running.flush(now);
        if (this.#running !== null) this.#timer.set(wakeAt);
      }
      this.#finishStop();
    });
  }

  /** While it does not take part: founders greet each other, a joining node knocks. */
  #callOut(now: Micros, identity: Identity): void {
    if (identity.removed) return;
    const { storeId, incarnation, founders, node, lost } = identity;
    const word: Message = this.#founding?.hello(null) ?? { kind: "knock", storeId, incarnation, lost: lost ?? "" };
    // To all, also those already seen: they may not have seen this node.
    const count = Math.max(founders.length, lost === null && founders.length > 0 ? 0 : this.#options.cluster.length);
    const known = new Set([...Array.from({ length: count }, (_, k) => k + 1), ...this.#peers.ids]);
    for (const id of known) if (id !== node) this.#send(id, word);
    this.#timer.set(now + this.#options.heartbeatMicros);
  }

  #send(to: NodeId, message: Message): void {
    const { node, boot, incarnation, lost } = this.#identity!;
    const cluster = (lost === null ? this.#running?.genesis : this.#identity!.genesis)?.cluster ?? "";
    const envelope = {
      cluster,
      from: node,
      fromIncarnation: incarnation,
      fromBoot: boot,
      to,
      toIncarnation: 0,
      message,
    };
    this.#ports.network.send(to, envelope);
  }

  // --- requests and endings

  #deadline(): Micros {
    return this.#ports.clock.now() + this.#options.requestMicros;
  }

  /** Who takes the request; null where it has been refused already. */
  #admit(done: (failure: { ok: false; code: FailureCode; definite: true }) => void): Running | null {
    const running = this.#ended || this.#stopping !== null ? null : this.#running;
    if (running === null || running.waitingCount >= this.#options.waitingMax) {
      const isStopping = this.#ended || this.#stopping !== null;
      done({ ok: false, code: isStopping ? "stopping" : running === null ? "no-leader" : "busy", definite: true });
      return null;
    }
    this.#schedule();
    return running;
  }

  #finishStop(): void {
    const running = this.#running;
    if (this.#stopping === null || (running !== null && running.waitingCount > 0)) return;
    // A leader that hands over stays until its successor leads, or until the try has ended.
    if (running !== null && (running.raft.leadership?.transferee ?? 0) !== 0) return;
    const done = this.#stopping;
    this.kill();
    done();
  }

  #failDisk(error: DiskError): void {
    this.#end({ kind: "disk", reason: `the disk failed: ${error.message}` });
  }

  #end(ending: Ending): void {
    if (this.#ended) return;
    this.#running?.endRequests();
    this.kill();
    this.#onEnd(ending);
  }
}
