/** What the entries come to: I9 state machine safety, I13 snapshot fidelity. */
import type { CompactionPoint } from "../../core/protocol/configuration.ts";
import type { Checked } from "../../core/result.ts";
import type { NodeId, Term } from "../../core/units.ts";
import { must, Violation } from "../violation.ts";
import type { LogFacts, NodeFacts } from "./facts.ts";

/** I9. `node` has applied `index`, or has taken it over with a snapshot. */
export function appliedMustRise({ id, applied }: NodeFacts, index: number, by: "apply" | "snapshot"): void {
  must(index > applied, "I9", () =>
    by === "apply"
      ? `n${id} applies ${index} after ${applied}`
      : `n${id} goes back from ${applied} to snapshot ${index}`,
  );
}

/** Said of a state of `id` at `index` that is not the fold. */
const wrongStates = {
  applied: (id: NodeId, index: number) => `n${id}: the state at ${index} is not the fold of the committed prefix`,
  installed: (id: NodeId, index: number) => `n${id}: the state of snapshot ${index} is another`,
  recovered: (id: NodeId, index: number) => `n${id} finds another state of ${index}`,
  rows: (id: NodeId, index: number) => `n${id}: the rows at ${index} are not the fold of the prefix`,
} as const;

/** I9. The state of `id` at `index` has the digest `digest`; the fold of the committed prefix has `expected`. */
export function stateMustBeTheFold(
  id: NodeId,
  index: number,
  where: keyof typeof wrongStates,
  digest: number,
  expected: number | undefined,
): void {
  must(digest === expected, "I9", () => wrongStates[where](id, index));
}

/** I13. A log is compacted up to a place that is committed. */
export function baseMustBeCommitted(id: NodeId, { index, term }: CompactionPoint["place"], committed: LogFacts): void {
  must(committed.termAt(index) === term, "I13", () => `n${id} bases its log on ${index}, not committed`);
}

/** I13. A snapshot becomes the state of `node`. */
export function installedMustBeDurable({ id, snapshot }: NodeFacts, index: number): void {
  must(snapshot >= index, "I13", () => `n${id} installs snapshot ${index}, which is not durable on its disk`);
}

/** What the bytes of a snapshot hold. */
type FoundSnapshot = {
  readonly header: {
    readonly place: { readonly index: number; readonly term: Term };
    readonly configuration: { readonly index: number };
  };
  readonly digest: number;
};

/** I13. The snapshot (index, term) of `id` is durable; `found` is what its bytes hold, `fold` what they must. */
export function snapshotMustBeTheFold(
  id: NodeId,
  index: number,
  term: Term,
  found: Checked<FoundSnapshot>,
  fold: { readonly term: Term; readonly digest: number | undefined; readonly configurationIndex: number },
): void {
  if (!found.ok) throw new Violation("I13", `n${id}'s snapshot ${index}: ${found.reason}`);
  const { header, digest } = found.value;
  const isThat = header.place.index === index && header.place.term === term;
  must(isThat, "I13", () => `n${id}'s snapshot ${index} is another`);
  must(fold.term === term, "I13", () => `n${id}'s snapshot ${index} has term ${term}`);
  must(digest === fold.digest, "I13", () => `n${id}'s snapshot ${index} is not the fold of the prefix`);
  must(header.configuration.index === fold.configurationIndex, "I13", () => {
    return `n${id}'s snapshot ${index} holds the configuration of ${header.configuration.index}`;
  });
}
