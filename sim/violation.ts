/** A broken property, found by the simulator. `property` is the invariant's or bound's name in SIMULATION.md. */
export class Violation extends Error {
  override readonly name = "Violation";
  readonly property: string;
  constructor(property: string, message: string) {
    super(message);
    this.property = property;
  }
}

export function must(condition: boolean, property: string, message: () => string): asserts condition {
  if (!condition) throw new Violation(property, message());
}
