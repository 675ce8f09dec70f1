/** A node from its first moment to its last. What it does while it runs is core/node/replica.ts. */
import { assert } from "../assert.ts";
import type { Command } from "../kv/command.ts";
import { assertLimits } from "../limits.ts";
import type { DiskError, Timer } from "../ports.ts";
import type { Change } from "../protocol/configuration.ts";
import type { FinalVerdict, Verdict } from "../protocol/connection.ts";
import type { Handshake } from "../protocol/frame.ts";
import type { Envelope } from "../protocol/message.ts";
import { type Checked, passed } from "../result.ts";
import { type Claim, type Genesis, type Identity, removedReason } from "../storage/identity.ts";
import { beginRowsAgain } from "../storage/remedies.ts";
import type { Index, Micros, NodeId } from "../units.ts";
import { addressHints, ClusterEntry, type EntryStep } from "./cluster-entry.ts";
import { clusterListProblem } from "./cluster-list.ts";
import type { NodePorts, ReplicaHost } from "./context.ts";
import { describeNode, describeReadiness } from "./describe.ts";
import { EntryInbox } from "./entry-inbox.ts";
import { checkHandshake, handshakeOf } from "./handshake.ts";
import { openDirectory, type Opened } from "./opening.ts";
import type { ChangeResult, Ending, Failure, NodeOptions, ReadOutcome, SessionKey, WriteOutcome } from "./options.ts";
import { type Answer, dispatch } from "./message-dispatch.ts";
import { markLost, replacedEnding } from "./outdated-copy.ts";
import { Peers } from "./peers.ts";
import type { Readiness } from "./readiness.ts";
import { Replica } from "./replica.ts";
import { restore } from "./restore.ts";
import type { Status } from "./status.ts";
import type { NodeView } from "./view.ts";

/** One boot of one directory. `onEnd` is told once, and nothing happens after it. */
export class Node {
  readonly #ports: NodePorts;
  readonly #options: NodeOptions;
  readonly #onEnd: (ending: Ending) => void;
  readonly #timer: Timer;
  readonly #peers: Peers;
  readonly #entryInbox: EntryInbox;

  #opened: Opened | null = null;
  /** As it is on the disk now. */
  #identity: Identity | null = null;
  /** Drawn at this start. */
  #nonce = 0;
  /** Null before the directory is open, and once the node takes part. */
  #entry: ClusterEntry | null = null;
  #replica: Replica | null = null;
  #settling = false;
  #ended = false;
  #stopping: (() => void) | null = null;
  /** All that was to end has ended: no turn comes any more, only the seal of the log. */
  #closing = false;
  #turnDue = false;

  /** `onEnd` is called at most once, when the node cannot go on; after it the node does nothing more. */
  constructor(ports: NodePorts, onEnd: (ending: Ending) => void, options: NodeOptions) {
    assertLimits(options);
    this.#ports = ports;
    this.#onEnd = onEnd;
    this.#options = options;
    this.#peers = new Peers(ports.network, ports.trace, options.id, options.peerUrl, options);
    const onStep = (step: EntryStep): void => this.#applyEntryStep(step);
    this.#entryInbox = new EntryInbox(ports.network, () => this.#view, onStep);
    this.#timer = ports.clock.timer(() => this.#schedule());
  }

