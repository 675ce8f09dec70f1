/** How fresh an answer is: I16 linearizability, I17 lease exclusivity. */
import type { NodeId, Term } from "../../core/units.ts";
import { must } from "../violation.ts";

/** I16. `what` was asked when `committedAtCall` was committed, and is answered with the state at `revision`. */
export function answerMustBeFresh(what: string, revision: number, committedAtCall: number): void {
  must(revision >= committedAtCall, "I16", () => {
    return `${what} is answered at revision ${revision}, but ${committedAtCall} was committed when it was called`;
  });
}

/** I16. The same, of a read of the monitor. */
export function monitorMustBeToldWhatIsFresh(revision: number, committedAtCall: number): void {
  must(revision >= committedAtCall, "I16", () => {
    return `the monitor is answered at revision ${revision}, but ${committedAtCall} was committed`;
  });
}

/** I16, seen from outside. `wrong`: what the checker says against the history as far as it goes, or null. */
export function historyMustBeLinearizable(wrong: string | null): void {
  must(wrong === null, "linearizability", () => wrong!);
}

/** I17. `id` becomes leader in `term`; `leaseholders` lead earlier terms, and believe in their leases, each on its own clock. */
export function leaseMustBeOver(id: NodeId, term: Term, leaseholders: readonly NodeId[]): void {
  must(leaseholders.length === 0, "I17", () => `n${id} leads term ${term} while n${leaseholders.join()} has a lease`);
}
