/**
 * The one way in which something that was asked for ends, returned or called back. A program decides by the code, and by
 * whether it is definite; words for a person are made where they are printed.
 */
export type Result<Value, Code extends string> = { readonly ok: true; readonly value: Value } | Failed<Code>;

/** `definite`: it certainly did not happen and never will. Otherwise nobody can say. */
export type Failed<Code extends string> = { readonly ok: false; readonly code: Code; readonly definite: boolean };
