/**
 * What a calm core does when it is asked once: every kind of request, at its leader and at another member (L2); and what
 * the operator asks for, up to its end: a member more, another leader, a member less (L6).
 */
import { salts } from "../draws.ts";
import { always, type Command, type Condition } from "../../core/kv/command.ts";
import type { Row } from "../../core/kv/machine.ts";
import type { Node } from "../../core/node/node.ts";
import {
  type ChangeResult,
  isRefusedChange,
  type Failure,
  noSession,
  type ReadOutcome,
  type SessionKey,
  type WriteOutcome,
} from "../../core/node/options.ts";
import type { Change } from "../../core/protocol/configuration.ts";
import { memberOf } from "../../core/raft/membership.ts";
import type { Index, Micros, NodeId } from "../../core/units.ts";
import type { Law } from "../laws.ts";
import { changeRequest } from "../change-request.ts";
import type { Simulator } from "../simulator.ts";
import { type Host, hostEvents, type Request } from "../world/host.ts";
import { converged, leaderOf, membersOf } from "./core.ts";
import { replicationMicros } from "./work.ts";

/** How long the calm core may take to answer, in simulated time. */
export const probeBounds = {
  /** Of a request at a member, however far its leader is. */
  requestMicros: 1_000_000,
  /** Of a change request, sent again where the answer was that something else is under way; and of all that follows from it. */
  changeMicros: 20_000_000,
} as const satisfies Record<string, Micros>;

/** Before the same is asked again, where there was no room for it. */
const retryMicros: Micros = 100_000;

type Missed = { readonly property: Law; readonly message: string };

/** What is not done in time or is answered wrongly, or null. The core has a leader, nothing is under way, and no client asks. */
export function probe(simulator: Simulator): Missed | null {
  const probes = new Probes(simulator);
  return probes.requests() ?? probes.grow() ?? probes.handOver() ?? probes.shrink() ?? probes.requests();
}

class Probes {
  readonly #simulator: Simulator;
  #asked = 0;
  /** The last write has no answer to give: its member forwarded it, and then got a snapshot instead of its entry. */
  #isOvertaken = false;

  constructor(simulator: Simulator) {
    this.#simulator = simulator;
  }

  // --- L2