  /** Opens the directory, recovers the log, and joins or founds the cluster. Call it once. */
  start(): void {
    const { id, engine, cluster, join, directory } = this.#options;
    const claim: Claim = { id, engine, cluster, join, directory };
    openDirectory(
      this.#ports,
      claim,
      this.#options,
      (error) => this.#onDiskError(error),
      (result) => {
        if (this.#ended) return;
        if (result.ok) this.#onOpened(result.value);
        else this.#end(result.ending);
      },
    );
  }

  /**
   * Takes a message from the network; what is not meant for this node is dropped. `answer` puts a message on the stream
   * that brought it, and is called before this returns. `dialled`: the URL whose listener answers with it, where known.
   */
  receive(envelope: Envelope, answer: Answer, dialled: string | null = null): void {
    if (this.#ended || this.#closing || this.#identity === null) return;
    if (this.#entry?.believes(envelope, dialled) === false) return;
    const { from, message } = envelope;
    if (message.kind === "directory-confirmed") {
      const now = this.#ports.clock.now();
      if (this.#replica?.admission.binding.isPlaceOf(now, from, dialled) === false) return;
    }
    dispatch(envelope, answer, this.#entryInbox, this.#replica?.inbox ?? null);
  }

  /**
   * Replicates `command`; `done` comes when it is committed and applied here, or has failed, within the request time.
   * Returns a handle for `cancelWrite`, 0 where it has failed at once.
   */
  write(command: Command, key: SessionKey, done: (outcome: WriteOutcome) => void): number {
    return this.#request(done, ({ requests }) => requests.write(command, key, done)) ?? 0;
  }

  /** The client has gone, or waits no longer: a write that has not left this node never happens. Returns whether that is certain. */
  cancelWrite(handle: number): boolean {
    return this.#replica?.requests.cancelWrite(handle) ?? false;
  }

  /**
   * Linearizable: sees every write that was acknowledged anywhere before the call. With `lease` a leader may trust the
   * bound on clocks instead of asking a quorum.
   */
  read(key: string, lease: boolean, done: (outcome: ReadOutcome) => void): void {
    this.#request(done, ({ requests }) => requests.read(key, lease ? "lease" : "linearizable", done));
  }

  /** This node's own state, however old; `not-ready` where that says nothing about the cluster. */
  readStale(key: string, done: (outcome: ReadOutcome) => void): void {
    this.#request(done, ({ requests }) => requests.read(key, "stale", done));
  }

  /**
   * An operator's change request; `done` comes when it is reached (and committed), refused, or given up at `deadline`, by
   * this node's clock: the request time from now, unless it is a step of a request that began earlier.
   */
  change(change: Change, done: (result: ChangeResult) => void, deadline: Micros = this.requestDeadline()): void {
    this.#request(done, ({ requests }) => requests.change(change, deadline, done));
  }

  /** When a request that begins now has to be answered, by this node's clock. */
  requestDeadline(): Micros {
    return this.#ports.clock.now() + this.#options.requestMicros;
  }

  /**
   * Takes no more requests, hands leadership over, lets what is pending finish until its deadline, then closes. When `done`
   * comes, the directory says how far its log reaches, and nothing is written there any more. Where a disk fails before
   * that, `onEnd` comes in its place.
   */
  stop(done: () => void): void {
    if (this.#ended) return done();
    this.#stopping = done;
    this.#replica?.beginStop(this.#ports.clock.now());
    this.#schedule();
  }

  /** As a power cut would: nothing is finished, nobody is told. For hosts that die. */
  kill(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#timer.clear();
    this.#replica?.close();
    this.#ports.store.close();
  }

  status(): Status {
    return describeNode(this.#ports.clock.now(), this.#view);
  }

  /** Whether it can serve a linearizable read now, or why not. */
  readiness(): Readiness {
    return describeReadiness(this.#ports.clock.now(), this.#view);
  }

  get #view(): NodeView {
    return {
      options: this.#options,
      store: this.#ports.store,
      peers: this.#peers,
      opened: this.#opened,
      identity: this.#identity,
      nonce: this.#nonce,
      entry: this.#entry,
      replica: this.#replica,
      ending: this.#isEnding,
    };
  }

  get #isEnding(): "stopping" | "ended" | null {
    if (this.#ended || this.#identity?.removed === true) return "ended";
    return this.#stopping === null ? null : "stopping";
  }

  /** As `status` gives it. For observers that ask after every event. */
  get incarnation(): Index {
    return this.#identity?.incarnation ?? 0;
  }

  /** Null until the bootstrap, or the join, is complete. For observers. */
  get replica(): Replica | null {
    return this.#replica;
  }

  /** What this node says of itself to a peer; null while it says nothing. */
  handshake(to: NodeId): Handshake | null {
    return handshakeOf(this.#view, to);
  }

  /** What to make of a peer that dials this node. An accepted member's word on where it is reached is kept. */
  checkHandshake(theirs: Handshake): Verdict {
    return checkHandshake(this.#view, theirs);
  }

  /** Whether the node that listens where a peer was dialled is that peer. */
  checkListener(theirs: Handshake, accepts: boolean): Checked {
    return this.#replica?.admission.checkListener(theirs, accepts) ?? passed;
  }

  /** Whether `theirs`, who listens where a peer was dialled, may end this node by its word. */
  isBound(theirs: Handshake): boolean {
    return this.#replica?.admission.isBound(theirs) ?? this.#entry?.isBound(theirs) ?? true;
  }

  /** Whether `theirs`, who listens where a member was dialled and says that it is that one, may be somebody else. */
  isDoubtful(theirs: Handshake): boolean {
    return theirs.takesPart && this.#replica?.admission.isDoubtful(theirs) === true;
  }

  /** The member `by`, which this node has dialled, has refused it for good. */
  onVerdict(verdict: FinalVerdict, by: NodeId): void {
    const replica = this.#replica;
    if (this.#identity === null || replica === null || this.#ended || this.#closing) return;
    if (verdict === "removed") return this.#writeTombstone(this.#identity);
    if (verdict === "outdated-copy" && replica.admission.wasAccepted)
      return this.#end(replacedEnding(by, this.#options));
    this.#replica = null;
    replica.requests.end(false);
    replica.close();
    const { identityFile } = this.#opened!;
    const { random } = this.#ports;
    const { directory } = this.#options;
    const { configuration } = replica.raft;
    markLost({ verdict, identityFile, random, directory, configuration }, (error, ending) => {
      if (this.#ended) return;
      if (error !== null) return this.#onDiskError(error);
      this.#end(ending);
    });
  }

  // --- opening, bootstrap, joining

  #onOpened(opened: Opened): void {
    const { identity } = opened;
    this.#opened = opened;
    this.#identity = identity;
    const problem = clusterListProblem(opened, this.#options);
    if (problem?.kind === "refused") return this.#end({ code: "not-ours", reason: problem.reason });
    if (problem !== null) this.#ports.trace.note("warn", problem.reason);
    this.#nonce = this.#ports.random.draw("boot-nonce", identity.boot, 0x100000000);
    if (identity.lost === null && identity.genesis !== null) this.#run(identity, identity.genesis);
    else {
      if (identity.lost !== null)
        this.#ports.trace.note("warn", "this node takes no part until its directory is rebound");
      this.#entry = new ClusterEntry(identity, this.#options, this.#ports.trace);
      this.#applyEntryStep(this.#entry.begin());
    }
    this.#peers.setHints(addressHints(identity, this.#options.cluster));
    this.#schedule();
  }

  #applyEntryStep(step: EntryStep): void {
    if (step.kind === "wait" || this.#identity === null) return;
    if (step.kind === "end") return this.#end(step.ending);
    if (step.kind === "removed") return this.#writeTombstone(this.#identity);
    this.#adoptIdentity(step.identity, step.genesis);
  }

  /** Takes part once `identity` is durable. */
  #adoptIdentity(identity: Identity, genesis: Genesis): void {
    if (this.#settling) return;
    this.#settling = true;
    this.#opened!.identityFile.save(identity, (error) => {
      if (this.#ended) return;
      if (error !== null) return this.#onDiskError(error);
      this.#identity = identity;
      this.#entry = null;
      this.#run(identity, genesis);
      this.#peers.forgetUnaccepted();
      this.#peers.restartStreams(null);
      this.#schedule();
    });
  }

  /** Removed for ever: says so on its own disk, then ends. */
  #writeTombstone(identity: Identity): void {
    if (this.#settling && identity.removed) return;
    this.#identity = { ...identity, removed: true };
    this.#settling = true;
    this.#replica?.requests.end(true);
    this.#replica?.close();
    this.#replica = null;
    this.#opened!.identityFile.save(this.#identity, (error) => {
      if (this.#ended) return;
      if (error !== null) return this.#onDiskError(error);
      this.#end({ code: "removed", reason: removedReason(identity.node) });
    });
  }

  #run(identity: Identity, genesis: Genesis): void {
    assert(this.#opened !== null, "the directory is open");
    const host: ReplicaHost = {
      ...this.#ports,
      identity,
      genesis,
      options: this.#options,
      peers: this.#peers,
      schedule: () => this.#schedule(),
      onDiskError: (error) => this.#onDiskError(error),
      fail: (ending) => (ending.code === "removed" ? this.#writeTombstone(this.#identity!) : this.#end(ending)),
    };
    const restored = restore(host, this.#opened);
    if (!restored.ok) return this.#end(restored.ending);
    this.#replica = new Replica(host, this.#opened, restored.value);
    this.#settling = false;
    const { lastIndex, term, vote } = this.#replica.raft.status();
    const { trace } = this.#ports;
    trace.fact("recovered", lastIndex, term, vote);
    const { node, boot } = identity;
    trace.note("info", `node ${node} of cluster ${genesis.cluster} is running, start ${boot} of its directory`);
  }

  // --- the turn

  #schedule(): void {
    if (this.#turnDue || this.#ended) return;
    this.#turnDue = true;
    this.#ports.clock.endOfTurn(() => {
      this.#turnDue = false;
      if (this.#ended || this.#closing) return;
      const now = this.#ports.clock.now();
      const wakeAt = this.#replica?.runTurn(now);
      if (this.#replica !== null && wakeAt !== undefined) this.#timer.set(wakeAt);
      else if (this.#entry !== null && !this.#identity!.removed) this.#ask(now);
      this.#finishStop(now);
    });
  }

  /** Asks how to come into a cluster, and again after a heartbeat. */
  #ask(now: Micros): void {
    this.#entryInbox.ask(now);
    this.#timer.set(now + this.#options.heartbeatMicros);
  }

  // --- requests and endings

  /** Lets `take` have the request, or refuses it. A throw out of it is a bug: its caller may catch it, the node ends. */
  #request<T>(done: (failure: Failure) => void, take: (replica: Replica) => T): T | null {
    const replica = this.#isEnding === null ? this.#replica : null;
    const isFull = replica !== null && replica.requests.count >= this.#options.waitingMax;
    this.#schedule();
    try {
      if (replica !== null && !isFull) return take(replica);
      done({ ok: false, code: isFull ? "busy" : this.#isEnding === null ? "not-ready" : "stopping", definite: true });
      return null;
    } catch (thrown) {
      this.#end({ code: "bug", reason: `a request has found a bug: ${String(thrown)}` });
      throw thrown;
    }
  }

  #finishStop(now: Micros): void {
    if (this.#ended || this.#stopping === null || this.#replica?.mayStop(now) === false) return;
    const done = this.#stopping;
    const close = (): void => {
      if (this.#ended) return;
      this.kill();
      done();
    };
    this.#closing = true;
    if (this.#replica === null) close();
    else this.#replica.wal.seal(close);
  }

  #onDiskError(error: DiskError): void {
    const isDamage = error.code === "DAMAGED";
    const damage = `the rows are damaged: ${error.message}; ${beginRowsAgain(this.#options.directory)}`;
    this.#end({ code: "disk", reason: isDamage ? damage : `the disk failed: ${error.message}` });
  }

  #end(ending: Ending): void {
    if (this.#ended) return;
    this.#replica?.requests.end(false);
    this.kill();
    this.#onEnd(ending);
  }
}
