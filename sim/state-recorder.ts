/** Keeps for the report what each node's log, vote and term are, whenever they have changed: in memory, and durably. */
import type { Envelope } from "../core/protocol/message.ts";
import type { Entry } from "../core/protocol/entry.ts";
import type { Raft } from "../core/raft/raft.ts";
import type { Index, NodeId, Term } from "../core/units.ts";
import type { Subscriber } from "./bus.ts";
import type { LogFacts, NodeFacts } from "./laws/facts.ts";
import type { Note, Recorder } from "./trace/recorder.ts";
import type { Host } from "./world/host.ts";

/** What was last noted of one node. */
type Known = { base: Index; baseTerm: Term; entries: Entry[]; durable: Index; hard: NonNullable<Note["hard"]> };

/**
 * Only in a run with a recorder, behind all who judge: they decide what is durable. It is not told of anything that a node
 * does in the middle of a turn, and so looks at each event of the node.
 */
export class StateRecorder implements Subscriber {
  readonly #recorder: Recorder;
  readonly #hosts: readonly Host[];
  /** What is durable on a node, by the bytes on its disk. */
  readonly #factsOf: (id: NodeId) => NodeFacts;
  readonly #known: Known[];

  constructor(recorder: Recorder, hosts: readonly Host[], factsOf: (id: NodeId) => NodeFacts) {
    this.#recorder = recorder;
    this.#hosts = hosts;
    this.#factsOf = factsOf;
    const hard = { term: 0, vote: 0, durableTerm: 0, durableVote: 0 };
    this.#known = hosts.map(() => ({ base: 0, baseTerm: 0, entries: [], durable: 0, hard }));
  }

  sent(from: NodeId): void {
    this.#look(from);
  }
  received({ id }: Host, _envelope: Envelope): void {
    this.#look(id);
  }
  roleChanged({ id }: Host): void {
    this.#look(id);
  }
  /** Noted also where it is what it was: a crash may have taken what was not durable. */
  recovered({ id }: Host): void {
    this.#look(id, true);
  }
  committed({ id }: Host): void {
    this.#look(id);
  }
  synced({ id }: Host): void {
    this.#look(id);
  }
  turnEnded({ id }: Host): void {
    this.#look(id);
  }

  /** The run is over, perhaps in the middle of a turn. */
  finish(): void {
    for (const { id } of this.#hosts) this.#look(id);
  }

  #look(id: NodeId, always = false): void {
    const raft = this.#hosts[id - 1]!.node?.replica?.raft;
    if (raft === undefined) return;
    const known = this.#known[id - 1]!;
    const log = logChange(known, raft, always);
    const facts = this.#factsOf(id);
    const durable = agreedUpTo(known, facts.durable, facts.covered);
    const { term, vote } = raft;
    const { term: durableTerm, vote: durableVote } = facts.durableHard;
    const hard = { term, vote, durableTerm, durableVote };
    const isHardSame =
      term === known.hard.term &&
      vote === known.hard.vote &&
      durableTerm === known.hard.durableTerm &&
      durableVote === known.hard.durableVote;
    if (log === null && durable === known.durable && isHardSame && !always) return;
    const note = { log, durable: durable === known.durable ? null : durable, hard: isHardSame ? null : hard };
    this.#recorder.notes.push({ at: Math.max(0, this.#recorder.lines.length - 1), node: id, ...note });
    known.durable = durable;
    known.hard = hard;
  }
}

/** How the log differs from what is known, which it becomes; null: it does not. The cost is that of the change. */
function logChange(known: Known, { log }: Raft, always: boolean): Note["log"] {
  const { baseIndex, lastIndex } = log;
  const isOf = (index: Index): boolean => log.entryAt(index) === known.entries[index - known.base - 1];
  let keep = Math.min(known.base + known.entries.length, lastIndex);
  while (keep > Math.max(baseIndex, known.base) && !isOf(keep)) keep -= 1;
  if (keep < baseIndex || keep < known.base) keep = baseIndex;
  const isSame = keep === lastIndex && keep === known.base + known.entries.length && baseIndex === known.base;
  if (isSame && !always) return null;
  const entries: Entry[] = [];
  for (let index = keep + 1; index <= lastIndex; index++) entries.push(log.entryAt(index));
  const stays = keep === baseIndex ? [] : known.entries.slice(baseIndex - known.base, keep - known.base);
  known.entries = [...stays, ...entries];
  known.base = baseIndex;
  known.baseTerm = log.base.place.term;
  return { base: baseIndex, baseTerm: known.baseTerm, keep, entries };
}

/** Up to where the durable log, or what a durable state covers, is the log that is known. */
function agreedUpTo({ base, entries }: Known, durable: LogFacts, covered: Index): Index {
  let at = Math.min(durable.last, base + entries.length);
  const differs = (index: Index): boolean => {
    const { term, crc } = entries[index - base - 1]!;
    return durable.termAt(index) !== term || durable.crcAt(index) !== crc;
  };
  while (at > Math.max(base, durable.base) && differs(at)) at -= 1;
  return Math.max(at, Math.min(covered, base));
}
