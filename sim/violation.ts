/** The laws by number; `laws.ts` says of each its name, what it demands, and what checks it. */
type SafetyLaw =
  | "I1"
  | "I2"
  | "I3"
  | "I4"
  | "I5"
  | "I6"
  | "I7"
  | "I8"
  | "I9"
  | "I10"
  | "I11"
  | "I12"
  | "I13"
  | "I14"
  | "I15"
  | "I16"
  | "I17"
  | "I18"
  | "I19"
  | "I20"
  | "I21"
  | "I22"
  | "I23";
type LivenessLaw = "L1" | "L2" | "L3" | "L4" | "L5" | "L6" | "L7";
/** The number of a law, as a Violation names it. */
export type Law = SafetyLaw | LivenessLaw;
/** What a run can break: a law, or what the checker says of the history of all clients (I16, seen from outside). */
export type Property = Law | "linearizability";

/** A broken law, found by the simulator. */
export class Violation extends Error {
  override readonly name = "Violation";
  readonly property: Property;
  constructor(property: Property, message: string) {
    super(message);
    this.property = property;
  }
}

/** Throws a Violation of `property` where `condition` does not hold. Called by the functions in `laws/`, and by nothing else. */
export function must(condition: boolean, property: Property, message: () => string): asserts condition {
  if (!condition) throw new Violation(property, message());
}
