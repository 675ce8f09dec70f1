/** Tells the trace what has changed: role, term and leader, commit index. */
import type { Trace } from "../ports.ts";
import type { Raft } from "../raft/raft.ts";

const roleCodes = { follower: 0, "pre-candidate": 1, candidate: 2, leader: 3 } as const;

export class FactPublisher {
  readonly #raft: Raft;
  readonly #trace: Trace;
  #published = { role: -1, term: -1, leader: -1, commit: 0 };

  constructor(raft: Raft, trace: Trace) {
    this.#raft = raft;
    this.#trace = trace;
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
