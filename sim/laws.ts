/** The laws that every run is held against, by name: I1 to I22 hold at every moment, L1 to L7 bound how long a calm core takes. */
export const laws = {
  I1: "election safety",
  I2: "vote durability",
  I3: "term monotonic",
  I4: "vote quorum",
  I5: "log matching",
  I6: "leader completeness",
  I7: "commit quorum",
  I8: "commit permanence",
  I9: "state machine safety",
  I10: "index order",
  I11: "match index",
  I12: "prefix agreement",
  I13: "snapshot fidelity",
  I14: "recovery",
  I15: "configuration change",
  I16: "linearizability",
  I17: "lease exclusivity",
  I18: "answer integrity",
  I19: "pre-vote neutrality",
  I20: "determinism",
  I21: "crash and hang freedom",
  I22: "stranger isolation",
  L1: "leader election",
  L2: "client progress",
  L3: "convergence",
  L4: "term stability",
  L5: "request termination",
  L6: "change progress",
  L7: "log boundedness",
} as const;
export type Law = keyof typeof laws;
/** What a run can break: a law, or what the checker says of the history of all clients (I16, seen from outside). */
export type Property = Law | "linearizability";

/** A broken property as it is printed: "I6 leader completeness". What is no law (the verdict of the checker) is its own name. */
export function lawName(property: string): string {
  return property in laws ? `${property} ${laws[property as Law]}` : property;
}
