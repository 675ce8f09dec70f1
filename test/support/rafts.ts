/** A few Rafts as plain values: no node, no disk, no clock. Messages and writes move when the test says so. */
import type { Configuration, ConfigurationAt } from "../../core/protocol/configuration.ts";
import { makeEntry } from "../../core/protocol/entry-codec.ts";
import { type Entry, entryKinds, type HardState, noopProposal, type Proposal } from "../../core/protocol/entry.ts";
import type { Outgoing, RaftMessage } from "../../core/protocol/message.ts";
import { RaftLog } from "../../core/raft/log.ts";
import type { Persist } from "../../core/raft/ready.ts";
import type { ReplicationLimits } from "../../core/raft/options.ts";
import { Raft } from "../../core/raft/raft.ts";
import type { NodeId } from "../../core/units.ts";

export const electionMicros = 1_000;
export const heartbeatMicros = 100;

export function configurationOf(voters: readonly NodeId[], learners: readonly NodeId[] = []): Configuration {
  const members = [...voters, ...learners].map((id) => {
    return { id, incarnation: 0, url: `http://node-${id}`, storeId: `0${id}`.repeat(16), autoPromote: false };
  });
  return { members, voters, outgoing: [], learners, removed: [] };
}

/** A log of entries with these terms. */
export function entriesOf(terms: readonly number[]): Entry[] {
  return terms.map((term, k) => makeEntry(k + 1, term, k, noopProposal));
}

export function command(seq: number): Proposal {
  const origin = { node: 1, incarnation: 0, boot: 1, seq };
  return { kind: entryKinds.command, origin, session: 0, sequence: 0, payload: new Uint8Array(4).fill(seq) };
}

/** What Raft says to Raft. To the node it only says that a forward is refused, and in these tests nobody forwards. */
export function raftMessage({ message }: Outgoing): RaftMessage {
  if (message.kind === "forward-refused") throw new Error("a refusal is for the node");
  return message as RaftMessage;
}

type Letter = { readonly from: NodeId; readonly to: NodeId; readonly message: RaftMessage };
type Start = { readonly terms?: readonly number[]; readonly hardState?: HardState; readonly boot?: number };

export class Rafts {
  readonly rafts = new Map<NodeId, Raft>();
  /** Sent and not delivered, in the order of sending. */
  letters: Letter[] = [];
  /** Handed out and not durable. */
  readonly writes = new Map<NodeId, Persist[]>();
  now = 10_000;
  /** What has happened, as a story. */
  readonly story: string[] = [];
  readonly #configuration: ConfigurationAt;
  readonly #limits: Partial<ReplicationLimits>;

  constructor(
    configuration: Configuration,
    starts: Readonly<Record<number, Start>> = {},
    limits: Partial<ReplicationLimits> = {},
  ) {
    this.#limits = limits;
    this.#configuration = { index: 0, configuration };
    for (const { id } of configuration.members) this.start(id, starts[id] ?? {});
  }

