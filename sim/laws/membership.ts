/** Who belongs to the cluster: I15 configuration change. */
import type { Configuration } from "../../core/protocol/configuration.ts";
import type { NodeId, Term } from "../../core/units.ts";
import { must } from "../violation.ts";

/** I15. A leader makes a configuration while the one before stands at `before`; `committedLast`: all up to it is committed. */
export function changeMustComeAlone(whose: string, before: number, committedLast: number): void {
  must(before <= committedLast, "I15", () => `${whose} comes while ${before} is not committed`);
}

/** I15. A leader of `term` makes a configuration; the last committed entry is of `committedTerm`. */
export function changeMustFollowOwnCommit(whose: string, term: Term, committedTerm: Term): void {
  must(committedTerm >= term, "I15", () => `${whose} comes before a commit in term ${term}`);
}

/** I15. Who votes changes through both halves only (thesis 4.3). */
export function votersMustChangeJointly(whose: string, before: Configuration, next: Configuration): void {
  const isLegal =
    next.outgoing.length > 0
      ? before.outgoing.length === 0 && next.outgoing.join() === before.voters.join()
      : next.voters.join() === before.voters.join();
  must(isLegal, "I15", () => `${whose} changes who votes in one step`);
}

/** I15. `id` goes by the configuration at `inForce`; the newest in its snapshot and log stands at `expected`. */
export function configurationMustBeTheNewest(id: NodeId, inForce: number, expected: number): void {
  must(inForce === expected, "I15", () => `n${id} goes by configuration ${inForce}, its log says ${expected}`);
}

/** I15. `id` ends because it was removed. `isMember`: the committed configuration has it, in this incarnation. */
export function removedMustBeNoMember(id: NodeId, isMember: boolean): void {
  must(!isMember, "I15", () => `n${id} takes itself for removed`);
}
