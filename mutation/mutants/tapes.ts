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
    name: "a core is healed whose voters cannot vote yet",
    layer: "simulator",
    file: "sim/liveness/core.ts",
    old: "core.includes(voter) && ghost.node(voter).durable.last >= incarnation",
    new: "core.includes(voter) && incarnation >= 0",
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
    name: "the laws take every entry for a small one",
    layer: "simulator",
    file: "sim/plan/entry-time.ts",
    old: "const { length } = log.entryAt(index).bytes;",
    new: "const length = 80;",
  },
  {
    name: "nobody says where moved members are",
    layer: "simulator",
    file: "sim/liveness/moved-members.ts",
    old: "if (plan.faults.moved === 0) return false;",
    new: "if (plan.faults.moved >= 0) return false;",
  },
  {
    name: "the laws ask the log for what a snapshot has acknowledged",
    layer: "simulator",
    file: "sim/safety/ghost.ts",
    old: "before === -1 || acknowledged",
    new: "acknowledged",
  },
  {
    name: "the time up to a turn counts, whatever it was after the one before",
    layer: "simulator",
    file: "sim/safety/bounded-waits.ts",
    old: "if (!isFit || !watched.wasFit) watched.fitSince = now;",
    new: "if (!isFit) watched.fitSince = now;",
  },
  {
    name: "a write in the turn of a disk failure never left its leader",
    layer: "simulator",
    file: "sim/workload/monitor.ts",
    old: "if (node.replica !== null) departures?.noteLog(host.id, node.replica.raft.log);",
    new: "",
  },
];
