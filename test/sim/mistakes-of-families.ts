/** Planted bugs of what the world does besides messages and disks: strangers, addresses, missing files, a process that is told to stop. */
import type { Mistake } from "../support/plant.ts";

export const mistakesOfFamilies: readonly Mistake[] = [
  {
    name: "a log that is missing as a whole is begun again",
    layer: "recovery",
    file: "core/node/opening.ts",
    old: 'return genesis === null ? null : (log ?? "some");',
    new: "return genesis === null && log !== null ? log : null;",
  },
  {
    name: "a stale read goes straight to the store",
    layer: "requests",
    file: "core/node/running.ts",
    old: 'if (consistency !== "stale" || this.#catchUp.isStateKnown) this',
    new: "if (consistency.length > 0) this",
  },
  {
    name: "the deadline of a node that drains stays in the past",
    layer: "requests",
    file: "core/node/draining.ts",
    old: "    else if (now >= this.#ledUntil + this.#lingerMicros) this.#ledUntil = -Infinity;\n",
    new: "",
  },
  {
    name: "where the command line says that the others are is not dialled",
    layer: "transport",
    file: "core/node/peers.ts",
    old: "[this.#configured, this.#hints].flatMap",
    new: "[this.#configured, new Map<NodeId, readonly string[]>()].flatMap",
  },
  {
    name: "what a peer says of itself comes before the configuration",
    layer: "transport",
    file: "core/node/peers.ts",
    old: "[...new Set([this.#configured, this.#hints].flatMap((urls) => urls.get(id) ?? []).concat(learned(id)))],",
    new: "[...new Set(learned(id).concat(this.#configured.get(id) ?? this.#hints.get(id) ?? []))].slice(0, 1),",
  },
  {
    name: "what a peer has said is forgotten when the configuration first names it",
    layer: "transport",
    file: "core/node/peers.ts",
    old: "for (const id of this.#configured.keys()) if (!urls.has(id)) this.#learned.delete(id);",
    new: "for (const id of this.#learned.keys()) if (urls.get(id)?.join() !== this.#configured.get(id)?.join()) this.#learned.delete(id);",
  },
  {
    name: "an address of the command line counts as known, though it is not dialled",
    layer: "transport",
    file: "core/node/peers.ts",
    old: "if (this.#candidates().get(id)?.includes(url) === true) return;",
    new: "if ((this.#configured.get(id) ?? this.#hints.get(id) ?? []).includes(url)) return;",
  },
  {
    name: "a node that does not name its cluster is taken for a member",
    layer: "transport",
    file: "core/node/node.ts",
    old: "if (running === null || !theirs.takesPart) {",
    new: "if (running === null || (!theirs.takesPart && theirs.cluster !== \"\")) {",
  },
  {
    name: "a guest's frames may be as long as a member's",
    layer: "transport",
    file: "core/wire/connection.ts",
    old: "this.#frames.bytesMax = this.#isMember ? frameBytesMax : smallFrameBytesMax;",
    new: "this.#frames.bytesMax = frameBytesMax;",
  },
  {
    name: "rows that cannot be read pass for rows that are not there",
    layer: "state",
    file: "core/storage/ordered-state.ts",
    old: "thenLeave(leave, () => done(trouble, rows));",
    new: "thenLeave(leave, () => done(null, trouble === null ? rows : keys.map(() => null)));",
  },
  {
    name: "a leader that is to be removed hands over to the same node in every term",
    layer: "membership",
    file: "core/node/changes.ts",
    old: "    this.#triedSuccessors.add(to);\n",
    new: "",
  },
  {
    name: "a leader bounds what is uncommitted, not what is not durable on its own disk",
    layer: "log",
    file: "core/raft/leadership.ts",
    old: "const through = Math.min(commit, this.#log.durableIndex);",
    new: "const through = commit;",
  },
];
