/**
 * A run directed by hand: the same world as a seed's, with no fault but those asked for here, all invariants on. Time
 * passes only inside `pass`, `until`, `answer`, `leader` and `judge`. Everything throws where it does not come as it is asked.
 */
import { check, type Operation } from "../checker/index.ts";
import { always, type Command } from "../core/kv/command.ts";
import type { Node } from "../core/node/node.ts";
import {
  noSession,
  type ReadOutcome,
  type SessionKey,
  type WriteOutcome,
  type ChangeResult,
} from "../core/node/options.ts";
import type { Status } from "../core/node/status.ts";
import type { Change } from "../core/protocol/configuration.ts";
import type { Message } from "../core/protocol/message.ts";
import type { Raft } from "../core/raft/raft.ts";
import type { NodeId } from "../core/units.ts";
import { calmPlan } from "./plan/calm.ts";
import type { Plan } from "./plan/plan.ts";
import { Simulator } from "./simulator.ts";
import { changeRequest } from "./change-request.ts";
import type { DirectoryCopy } from "./world/directory.ts";
import { hostEvents, type Request } from "./world/host.ts";
import type { WhichMessage } from "./world/late-messages.ts";

/** A question and, once it has come, its answer. */
export type Asked<Outcome> = { outcome: Outcome | null };

type Timed = Pick<Operation, "client" | "call" | "return" | "outcome">;

const second = 1_000_000;

/** One directed run, of nodes 1 to `nodes`, all of them started. */
export class Scenario {
  readonly simulator: Simulator;
  readonly #history: (() => Operation)[] = [];
  readonly #down = new Set<NodeId>();
  #clients = 0;
  #tie = 0;

  constructor(nodes: number, changes: Partial<Plan> = {}) {
    this.simulator = new Simulator(calmPlan(nodes, 1, changes), { print: null, invariants: true });
    this.simulator.startAll();
  }

  // --- time

  pass(seconds: number): void {
    this.simulator.runUntil(this.simulator.scheduler.now + Math.ceil(seconds * second));
  }

  /** Time passes, event by event, until `reached`. */
  until(what: string, reached: () => boolean, seconds = 30): void {
    if (reached()) return;
    const { scheduler } = this.simulator;
    if (!this.simulator.runUntil(scheduler.now + seconds * second, reached))
      throw new Error(`not in ${seconds} simulated seconds: ${what}`);
  }

  answer<Outcome>(asked: Asked<Outcome>, seconds = 30): Outcome {
    this.until("an answer", () => asked.outcome !== null, seconds);
    return asked.outcome!;
  }

  // --- who is who

  node(id: NodeId): Node {
    const { node } = this.simulator.hosts[id - 1]!;
    if (node === null) throw new Error(`node ${id} is down`);
    return node;
  }

  status(id: NodeId): Status {
    return this.node(id).status();
  }

  raft(id: NodeId): Raft {
    const raft = this.simulator.raftOf(id);
    if (raft === null) throw new Error(`node ${id} takes no part`);
    return raft;
  }

  isLeader(id: NodeId): boolean {
    return this.simulator.raftOf(id)?.role === "leader";
  }

  /** The leader that a majority of the running voters follows, itself included; time passes until there is one besides `not`. */
  leader(not: NodeId = 0): NodeId {
    let found: NodeId = 0;
    this.until("a leader", () => {
      const rafts = this.simulator.hosts.flatMap(({ id }) => this.simulator.raftOf(id) ?? []);
      for (const { id } of this.simulator.hosts) {
        if (id === not || !this.isLeader(id)) continue;
        const { term, configuration } = this.raft(id);
        const followers = rafts.filter((raft) => raft.leader === id && raft.term === term).length;
        if (followers * 2 > configuration.voters.length) found = id;
      }
      return found !== 0;
    });
    return found;
  }

  others(...ids: readonly NodeId[]): NodeId[] {
    return this.simulator.hosts
      .map(({ id }) => id)
      .filter((id) => !ids.includes(id) && this.simulator.hosts[id - 1]!.boot > 0);
  }

  // --- clients, each of one request

