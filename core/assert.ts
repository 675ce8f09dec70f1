/** Thrown when the program itself is wrong. Never thrown for bad input, a peer's bytes or a failing disk. */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/** Always on, in production too: a node that has found itself to be wrong must not go on. */
export function assert(condition: boolean, law: string): asserts condition {
  if (!condition) throw new AssertionError(law);
}

/** The end of an exhaustive switch: the compiler proves that it is never reached. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${JSON.stringify(value)}`);
}
