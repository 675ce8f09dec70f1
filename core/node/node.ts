/**
 * The node: drives Raft over the ports, and is the only place where the order of persist, send and apply is decided.
 *
 * Everything a turn brings (messages, completions, requests) is taken first; one flush at its end then, in this order,
 * lets deadlines act, hands requests over, writes to the WAL, sends, applies, answers. Sending does not wait for the
 * own write: Raft holds back what must.
 */
import { assert } from "../assert.ts";
import type { Command } from "../kv/command.ts";
import type { Clock, Disk, DiskError, Network, Random, Timer, Trace } from "../ports.ts";
import { RaftLog } from "../raft/log.ts";
import type { Envelope, Message, Outgoing, ReadGrant, Ready } from "../raft/messages.ts";
import { Raft } from "../raft/raft.ts";
import { type Genesis, type Identity, openIdentity, saveIdentity } from "../storage/identity.ts";
import { MemoryState } from "../storage/memory-state.ts";
import { Wal } from "../storage/wal.ts";
import { recoverWal, type Recovered } from "../storage/wal-recovery.ts";
import type { Micros, NodeId } from "../units.ts";
import type { Handshake } from "../wire/frame.ts";
import { protocolVersion } from "../wire/frame.ts";
import { handshakeRefusal } from "../wire/connection.ts";
import { Applier } from "./applier.ts";
import { Founding, foundersConfiguration, type FoundingStep } from "./founding.ts";
import type { Ending, NodeOptions, ReadOutcome, WriteOutcome } from "./options.ts";
import { Reads } from "./reads.ts";
import type { Status } from "./status.ts";
import { describeNode } from "./describe.ts";
import { Writes } from "./writes.ts";

const idleMarkMicros: Micros = 100_000;
const roleCodes = { follower: 0, "pre-candidate": 1, candidate: 2, leader: 3 } as const;

/** A node that takes part: everything that exists once the founding is complete. */
export type Running = {
  readonly genesis: Genesis;
  readonly raft: Raft;
  readonly wal: Wal;
  readonly applier: Applier;
  readonly writes: Writes;
  readonly reads: Reads;
};

export class Node {
  readonly #clock: Clock;
  readonly #disk: Disk;
  readonly #network: Network;
  readonly #random: Random;
  readonly #trace: Trace;
  readonly #options: NodeOptions;
  readonly #onEnd: (ending: Ending) => void;
  readonly #timer: Timer;
  readonly #store = new MemoryState();
  /** The highest boot heard from each peer: words of an earlier life are not listened to. */
  readonly #bootSeen = new Map<NodeId, number>();

  #identity: Identity | null = null;
  #founding: Founding | null = null;
  #recovered: Recovered | null = null;
  #running: Running | null = null;
  #ended = false;
  #stopping: (() => void) | null = null;
  #flushDue = false;
  #reported = { role: -1, term: -1, leader: -1, commit: 0 };

  /** `onEnd` is called at most once, when the node cannot go on; after it the node does nothing more. */
  constructor(
    clock: Clock,
    disk: Disk,
    network: Network,
    random: Random,
    trace: Trace,
    onEnd: (ending: Ending) => void,
    options: NodeOptions,
  ) {
    this.#clock = clock;
    this.#disk = disk;
    this.#network = network;
    this.#random = random;
    this.#trace = trace;
    this.#onEnd = onEnd;
    this.#options = options;
    this.#timer = clock.timer(() => this.#schedule());
  }