  #ask<Outcome>(
    via: NodeId,
    run: (node: Node, done: (outcome: Outcome) => void) => void,
    refused: Outcome,
  ): Asked<Outcome> {
    return this.#await(via, (done) => {
      return { run: (node) => run(node, done), refused: () => done(refused) };
    });
  }

  #await<Outcome>(via: NodeId, requestOf: (done: (outcome: Outcome) => void) => Request): Asked<Outcome> {
    const asked: Asked<Outcome> = { outcome: null };
    const request = requestOf((outcome) => {
      asked.outcome = outcome;
    });
    const { scheduler, hosts } = this.simulator;
    scheduler.at(scheduler.now, ++this.#tie, hosts[via - 1]!, hostEvents.request, request);
    return asked;
  }

  /** Keeps what comes of it for the history that `judge` checks. */
  #keep<Outcome extends WriteOutcome | ReadOutcome>(
    asked: Asked<Outcome>,
    finished: (timed: Timed, outcome: Outcome | null) => Operation,
  ): void {
    const { scheduler } = this.simulator;
    const client = ++this.#clients;
    const call = scheduler.now;
    let end: number | null = null;
    let outcome: Outcome | null = null;
    Object.defineProperty(asked, "outcome", {
      get: () => outcome,
      set: (value: Outcome) => {
        outcome = value;
        end = scheduler.now;
      },
    });
    this.#history.push(() => {
      const kind = outcome === null || (!outcome.ok && !outcome.definite) ? "unknown" : outcome.ok ? "ok" : "none";
      return finished({ client, call, return: kind === "unknown" ? null : end, outcome: kind }, outcome);
    });
  }

  write(via: NodeId, command: Command, session: SessionKey = noSession): Asked<WriteOutcome> {
    return this.#ask<WriteOutcome>(via, (node, done) => void node.write(command, session, done), notThere);
  }

  put(via: NodeId, key: string, value: string, session: SessionKey = noSession): Asked<WriteOutcome> {
    const asked = this.write(via, { op: "put", key, value, condition: always }, session);
    this.#keep(asked, (timed) => ({ ...timed, key, op: "put", value }));
    return asked;
  }

  get(via: NodeId, key: string, lease = false): Asked<ReadOutcome> {
    const asked = this.#ask<ReadOutcome>(via, (node, done) => node.read(key, lease, done), notThere);
    this.#keep(asked, (timed, outcome) => {
      return { ...timed, key, op: "get", value: outcome?.ok === true ? (outcome.value.row?.value ?? null) : null };
    });
    return asked;
  }

  /** Puts through the leader, and waits for the answer. */
  putNow(key: string, value: string): void {
    const outcome = this.answer(this.put(this.leader(), key, value));
    if (!outcome.ok) throw new Error(`a put of ${key} failed: ${outcome.code}`);
  }

  /** What a read through `via` says. */
  valueAt(via: NodeId, key: string, lease = false): string | null {
    const outcome = this.answer(this.get(via, key, lease));
    if (!outcome.ok) throw new Error(`a get of ${key} failed: ${outcome.code}`);
    return outcome.value.row?.value ?? null;
  }

  change(via: NodeId, change: Change): Asked<ChangeResult> {
    // Each request is known by its own change.
    return this.#await(via, (done) => changeRequest(this.simulator.bus, via, { ...change }, done));
  }

  /** Asks for it through the leader, and waits until it is done. */
  changeNow(change: Change): void {
    const result = this.answer(this.change(this.leader(), change));
    if (!result.ok) throw new Error(`${change.kind} ${change.id}: ${JSON.stringify(result)}`);
  }

  /** Adds a spare machine, starts it, and waits until it votes. */
  addNow(id: NodeId): void {
    this.changeNow({ kind: "add", id, url: `http://node-${id}`, autoPromote: true });
    this.join(id);
    this.until(`node ${id} votes`, () =>
      this.raft(this.leader()).committedConfiguration.configuration.voters.includes(id),
    );
  }

  // --- faults

  /** No message passes between the two, in either direction, for so long or until `heal`. */
  cut(a: NodeId, b: NodeId, seconds = Infinity): void {
    this.mute(a, b, seconds);
    this.mute(b, a, seconds);
  }

  /** Nothing passes from one to the other. */
  mute(from: NodeId, to: NodeId, seconds = Infinity): void {
    this.simulator.network.block(from, to, this.simulator.scheduler.now + seconds * second);
  }

  isolate(id: NodeId, seconds = Infinity): void {
    for (const { id: other } of this.simulator.hosts) if (other !== id) this.cut(id, other, seconds);
  }

  /** Cuts `side` off from all others. */
  split(side: readonly NodeId[]): void {
    for (const a of side) for (const { id: b } of this.simulator.hosts) if (!side.includes(b)) this.cut(a, b);
  }

  /** What is sent that way from now on arrives only after so long, in order of its sending. */
  clog(from: NodeId, to: NodeId, seconds: number): void {
    this.simulator.network.clog(from, to, this.simulator.scheduler.now + seconds * second);
  }

  /** All messages that `drops` says are lost; null: none any more. */
  drop(drops: ((from: NodeId, to: NodeId, message: Message) => boolean) | null): void {
    this.simulator.network.drops = drops;
  }

  /** All messages that `holds` says are late from now on, until they are released; null: none any more. */
  hold(holds: WhichMessage | null): void {
    this.simulator.network.late.holds = holds;
  }

  /** Whether such a message is late. */
  isHeld(which: WhichMessage): boolean {
    return this.simulator.network.late.has(which);
  }

  /** Lets those late messages go on their way, in the order of their sending. */
  release(which: WhichMessage = () => true): void {
    const { late } = this.simulator.network;
    const { holds } = late;
    late.holds = null;
    for (const { from, to, envelope, code } of late.take(which)) this.simulator.network.send(from, to, envelope, code);
    late.holds = holds;
  }

  /** Links are as if nothing had been. */
  heal(): void {
    this.simulator.network.unblock();
    this.simulator.network.drops = null;
  }

  kill(id: NodeId): void {
    this.#down.add(id);
    this.simulator.hosts[id - 1]!.stop(false);
  }

  /** The directory of a node that is down is what it was when `copy` was taken. */
  putBack(id: NodeId, copy: DirectoryCopy): void {
    this.simulator.hosts[id - 1]!.directory.putBack(copy);
    this.simulator.ghost.logLost(id);
  }

  cutPower(id: NodeId): void {
    this.#down.add(id);
    this.simulator.hosts[id - 1]!.stop(true);
  }

  start(id: NodeId): void {
    this.#down.delete(id);
    this.simulator.nemesis.startHost(this.simulator.hosts[id - 1]!);
  }

  /** A machine that is not a founder, or was removed, starts with an empty directory. */
  join(id: NodeId): void {
    this.#down.delete(id);
    this.simulator.machines.startJoining(this.simulator.hosts[id - 1]!);
  }

  pause(id: NodeId): void {
    this.simulator.hosts[id - 1]!.pause();
  }

  resume(id: NodeId): void {
    this.simulator.hosts[id - 1]!.resume();
  }

  /** No sync of the node's ends before so long. */
  stallDisk(id: NodeId, seconds: number): void {
    this.simulator.hosts[id - 1]!.devices.holdSyncs(this.simulator.scheduler.now + seconds * second);
  }

  /** The next sync of the node's fails, and drops what was not synced. */
  failNextSync(id: NodeId): void {
    this.simulator.hosts[id - 1]!.devices.chance.nextSyncFails = true;
  }

  /** A byte below what was synced rots; the node is down. */
  damageLog(id: NodeId): void {
    if (!this.simulator.hosts[id - 1]!.directory.damageLog()) throw new Error(`node ${id} has no log to damage`);
    this.simulator.budget.logLost(id);
  }

  /**
   * Heals everything; then there must be a leader, a write must go through, all members that run must hold the same, and the
   * history must be linearizable. The invariants were looked at after every event.
   */
  judge(): void {
    this.heal();
    this.hold(null);
    this.release();
    for (const host of this.simulator.hosts) {
      host.devices.holdSyncs(0);
      if (host.paused) host.resume();
      if (this.#down.has(host.id) && host.canStart) this.start(host.id);
    }
    this.putNow("the end", "reached");
    const { configuration } = this.raft(this.leader()).committedConfiguration;
    this.until("all members hold the same", () => {
      const statuses = configuration.members.flatMap(({ id }) => this.simulator.hosts[id - 1]!.node?.status() ?? []);
      return statuses.every(({ appliedIndex, stateHash }) => {
        return appliedIndex === statuses[0]!.appliedIndex && stateHash === statuses[0]!.stateHash;
      });
    });
    this.pass(6);
    const judged = check(this.#history.map((finished) => finished()).toSorted((a, b) => a.call - b.call));
    if (judged.verdict !== "ok") throw new Error(`${judged.verdict}: ${JSON.stringify(judged)}`);
  }
}

const notThere = { ok: false, code: "refused", definite: true } as const;
