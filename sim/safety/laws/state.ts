/** What the entries come to: I9 state machine safety, I13 snapshot fidelity. */
import type { CompactionPoint } from "../../../core/raft/configurations.ts";
import type { NodeId, Term } from "../../../core/units.ts";
import { must, Violation } from "../../violation.ts";
import type { GhostLog } from "../ghost-log.ts";
import type { GhostNode } from "../ghost-node.ts";
import type { readSnapshot } from "../ghost-state.ts";

/** I9. `node` has applied `index`, or has taken it over with a snapshot. */
export function appliedMustRise({ id, applied }: GhostNode, index: number, by: "apply" | "snapshot"): void {
  must(index > applied, "I9", () =>
    by === "apply"
      ? `n${id} applies ${index} after ${applied}`
      : `n${id} goes back from ${applied} to snapshot ${index}`,
  );
}

/** I9. The state of `id` at `index` has the digest `digest`; the fold of the committed prefix has `expected`. */
export function stateMustBeTheFold(
  id: NodeId,
  index: number,
  where: "applied" | "installed" | "recovered" | "in its rows",
  digest: number,
  expected: number | undefined,
): void {
  must(digest === expected, "I9", () => {
    return `n${id}: the state at ${index}, ${where}, is not the fold of the committed prefix`;
  });
}

/** I13. A log is compacted up to a place that is committed. */
export function baseMustBeCommitted(id: NodeId, { index, term }: CompactionPoint["place"], committed: GhostLog): void {
  must(committed.termAt(index) === term, "I13", () => `n${id} bases its log on ${index}, not committed`);
}

/** I13. A snapshot becomes the state of `node`. */
export function installedMustBeDurable({ id, snapshot }: GhostNode, index: number): void {
  must(snapshot >= index, "I13", () => `n${id} installs snapshot ${index}, which is not durable on its disk`);
}

/** I13. The snapshot (index, term) of `id` is durable; `found` is what its bytes hold, `fold` what they must. */
export function snapshotMustBeTheFold(
  id: NodeId,
  index: number,
  term: Term,
  found: ReturnType<typeof readSnapshot>,
  fold: { readonly term: Term; readonly digest: number | undefined; readonly configurationIndex: number },
): void {
  if (typeof found === "string") throw new Violation("I13", `n${id}'s snapshot ${index}: ${found}`);
  const { header, digest } = found;
  const isThat = header.place.index === index && header.place.term === term;
  must(isThat, "I13", () => `n${id}'s snapshot ${index} is another`);
  must(fold.term === term, "I13", () => `n${id}'s snapshot ${index} has term ${term}`);
  must(digest === fold.digest, "I13", () => `n${id}'s snapshot ${index} is not the fold of the prefix`);
  must(header.configuration.index === fold.configurationIndex, "I13", () => {
    return `n${id}'s snapshot ${index} holds the configuration of ${header.configuration.index}`;
  });
}