  requests(): Missed | null {
    const leader = leaderOf(this.#simulator);
    const others = membersOf(this.#simulator).filter((id) => id !== leader);
    for (const id of others.length === 0 ? [leader] : [leader, this.#pick(others)]) {
      const wrong = this.#requestsAt(id);
      if (wrong !== null && !this.#isOvertaken)
        return { property: "L2", message: `a calm core, asked at n${id}: ${wrong}` };
    }
    return null;
  }

  #requestsAt(id: NodeId): string | null {
    const key = `probe of ${id}, ${this.#asked}`;
    const put = (value: string, condition: Condition): Command => ({ op: "put", key, value, condition });
    const first = this.#write(id, put("a", always), noSession);
    if (!first.ok) return `put: ${first.code}`;
    const revision = first.value;
    const row = { value: "a", modRevision: revision, createRevision: revision, version: 1 };
    for (const lease of [false, true]) {
      const wrong = this.#reads(id, key, lease, row);
      if (wrong !== null) return `${lease ? "lease " : ""}get: ${wrong}`;
    }
    const second = this.#write(id, put("b", { kind: "revision", revision }), noSession);
    if (!second.ok) return `compare-and-set: ${second.code}`;
    const clash = this.#write(id, put("c", { kind: "absent" }), noSession);
    if (!isOutcome(clash, "mismatch")) return `put of what is there already: ${outcomeWords(clash)}`;
    const opened = this.#write(id, { op: "open-session" }, noSession);
    if (!opened.ok) return `open-session: ${opened.code}`;
    const session = opened.value;
    const remove: Command = { op: "delete", key, condition: always };
    const removed = this.#write(id, remove, { session, sequence: 1 });
    const again = this.#write(id, remove, { session, sequence: 1 });
    if (!removed.ok || !again.ok || again.value !== removed.value)
      return `delete, twice under one sequence: ${outcomeWords(removed)}, ${outcomeWords(again)}`;
    const other = this.#write(id, put("d", always), { session, sequence: 1 });
    if (!isOutcome(other, "other-command")) return `another command under the same sequence: ${outcomeWords(other)}`;
    return this.#reads(id, key, false, null);
  }

  #write(id: NodeId, command: Command, key: SessionKey): Written {
    const { log } = this.#simulator.raftOf(id)!;
    const before = log.lastIndex;
    const ask = (): WriteOutcome | null => this.#ask(id, (node, done) => node.write(command, key, done));
    let outcome = ask();
    // A configuration entry that binds a member's directory may take all the room for what is not committed. The leader
    // then says "busy", and a member whose forward the leader has turned away says "refused".
    for (let tries = 0; tries < 10 && outcome?.ok === false && isFull(outcome); tries++) {
      this.#simulator.runUntil(this.#simulator.scheduler.now + retryMicros);
      outcome = ask();
    }
    const isOpen = outcome === null || (!outcome.ok && outcome.code === "timeout");
    this.#isOvertaken = isOpen && this.#skips(id, before);
    if (outcome === null) return { ok: false, code: "no answer" };
    if (!outcome.ok) return outcome;
    const applied = outcome.value;
    const wrong = this.#simulator.answers?.ofWrite(command, key, applied) ?? null;
    if (wrong !== null) return { ok: false, code: wrong };
    return applied.code === "done" ? { ok: true, value: applied.revision } : { ok: false, code: applied.code };
  }

  /** Whether `id`, whose log ended at `before`, has got a snapshot since, or waits for one. */
  #skips(id: NodeId, before: Index): boolean {
    const { log } = this.#simulator.raftOf(id)!;
    const leader = this.#simulator.raftOf(leaderOf(this.#simulator));
    return log.baseIndex > before || (leader !== null && leader.log.baseIndex > log.lastIndex);
  }

  #reads(id: NodeId, key: string, lease: boolean, expected: Omit<Row, "crc"> | null): string | null {
    const outcome = this.#ask<ReadOutcome>(id, (node, done) => node.read(key, lease, done));
    if (outcome === null) return "no answer";
    if (!outcome.ok) return outcome.code;
    const { row } = outcome.value;
    return wordsOf(row) === wordsOf(expected) ? null : `${wordsOf(row)}, not ${wordsOf(expected)}`;
  }

  // --- L6

