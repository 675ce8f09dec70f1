/** Mutants that kept tapes detect, most of them of the simulator's own laws. They are not in the list of all: seeds rarely meet what they need. */
import type { Mutant } from "../mutant.ts";

/** In the order of the table. */
export const mutantsOfTapes: readonly Mutant[] = [
  {
    name: "the checker decides operations that nobody can observe",
    layer: "checker",
    file: "checker/engines/decide.ts",
    old: "const operations = observable(all);",
    new: "const operations = [...all];",
  },
  {
    name: "the time of a new machine does not grow with the log",
    layer: "simulator",
    file: "sim/liveness/work.ts",
    old: "entriesMicros(simulator.plan, log, log.baseIndex)",
    new: "entriesMicros(simulator.plan, log, log.lastIndex)",
  },
  {
    name: "the ghost counts rows of an earlier directory",
    layer: "simulator",
    file: "sim/safety/judge.ts",
    old: "const found = kv === null ? null : rowsOf(storeId, kv.contents);\n    const rows = found === null ? null : { found, durable: rowsOf(storeId, kv!.durableContents) };",
    new: "const rows = kv === null ? null : { found: kv.contents, durable: kv.durableContents };",
  },
  {
    name: "the ghost asks a successor for what a lost log had acknowledged",
    layer: "simulator",
    file: "sim/safety/invariants.ts",
    old: "return list?.find((one) => one.incarnation === incarnation)?.index ?? 0;",
    new: "return Math.min(list?.find((one) => one.incarnation === incarnation)?.index ?? 0, Math.max(this.#ghost.node(id).covered, this.#ghost.node(id).durable.last));",
  },
  {
    name: "a leader forgets at a compaction that it has committed in its term",
    layer: "tapes",
    file: "core/raft/server-state.ts",
    old: "return this.log.termAt(this.#commit) === this.#term;",
    new: "return this.#commit > this.log.baseIndex && this.log.termAt(this.#commit) === this.#term;",
  },
  {
    name: "the laws do not count what waits for a disk",
    layer: "simulator",
    file: "sim/liveness/work.ts",
    old: "diskMicros(plan, log, log.durableIndex)",
    new: "diskMicros(plan, log, log.lastIndex)",
  },
  {
    name: "the laws do not count what members lack",
    layer: "simulator",
    file: "sim/liveness/work.ts",
    old: "entriesMicros(plan, log, shared)",
    new: "entriesMicros(plan, log, log.lastIndex)",
  },
  {
    name: "whoever takes a node for a later incarnation is told a term that is not durable",
    layer: "tapes",
    file: "core/node/member-inbox.ts",
    old: 'if (admission.kind === "tell-term") this.#parts.raft.tellTerm(from);',
    new: 'if (admission.kind === "tell-term") this.#context.send({ to: from, message: { kind: "append-reply", term: this.#parts.raft.term, round: 0, stream: 0, success: false, matchIndex: 0, prevIndex: 0, hintIndex: 0, hintTerm: 0 } });',
  },
  {
    name: "an older copy may start until its number is beyond what peers have met",
    layer: "simulator",
    file: "sim/nemesis/older-copies.ts",
    old: "(host === started && this.#isKnownLater(host))",
    new: "(host === started && (this.#isKnownLater(host) || host.id > 0))",
  },
  {
    name: "a turn goes on after its node has ended",
    layer: "tapes",
    file: "core/node/replica.ts",
    old: "    if (this.#isClosed) return Infinity;\n",
    new: "    if (this.#isClosed) this.#facts.publish();\n",
  },
  {
    name: "a rebound node goes by the founders' configuration",
    layer: "tapes",
    file: "core/node/peer-admission.ts",
    old: "const holdsOwn = memberOf(configuration, node)?.incarnation === incarnation;",
    new: "const holdsOwn = incarnation >= 0;",
  },
  {
    name: "a rest is taken to last for ten tries",
    layer: "simulator",
    file: "sim/safety/wait-bounds.ts",
    old: "Math.min(5, (1 + limits.snapshotTriesMax) / 2) * resend",
    new: "Math.max(5, limits.snapshotTriesMax / 1e6) * resend",
  },
  {
    name: "rows that were emptied count as durable",
    layer: "simulator",
    file: "sim/safety/bounded-waits.ts",
    old: "Math.min(rows, covered)",
    new: "rows",
  },
  {
    name: "a directory that is accepted may be bound once more",
    layer: "tapes",
    file: "core/node/cluster-entry.ts",
    old: "this.#accepted !== null && this.#accepted !== incarnation",
    new: "this.#accepted === 0",
  },
];