  /** Opens the directory, recovers the log, and joins or founds the cluster. Call it once. */
  start(): void {
    const { id, founders } = this.#options;
    openIdentity(this.#disk, this.#random, id, founders, (failure, identity) => {
      if (this.#ended) return;
      if (failure?.kind === "disk") return this.#failDisk(failure.error);
      if (failure !== null) return this.#end({ kind: "refused", reason: failure.reason });
      assert(identity !== null, "an identity or a failure");
      this.#identity = identity;
      if (identity.founders.join() !== founders.join()) {
        this.#trace.note(
          "warn",
          `--cluster is read at the first start only; this directory knows ${identity.founders.join()}`,
        );
      }
      recoverWal(this.#disk, identity.storeId, (result) => {
        if (this.#ended) return;
        if (result.ok) return this.#onRecovered(identity, result);
        if (result.kind === "disk") return this.#failDisk(result.error);
        const reason = `${result.file} is damaged at byte ${result.offset}, below what had been synced: ${result.reason}`;
        this.#end({ kind: "corrupt", reason });
      });
    });
  }

  /** Takes a message from the network; what is not meant for this node is dropped. */
  receive(envelope: Envelope): void {
    if (this.#ended || this.#identity === null) return;
    const { message, from, fromBoot } = envelope;
    if (message.kind === "founder") return this.#onFounder(from, message);
    if (this.#running === null || !this.#accepts(envelope, this.#running)) return;
    this.#bootSeen.set(from, fromBoot);
    const { raft, reads, writes } = this.#running;
    if (message.kind === "read-reply") reads.onGrant(message);
    else if (message.kind === "forward-refused") writes.onRefused(message);
    else raft.receive(this.#clock.now(), from, message);
    this.#schedule();
  }

  /**
   * Replicates `command`; `done` comes when it is committed and applied here, or has failed, within the request time.
   * Returns a handle for `cancelWrite`, 0 where it has failed at once.
   */
  write(command: Command, done: (outcome: WriteOutcome) => void): number {
    const refusal = this.#refusal();
    if (refusal !== null || this.#running === null) {
      done({ ok: false, code: refusal ?? "no-leader", definite: true });
      return 0;
    }
    this.#schedule();
    return this.#running.writes.add(command, this.#clock.now() + this.#options.requestMicros, done);
  }

  /** The client has gone: a write that has not left this node never happens. */
  cancelWrite(handle: number): void {
    this.#running?.writes.cancel(handle);
  }

  /** Linearizable: sees every write that was acknowledged anywhere before the call. */
  read(key: string, done: (outcome: ReadOutcome) => void): void {
    const refusal = this.#refusal();
    if (refusal !== null || this.#running === null)
      return done({ ok: false, code: refusal ?? "no-leader", definite: true });
    this.#schedule();
    this.#running.reads.add(key, done);
  }

  /** This node's own state, however old. */
  readStale(key: string, done: (outcome: ReadOutcome) => void): void {
    this.#store.read([key], (error, rows) => {
      if (error !== null) return this.#failDisk(error);
      done({ ok: true, row: rows[0] ?? null, revision: this.#store.appliedIndex });
    });
  }

  /** Takes no more requests, lets what is pending finish until its deadline, then closes. `done` comes once. */
  stop(done: () => void): void {
    if (this.#ended) return done();
    this.#stopping = done;
    this.#schedule();
  }

  /** As a power cut would: nothing is finished, nobody is told. For hosts that die. */
  kill(): void {
    this.#ended = true;
    this.#timer.clear();
    this.#running?.wal.close();
  }

  status(): Status {
    return describeNode(this.#options, this.#identity, this.#founding, this.#running, this.#store);
  }

  /** Null until the founding is complete. For observers. */
  get running(): Running | null {
    return this.#running;
  }

  /** What this node says of itself to a peer it dials. */
  handshake(to: NodeId): Handshake | null {
    if (this.#identity === null) return null;
    const { storeId, boot, node } = this.#identity;
    const cluster = this.#running?.genesis.cluster ?? "";
    return {
      versionMin: protocolVersion,
      versionMax: protocolVersion,
      cluster,
      node,
      incarnation: 0,
      boot,
      storeId,
      to,
    };
  }

  /** Why a dialling peer is turned away, in words, or null. */
  judge(theirs: Handshake): string | null {
    const ours = this.handshake(theirs.node);
    if (ours === null) return "this node is still opening its directory";
    const refusal = handshakeRefusal(ours, theirs);
    if (refusal !== null || theirs.cluster === "") return refusal;
    const member = this.#running?.raft.configuration.members.find(({ id }) => id === theirs.node);
    if (this.#running === null) return null;
    if (member === undefined) return `node ${theirs.node} is not a member`;
    return member.storeId === theirs.storeId ? null : `another directory is bound as node ${theirs.node}`;
  }

  // --- opening and founding

  #onRecovered(identity: Identity, recovered: Recovered): void {
    if (recovered.cutBytes > 0) this.#trace.note("info", `cut ${recovered.cutBytes} un-synced bytes off the log`);
    this.#recovered = recovered;
    const peers = identity.founders.map((url, k): [NodeId, string] => [k + 1, url]);
    this.#network.setPeers(new Map(peers.filter(([id]) => id !== identity.node)));
    this.#founding = new Founding(identity, this.#trace);
    if (identity.genesis !== null) this.#run(identity.genesis);
    else this.#settle(this.#founding.step(identity.node, null));
    this.#schedule();
  }

  #onFounder(from: NodeId, word: Message & { kind: "founder" }): void {
    if (this.#founding === null) return;
    if (this.#running === null) return this.#settle(this.#founding.step(from, word));
    // One who still waits is told the genesis; one who knows it needs no answer.
    if (word.genesis.length === 0) this.#send({ to: from, message: this.#founding.hello(this.#running.genesis) });
  }

  #settle(step: FoundingStep): void {
    if (step.kind === "refused") return this.#end({ kind: "refused", reason: step.reason });
    if (step.kind === "wait" || this.#identity === null || this.#identity.genesis !== null) return;
    const identity = { ...this.#identity, genesis: step.genesis };
    this.#identity = identity;
    saveIdentity(this.#disk, identity, (error) => {
      if (this.#ended) return;
      if (error !== null) return this.#failDisk(error);
      this.#run(step.genesis);
      this.#schedule();
    });
  }

  #run(genesis: Genesis): void {
    assert(this.#identity !== null && this.#recovered !== null, "identity and log are open");
    const { boot, node, storeId, founders } = this.#identity;
    const { tail, hardState, entries } = this.#recovered;
    const configuration = foundersConfiguration(founders, genesis);
    const options = { ...this.#options, boot };
    const log = new RaftLog(0, 0, entries);
    const raft = new Raft(options, hardState, log, configuration, this.#random, this.#clock.now());
    const wal = new Wal(this.#disk, this.#clock, storeId, tail, (error) => this.#failDisk(error), {
      segmentBytesMax: this.#options.walSegmentBytesMax,
      idleMarkMicros,
    });
    const writes = new Writes(node, boot);
    const failStore = (error: DiskError): void => this.#failDisk(error);
    const reads = new Reads(node, boot, this.#store, failStore, 2 * this.#options.heartbeatMicros);
    const applier = new Applier(
      this.#store,
      {
        entryAt: (index) => log.entryAt(index),
        onApplied: (entry, applied) => writes.onApplied(entry, applied),
        onBatch: (entry) => this.#trace.fact("applied", entry.index, entry.term, this.#store.hash.digest),
        onFailure: (kind, reason) => this.#end({ kind, reason }),
      },
      this.#options.entriesPerApplyMax,
    );
    this.#running = { genesis, raft, wal, applier, writes, reads };
    this.#trace.fact("recovered", raft.log.lastIndex, raft.term, raft.vote);
    this.#trace.note("info", `node ${node} of cluster ${genesis.cluster} is running, start ${boot} of its directory`);
  }

  // --- the turn

  #schedule(): void {
    if (this.#flushDue || this.#ended) return;
    this.#flushDue = true;
    this.#clock.endOfTurn(() => {
      this.#flushDue = false;
      if (this.#ended || this.#identity === null) return;
      const now = this.#clock.now();
      if (this.#running !== null) this.#flush(now, this.#running);
      else this.#askFounders(now);
      this.#finishStop();
    });
  }

  #askFounders(now: Micros): void {
    if (this.#founding === null) return;
    // To all, also those already seen: they may not have seen this node.
    for (const [k] of this.#identity!.founders.entries()) {
      if (k + 1 !== this.#options.id) this.#send({ to: k + 1, message: this.#founding.hello(null) });
    }
    this.#timer.set(now + this.#options.heartbeatMicros);
  }

  #flush(now: Micros, { raft, wal, applier, writes, reads }: Running): void {
    raft.tick(now);
    const asked = [
      ...writes.dispatch(now, raft, (to) => this.#network.connected(to)),
      ...reads.dispatch(now, now + this.#options.requestMicros, raft),
    ];
    const ready: Ready = raft.ready(now);
    if (ready.persist !== null) {
      const { seq, hardState, entries } = ready.persist;
      wal.append(hardState, entries, () => {
        raft.persisted(this.#clock.now(), seq);
        this.#schedule();
      });
    }
    if (this.#ended) return;
    this.#report(raft);
    for (const outgoing of asked) this.#send(outgoing);
    for (const outgoing of ready.messages) this.#send(outgoing);
    for (const grant of ready.reads) this.#grant(grant, reads);
    const moreToApply = applier.advance(ready.commit);
    if (this.#ended) return;
    reads.serve();
    writes.expire(now);
    reads.expire(now);
    const mayAsk = raft.leader !== 0 && raft.role !== "leader";
    this.#timer.set(Math.min(ready.wakeAt, writes.nextDeadline(), reads.nextDeadline(mayAsk)));
    if (moreToApply) this.#schedule();
  }

  #grant(grant: ReadGrant, reads: Reads): void {
    const { node, boot, id, index } = grant;
    this.#trace.fact("read-index", index, this.#store.appliedIndex, 0);
    if (node === this.#options.id) reads.onGrant(grant);
    else this.#send({ to: node, message: { kind: "read-reply", boot, id, index } });
  }

  #report(raft: Raft): void {
    const role = roleCodes[raft.role];
    const { term, leader, commit } = raft;
    const before = this.#reported;
    if (role !== before.role || term !== before.term || leader !== before.leader) {
      this.#trace.fact("role", role, term, leader);
      if (leader !== before.leader && leader !== 0) this.#trace.note("info", `node ${leader} leads term ${term}`);
    }
    if (commit !== before.commit) this.#trace.fact("commit", commit, raft.log.termAt(commit), 0);
    this.#reported = { role, term, leader, commit };
  }

  // --- small things

  #refusal(): "stopping" | "no-leader" | "busy" | null {
    if (this.#ended || this.#stopping !== null) return "stopping";
    if (this.#running === null) return "no-leader";
    const { writes, reads } = this.#running;
    return writes.count + reads.count >= this.#options.waitingMax ? "busy" : null;
  }

  #accepts(envelope: Envelope, running: Running): boolean {
    const { cluster, from, fromIncarnation, fromBoot, to, toIncarnation } = envelope;
    if (cluster !== running.genesis.cluster || to !== this.#options.id || toIncarnation !== 0) return false;
    if (fromBoot < (this.#bootSeen.get(from) ?? 0)) return false;
    const { message } = envelope;
    if (
      message.kind === "forward" &&
      message.proposals.some(({ origin }) => origin.node !== from || origin.boot !== fromBoot)
    ) {
      return false;
    }
    return running.raft.configuration.members.some(
      ({ id, incarnation }) => id === from && incarnation === fromIncarnation,
    );
  }

  #send({ to, message }: Outgoing): void {
    assert(this.#identity !== null, "a node that speaks knows who it is");
    const { node, boot } = this.#identity;
    const cluster = this.#running?.genesis.cluster ?? "";
    this.#network.send(to, { cluster, from: node, fromIncarnation: 0, fromBoot: boot, to, toIncarnation: 0, message });
  }

  #finishStop(): void {
    if (this.#stopping === null) return;
    const pending = this.#running === null ? 0 : this.#running.writes.count + this.#running.reads.count;
    if (pending > 0) return;
    const done = this.#stopping;
    this.kill();
    done();
  }

  #failDisk(error: DiskError): void {
    this.#end({ kind: "disk", reason: `the disk failed: ${error.message}` });
  }

  #end(ending: Ending): void {
    if (this.#ended) return;
    this.kill();
    this.#running?.writes.end();
    this.#running?.reads.end();
    this.#onEnd(ending);
  }
}