  /** A machine that has never run, or has been removed, becomes a voter. */
  grow(): Missed | null {
    const { hosts, committedConfiguration, core, network } = this.#simulator;
    const isFree = ({ id, mayJoin }: Host): boolean => mayJoin && memberOf(committedConfiguration, id) === undefined;
    const spares = hosts.filter(isFree);
    if (spares.length === 0) return null;
    const host = hosts[this.#pick(spares.map(({ id }) => id)) - 1]!;
    const { id } = host;
    const trouble = this.#requestChange({ kind: "add", id, url: network.addresses.urlOf(id), autoPromote: true });
    if (trouble !== null) return trouble;
    this.#simulator.core = [...core, id];
    network.heal(new Set(this.#simulator.core));
    host.heal();
    this.#simulator.machines.startJoining(host);
    const isVoter = (): boolean =>
      this.#simulator.committedConfiguration.voters.includes(id) && membersOf(this.#simulator).includes(id);
    return this.#reaches(`n${id} does not become a voter`, isVoter, replicationMicros(this.#simulator));
  }

  handOver(): Missed | null {
    const leader = leaderOf(this.#simulator);
    const { voters } = this.#simulator.committedConfiguration;
    const others = membersOf(this.#simulator).filter((id) => id !== leader && voters.includes(id));
    if (others.length === 0) return null;
    const id = this.#pick(others);
    // A member that has just joined was dialled before its links were healed: answers to it may be late until then.
    this.#simulator.runUntil(this.#simulator.network.lateUntil);
    return (
      this.#requestChange({ kind: "transfer-leader", id }) ??
      this.#reaches(`n${id} does not lead`, () => leaderOf(this.#simulator) === id)
    );
  }

  /** Removes a member without which the core is still a majority; a member in the core must learn of it. */
  shrink(): Missed | null {
    const { committedConfiguration, core, hosts } = this.#simulator;
    const { members, voters } = committedConfiguration;
    const isSpare = (id: NodeId): boolean => {
      const left = voters.filter((voter) => voter !== id);
      return left.filter((voter) => core.includes(voter)).length * 2 > left.length;
    };
    const spare = members.map(({ id }) => id).filter(isSpare);
    if (spare.length === 0) return null;
    const id = this.#pick(spare);
    const learns = membersOf(this.#simulator).includes(id);
    const trouble = this.#requestChange({ kind: "remove", id });
    return trouble ?? this.#reaches(`n${id} is not out`, () => !learns || hosts[id - 1]!.retired);
  }

  /** Asks one member of the core until it is done: another than the member concerned, where there is another. */
  #requestChange(change: Change): Missed | null {
    const { scheduler } = this.#simulator;
    const until = scheduler.now + probeBounds.changeMicros;
    const others = membersOf(this.#simulator).filter((id) => id !== change.id);
    const asked = this.#pick(others.length === 0 ? membersOf(this.#simulator) : others);
    let said = "nothing";
    while (scheduler.now < until) {
      // Each request is known by its own change.
      const request = (done: (result: ChangeResult) => void): Request =>
        changeRequest(this.#simulator.bus, asked, { ...change }, done);
      const result = this.#await(asked, request, probeBounds.changeMicros);
      if (result?.ok === true) return null;
      said = result === null ? "nothing" : result.code;
      if (result !== null && isRefusedChange(result.code) && result.code !== "other-change") break;
      this.#simulator.runUntil(scheduler.now + retryMicros);
    }
    return { property: "L6", message: `a calm core, asked at n${asked} to ${change.kind} n${change.id}, says ${said}` };
  }

  #reaches(otherwise: string, isThere: () => boolean, workMicros: Micros = 0): Missed | null {
    const simulator = this.#simulator;
    const isDone = (): boolean => isThere() && leaderOf(simulator) !== 0 && converged(simulator);
    if (simulator.runUntil(simulator.scheduler.now + probeBounds.changeMicros + workMicros, isDone)) return null;
    return { property: "L6", message: isThere() ? `${otherwise}, or the others do not converge` : otherwise };
  }

  // --- both

  #pick(ids: readonly NodeId[]): NodeId {
    return ids[this.#simulator.draws.below(ids.length, "probe", this.#asked)]!;
  }

  /** Asks once; null: there was no answer in time. */
  #ask<Answer>(id: NodeId, ask: (node: Node, done: (answer: Answer) => void) => void): Answer | null {
    const request = (done: (answer: Answer) => void): Request => {
      return { run: (node) => ask(node, done), refused: () => undefined };
    };
    return this.#await(id, request, probeBounds.requestMicros);
  }

  #await<Answer>(
    id: NodeId,
    requestOf: (done: (answer: Answer) => void) => Request,
    withinMicros: Micros,
  ): Answer | null {
    const { scheduler, draws, hosts } = this.#simulator;
    this.#asked += 1;
    let answer: Answer | null = null;
    const request = requestOf((given) => {
      answer = given;
    });
    const tie = draws.u32("tie", id, this.#asked, salts.tie.probe);
    scheduler.at(scheduler.now + 1, tie, hosts[id - 1]!, hostEvents.request, request);
    this.#simulator.runUntil(scheduler.now + withinMicros, () => answer !== null);
    return answer;
  }
}

function isFull({ code }: Failure): boolean {
  return code === "busy" || code === "refused";
}

/** A write as it must end: with the revision; or the code of another outcome. */
type Written = { readonly ok: true; readonly value: number } | { readonly ok: false; readonly code: string };

function isOutcome(written: Written, code: string): boolean {
  return !written.ok && written.code === code;
}

function outcomeWords(written: Written): string {
  return written.ok ? String(written.value) : written.code;
}

function wordsOf(row: Omit<Row, "crc"> | null): string {
  return row === null ? "absent" : [row.value, row.modRevision, row.createRevision, row.version].join();
}