  start(id: NodeId, { terms = [], hardState = { term: terms.at(-1) ?? 0, vote: 0 }, boot = 1 }: Start): Raft {
    const options = {
      id,
      boot,
      incarnation: 0,
      voteBarrierIndex: 0,
      electionMicros,
      heartbeatMicros,
      uncommittedBytesMax: 1_000_000,
      entriesPerAppendMax: 100,
      bytesPerAppendMax: 1_000_000,
      entriesInFlightMax: 100,
      bytesInFlightMax: 1_000_000,
      messagesInFlightMax: 100,
      readRoundsMax: 64,
      ...this.#limits,
    };
    const place = { index: 0, term: 0, clusterMicros: 0 };
    const log = new RaftLog({ place, configuration: this.#configuration }, entriesOf(terms));
    // Node 1 loses patience first, then 2, and so on.
    const random = { draw: (): number => id * 10 };
    const raft = new Raft(options, { hardState, log, applied: 0 }, random, this.now);
    this.rafts.set(id, raft);
    this.writes.set(id, []);
    return raft;
  }

  of(id: NodeId): Raft {
    return this.rafts.get(id)!;
  }

  /** Takes what `id` has to say; its writes wait for `sync`. */
  flush(id: NodeId): void {
    const before = this.#sketch(id);
    const { persist, messages } = this.of(id).ready(this.now);
    if (persist !== null) this.writes.get(id)!.push(persist);
    for (const outgoing of messages) this.letters.push({ from: id, to: outgoing.to, message: raftMessage(outgoing) });
    const after = this.#sketch(id);
    if (after !== before) this.story.push(`  n${id} is ${after}`);
  }

  /** Everything that `id` has written is durable. */
  sync(id: NodeId): void {
    this.flush(id);
    const before = this.#sketch(id);
    for (const { seq } of this.writes.get(id)!.splice(0)) this.of(id).persisted(this.now, seq);
    const after = this.#sketch(id);
    if (after !== before) this.story.push(`  n${id} is ${after}`);
    this.flush(id);
  }

  /** Delivers the first letter that `fits`; false where there is none. */
  deliver(fits: (letter: Letter) => boolean = () => true): boolean {
    const at = this.letters.findIndex(fits);
    if (at === -1) return false;
    const [{ from, to, message }] = this.letters.splice(at, 1) as [Letter];
    const before = this.#sketch(to);
    this.of(to).receive(this.now, from, message);
    this.story.push(`n${from} -> n${to} ${describe(message)}`);
    const after = this.#sketch(to);
    if (after !== before) this.story.push(`  n${to} is ${after}`);
    this.flush(to);
    return true;
  }

  /** Delivers and syncs until nothing is left; letters of or to those in `cut` are lost. */
  settle(cut: readonly NodeId[] = []): void {
    for (const id of this.rafts.keys()) if (!cut.includes(id)) this.sync(id);
    for (let k = 0; k < 10_000; k++) {
      this.letters = this.letters.filter(
        ({ from, to }) => !cut.includes(from) && !cut.includes(to) && this.rafts.has(to),
      );
      if (this.letters.length === 0) return;
      this.deliver();
      for (const id of this.rafts.keys()) if (!cut.includes(id) && this.writes.get(id)!.length > 0) this.sync(id);
    }
    throw new Error("the messages do not come to an end");
  }

  /** Time passes, and `ids` look at their clocks. */
  pass(micros: number, ids: readonly NodeId[] = [...this.rafts.keys()]): void {
    this.now += micros;
    this.story.push(`${micros} us pass`);
    for (const id of ids) {
      this.of(id).tick(this.now);
      this.flush(id);
    }
  }

  /** `id` loses patience and is elected, by those that are not in `cut`. */
  elect(id: NodeId, cut: readonly NodeId[] = []): void {
    this.pass(2 * electionMicros + 1, [id]);
    this.settle(cut);
    if (this.of(id).role !== "leader") throw new Error(`node ${id} is not elected`);
  }

  propose(id: NodeId, seq: number): boolean {
    const { ok } = this.of(id).propose(this.now, [command(seq)]);
    this.story.push(`n${id} is given command ${seq}${ok ? "" : ", and refuses it"}`);
    this.flush(id);
    return ok;
  }

  terms(id: NodeId): number[] {
    const { log } = this.of(id);
    return Array.from({ length: log.lastIndex - log.baseIndex }, (_, k) => log.termAt(log.baseIndex + k + 1));
  }

  #sketch(id: NodeId): string {
    const { role, term, commit, log } = this.of(id);
    return `${role} of term ${term}, log to ${log.lastIndex}, commit ${commit}`;
  }
}

function describe(message: RaftMessage): string {
  switch (message.kind) {
    case "append": {
      const { term, prevIndex, prevTerm, entries, commit } = message;
      return `append of term ${term} after (${prevIndex}, term ${prevTerm}): ${entries.length} entries, commit ${commit}`;
    }
    case "append-reply": {
      const { term, success, matchIndex, hintIndex, hintTerm } = message;
      return `append-reply of term ${term}: ${success ? `holds up to ${matchIndex}` : `no, at most (${hintIndex}, term ${hintTerm})`}`;
    }
    case "vote":
    case "pre-vote":
      return `${message.kind} in term ${message.term}, log to (${message.lastIndex}, term ${message.lastTerm})`;
    case "vote-reply":
    case "pre-vote-reply":
      return `${message.kind} of term ${message.term}: ${message.granted ? "yes" : "no"}`;
    default:
      return message.kind;
  }
}
