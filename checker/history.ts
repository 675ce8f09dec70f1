/** What was asked of a store and what it answered. Times are integers (any unit): closed intervals from call to return. */

/** `ok`: happened, as said. `mismatch`: a compare-and-set saw another value. `none`: certainly did not happen. `unknown`: may. */
export type OutcomeName = "ok" | "mismatch" | "none" | "unknown";

type Timed = {
  /** One client calls one operation at a time; a client whose operation stays unknown goes on under another number. */
  readonly client: number;
  readonly call: number;
  /** Null exactly where the outcome is `unknown`. */
  readonly return: number | null;
  readonly outcome: OutcomeName;
  /** Where the store tells it: of two answers with revisions the lower comes first, and at equal ones the write. */
  readonly revision?: number;
};

/** One operation on one key. Absence of a key is null; an empty string is a value. */
export type Operation = Timed & { readonly key: string } & (
    | { readonly op: "get"; /** What was read; meaningless unless `ok`. */ readonly value: string | null }
    | { readonly op: "put"; readonly value: string }
    | { readonly op: "delete"; readonly value: null }
    /** Writes value[1] where the key holds value[0]; null is absence in both. */
    | { readonly op: "cas"; readonly value: readonly [string | null, string | null] }
    /** Puts the value behind what is there; an absent key counts as empty. */
    | { readonly op: "append"; readonly value: string }
  );

/** One step of a transaction: what it read, or wrote (null deletes). */
export type Step =
  | readonly ["get", key: string, read: string | null]
  | readonly ["put", key: string, written: string | null];

/** Steps on any keys that take effect as one, in their order. */
export type Transaction = Timed & { readonly op: "txn"; readonly value: readonly Step[] };

/** In any order: only calls and returns say what came before what. */
export type History = readonly (Operation | Transaction)[];
