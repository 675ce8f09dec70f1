/** What clients are answered: I18 answer integrity. The committed prefix, folded, is the truth (safety/answers.ts). */
import type { Change } from "../../core/protocol/configuration.ts";
import type { Index, NodeId } from "../../core/units.ts";
import { must } from "../violation.ts";

/** I18. `whom` is answered; `wrong`: what Answers says against that. */
export function answerMustBeSo(whom: string, wrong: string | null): void {
  must(wrong === null, "I18", () => `${whom} is told what is not so: ${wrong}`);
}

/** I18. The run is over, in which the write of `value` was refused as definite. */
export function refusedMustNotHappen(value: string, hasHappened: boolean): void {
  must(!hasHappened, "I18", () => `the write of ${value} was refused, and has happened`);
}

/** I18. `id` answers a stale read. `canKnow`: it takes part, and has applied something. */
export function staleAnswerMustBeKnown(id: NodeId, revision: Index, canKnow: boolean): void {
  must(canKnow, "I18", () => `n${id} answers a stale read at revision ${revision}, and cannot know`);
}

/** I18. `id` says that it does not know what has come of the write of `value`. `mayHaveLeft`: the write has left it. */
export function unknownMustHaveLeft(id: NodeId, value: string, mayHaveLeft: boolean): void {
  must(mayHaveLeft, "I18", () => `n${id} does not know what came of ${value.slice(0, 30)}, which never left it`);
}

/** I18. A change is answered as done. `wasReached`: a committed configuration was so, while it was open or when it was asked. */
export function doneChangeMustHold({ kind, id }: Change, wasReached: boolean): void {
  must(wasReached, "I18", () => `the change ${kind} n${id} is answered as done, and was not made`);
}

/** I18. A change is refused as definite. `wasMade`: it was made, and nobody else had asked for it. */
export function refusedChangeMustNotBeMade({ kind, id }: Change, wasMade: boolean): void {
  must(!wasMade, "I18", () => `the change ${kind} n${id} is refused, and was made`);
}

/** I18. Member `id` has come, begins to go, or begins to vote. `isAskedFor`: a request for it may have brought that about. */
export function changeMustBeAskedFor({ kind, id }: Pick<Change, "kind" | "id">, isAskedFor: boolean): void {
  must(isAskedFor, "I18", () => `the change ${kind} n${id} is made, and all who asked for it had their answer`);
}
