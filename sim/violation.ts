import type { Property } from "./laws.ts";

/** A broken law, found by the simulator. */
export class Violation extends Error {
  override readonly name = "Violation";
  readonly property: Property;
  constructor(property: Property, message: string) {
    super(message);
    this.property = property;
  }
}

export function must(condition: boolean, property: Property, message: () => string): asserts condition {
  if (!condition) throw new Violation(property, message());
}
