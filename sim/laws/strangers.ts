/** Who may not speak: I22 stranger isolation. */
import type { Index, NodeId, Term } from "../../core/units.ts";
import { must } from "../violation.ts";

/** I22. A stranger has begun a frame that never ends, with so many bytes. `isRefused`: the node has ended its stream. */
export function unfinishedFrameMustBeRefused(id: NodeId, bytes: number, isRefused: boolean): void {
  must(isRefused, "I22", () => `n${id} holds ${bytes} bytes of a stranger's frame`);
}

/** I22. A stranger, which speaks of `strangeTerm`, has come to `id`. */
export function termMustNotComeFromStranger(id: NodeId, term: Term, strangeTerm: Term): void {
  must(term < strangeTerm, "I22", () => `n${id} has the term ${term} from a stranger`);
}

/** I22. A stranger has come to `id`. `areOurs`: all members in its configuration are of this cluster. */
export function strangerMustNotBeMember(id: NodeId, areOurs: boolean): void {
  must(areOurs, "I22", () => `n${id} has taken a stranger into its configuration`);
}

/** I22. `strange`: a URL, if any, at which `id` takes `peer` to be, and that only a stranger can have told it. */
export function addressMustNotComeFromStranger(id: NodeId, peer: NodeId, strange: string | undefined): void {
  must(strange === undefined, "I22", () => `n${id} takes n${peer} to be at ${strange}, as a stranger has said`);
}

/** I22. A copy of `peer`'s directory, by its own word a later start of it, has dialled `id`, whose own stream to `peer` stands. */
export function laterStartMustNotReplaceLiving(id: NodeId, peer: NodeId, isConnected: boolean, verdict: string): void {
  must(!isConnected || verdict !== "member", "I22", () => `n${id} takes a copy of n${peer} for it, which runs`);
}

/** I22. A stranger has listened where `id` dialled `peer`. `believed`: the word by which `id` would end, or give up its log. */
export function strangerMustNotEndMember(id: NodeId, peer: NodeId, believed: string | undefined): void {
  must(
    believed === undefined,
    "I22",
    () => `n${id} believes a stranger in the place of n${peer}, who says "${believed}"`,
  );
}

/** I22. A stranger has told `id`, which has lost its log, that it was rebound as `strangeIncarnation`. */
export function strangerMustNotRebind(id: NodeId, incarnation: Index, strangeIncarnation: Index): void {
  must(incarnation < strangeIncarnation, "I22", () => `n${id} takes part as ${incarnation}, as a stranger has said`);
}
