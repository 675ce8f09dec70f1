/** What was asked of a store and what it answered. Times are integers (any unit): closed intervals from call to return. */

/** `ok`: happened, as said. `mismatch`: a compare-and-set saw another value. `none`: certainly did not happen. `unknown`: may. */
export type OutcomeName = "ok" | "mismatch" | "none" | "unknown";

type Timed = {
  /** One client calls one operation at a time; a client whose operation stays unknown goes on under another number. */
  readonly client: number;
  readonly key: string;
  readonly call: number;
  /** Null exactly where the outcome is `unknown`. */
  readonly return: number | null;
  readonly outcome: OutcomeName;
  readonly revision?: number;
};

export type Operation =
  /** `value`: what was read; null: the key was absent. Meaningless unless `ok`. */
  | (Timed & { readonly op: "get"; readonly value: string | null })
  | (Timed & { readonly op: "put"; readonly value: string })
  | (Timed & { readonly op: "delete"; readonly value: null })
  /** Writes value[1] where the key holds value[0]. */
  | (Timed & { readonly op: "cas"; readonly value: readonly [string | null, string] });

export type History = readonly Operation[];
