/** How fresh an answer is: I16 linearizability, I17 lease exclusivity. */
import type { NodeId, Term } from "../../core/units.ts";
import { must } from "../violation.ts";

/** I16. `whose` request, made when `committedAtCall` was committed, is answered with the state at `revision`. */
export function answerMustBeFresh(whose: string, revision: number, committedAtCall: number): void {
  must(revision >= committedAtCall, "I16", () => {
    return `${whose} is answered at revision ${revision}, but ${committedAtCall} was committed when it was called`;
  });
}

/** I16, seen from outside. `wrong`: what the checker says against the history as far as it goes, or null. */
export function historyMustBeLinearizable(wrong: string | null): void {
  must(wrong === null, "linearizability", () => wrong!);
}

/** I17. `id` takes office in `term`; `leaseholders` lead earlier terms, and believe in their leases, each on its own clock. */
export function leaseMustBeOver(id: NodeId, term: Term, leaseholders: readonly NodeId[]): void {
  must(leaseholders.length === 0, "I17", () => `n${id} leads term ${term} while n${leaseholders.join()} has a lease`);
}
