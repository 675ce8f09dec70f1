/**
 * The contract of the place where rows live. One read or write of the apply loop is in flight at a time, in order;
 * reads of clients may come between. A completion may come before the call returns.
 */
import type { Row } from "../kv/machine.ts";
import type { DiskError } from "../ports.ts";
import type { Index, Term } from "../units.ts";

export interface StateStore {
  /** The entry up to which the rows are the fold of the log. */
  readonly appliedIndex: Index;
  /** The rows of `keys`, in their order; null for an absent key. All are seen at one applied index. */
  read(keys: readonly string[], done: (error: DiskError | null, rows: readonly (Row | null)[]) => void): void;
  /** Takes the writes and the applied (index, term) as one: never one without the other, whatever happens. */
  write(
    writes: ReadonlyMap<string, Row | null>,
    appliedIndex: Index,
    appliedTerm: Term,
    done: (error: DiskError | null) => void,
  ): void;
  /** Hash of all rows, see kv/state-hash.ts. */
  readonly hash: { readonly digest: number; toString(): string };
  readonly rowCount: number;
}
