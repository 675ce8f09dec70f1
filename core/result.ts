/**
 * The one way in which something that was asked for ends, returned or called back. A program decides by the code, and by
 * whether it is definite; words for a person are made where they are printed.
 */
export type Result<Value, Code extends string> = { readonly ok: true; readonly value: Value } | Failed<Code>;

/** `definite`: it certainly did not happen and never will. Otherwise nobody can say. */
export type Failed<Code extends string> = { readonly ok: false; readonly code: Code; readonly definite: boolean };

/**
 * What a check makes of something that is there: its value, or why it is refused, in one line for an operator. Nothing
 * decides by that line; a caller that must tell refusals apart gets a `Result`.
 */
export type Checked<Value = null> = { readonly ok: true; readonly value: Value } | Refused;

/** `reason`: one line for the operator. */
export type Refused = { readonly ok: false; readonly reason: string };

/** A check that finds nothing wrong, and has nothing else to tell. */
export const passed: Checked = { ok: true, value: null };

/** A check that finds what `reason` says. */
export function refused(reason: string): Refused {
  return { ok: false, reason };
}
