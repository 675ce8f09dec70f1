/** Tells the trace what has changed: role, term and leader, commit index. */
import type { Raft } from "../raft/raft.ts";
import type { ContextOf } from "./context.ts";

const roleCodes = { follower: 0, "pre-candidate": 1, candidate: 2, leader: 3 } as const;

/** Called once a turn. It publishes a fact only where it differs from the last one. */
export class FactPublisher {
  readonly #trace: ContextOf<"trace">["trace"];
  readonly #raft: Raft;
  #published = { role: -1, term: -1, leader: -1, commit: 0 };

  constructor({ trace }: ContextOf<"trace">, raft: Raft) {
    this.#trace = trace;
    this.#raft = raft;
    this.#published.commit = raft.commit;
  }

  publish(): void {
    const { term, leader, commit, log } = this.#raft;
    const role = roleCodes[this.#raft.role];
    const before = this.#published;
    if (role !== before.role || term !== before.term || leader !== before.leader) {
      this.#trace.fact("role", role, term, leader);
      if (leader !== before.leader && leader !== 0) this.#trace.note("info", `node ${leader} leads term ${term}`);
    }
    if (commit !== before.commit) this.#trace.fact("commit", commit, log.termAt(commit), 0);
    this.#published = { role, term, leader, commit };
  }
}
