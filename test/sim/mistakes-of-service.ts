/** Planted bugs of what users and operators are told and given, where no entry goes wrong. */
import type { Mistake } from "../support/plant.ts";

export const mistakesOfService: readonly Mistake[] = [
  {
    name: "a retry is told that its sequence is another command's",
    layer: "service",
    file: "core/kv/sessions.ts",
    old: 'result.digest === digest ? { kind: "done", result } : { kind: "other-command" }',
    new: 'result.digest === digest && result.matched ? { kind: "done", result } : { kind: "other-command" }',
  },
  {
    name: "the answer says wrongly whether the key was there",
    layer: "service",
    file: "core/kv/machine.ts",
    old: 'return matched ? { code: "done", revision: index, existed } :',
    new: 'return matched ? { code: "done", revision: index, existed: true } :',
  },
  {
    name: "a mismatch answers with what the command would have made of the row",
    layer: "service",
    file: "core/kv/machine.ts",
    old: '{ code: "mismatch", revision: index, row: before };',
    new: '{ code: "mismatch", revision: index, row: before === null ? null : { ...before, version: before.version + 1 } };',
  },
  {
    name: "each leader counts the cluster's time from its own start",
    layer: "service",
    file: "core/raft/leadership.ts",
    old: "    this.#clusterBase = log.lastIndex > log.baseIndex ? log.entryAt(log.lastIndex).clusterMicros : log.baseMicros;\n",
    new: "    this.#clusterBase = 0;\n",
  },
  {
    name: "an append holds as much as there is",
    layer: "service",
    file: "core/raft/log.ts",
    old: "index <= this.lastIndex && entries.length < countMax",
    new: "index <= this.lastIndex",
  },
  {
    name: "a change of members is never proposed",
    layer: "service",
    file: "core/node/changes.ts",
    old: "if (next !== null && raft.proposeConfiguration(now, next) === null) onBegin();",
    new: "if (next !== null) onBegin();",
  },
  {
    name: "who wishes for another leader is told that it is done at once",
    layer: "service",
    file: "core/node/changes.ts",
    old: 'waiter.change.kind === "lead" && raft.leader === waiter.change.id',
    new: 'waiter.change.kind === "lead" && raft.leader !== 0',
  },
  {
    name: "a removed member goes on",
    layer: "service",
    file: "core/node/running.ts",
    old: '      this.#host.end({ kind: "removed", reason: removedReason(this.#options.id) });\n',
    new: "",
  },
  {
    name: "a member that lags turns away one that was added anew",
    layer: "service",
    file: "core/node/peer-admission.ts",
    old: '    if (this.#raft.role !== "leader") return null;\n',
    new: "",
  },
  {
    name: "a joining node knocks only at those that it was told of",
    layer: "service",
    file: "core/node/peers.ts",
    old: "    this.#learned.set(id, url);\n",
    new: "",
  },
  {
    name: "a follower keeps writes until its leader changes",
    layer: "service",
    file: "core/node/writes.ts",
    old: "if (!send({ to: raft.leader, message })) {",
    new: "if (batch.length === 1 || !send({ to: raft.leader, message })) {",
  },
  {
    name: "a turn asks for the next one, for ever",
    layer: "service",
    file: "core/node/running.ts",
    old: "    this.#requests.reads.serve();\n",
    new: "    this.#requests.reads.serve();\n    if (this.raft.configuration.outgoing.length > 0) this.#host.schedule();\n",
  },
];
