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
    old: "rowsOf(directory.storeId, kv.contents)",
    new: "kv.contents",
  },
  {
    name: "the ghost asks a successor for what a lost log had acknowledged",
    layer: "simulator",
    file: "sim/laws/replication.ts",
    old: "if (covered >= match || (lost !== null && incarnation <= lost.committed)) return;",
    new: "if (covered >= match) return;",
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
    file: "sim/liveness/work.ts",
    old: "const bytes = log.entryAt(index).bytes.length + batchOverheadBytes;",
    new: "const bytes = 120;",
  },
  {
    name: "nobody says where moved members are",
    layer: "simulator",
    file: "sim/liveness/moved-members.ts",
    old: "if (plan.faults.moved === 0) return false;",
    new: "if (plan.faults.moved >= 0) return false;",
  },
  {
    name: "a write in the turn of a disk failure never left its leader",
    layer: "simulator",
    file: "sim/workload/monitor.ts",
    old: "if (node.replica !== null) departures?.noteLog(host.id, node.replica.raft.log);",
    new: "",
  },
];
