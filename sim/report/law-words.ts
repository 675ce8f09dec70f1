/** What a broken law demands, in words, and where it is from: for a reader who knows Raft and not this project. */
import { laws } from "../laws.ts";
import type { Law } from "../violation.ts";

const paper = "Raft paper (Ongaro and Ousterhout 2014)";
const thesis = "Raft thesis (Ongaro 2014)";

/** By number; a law without one is this project's own. */
const references: Readonly<Record<string, string>> = {
  I1: `${paper}, 5.2 and figure 3: Election Safety`,
  I2: `${paper}, figure 2: votedFor is on stable storage before the server answers`,
  I3: `${paper}, figure 2: currentTerm increases monotonically and is on stable storage`,
  I4: `${paper}, 5.2: a candidate wins with the votes of a majority`,
  I5: `${paper}, 5.3 and figure 3: Log Matching and Leader Append-Only`,
  I6: `${paper}, 5.4.1 and figure 3: election restriction and Leader Completeness`,
  I7: `${paper}, 5.3, 5.4.2 and figure 8: a majority must hold an entry of the leader's own term`,
  I8: `${paper}, 5.4.3: what is committed stays`,
  I9: `${paper}, figure 3: State Machine Safety`,
  I10: `${paper}, figure 2: commitIndex and lastApplied increase monotonically`,
  I11: `${paper}, figure 2: matchIndex and nextIndex`,
  I12: `${paper}, 5.3: all logs agree on the committed prefix`,
  I13: `${paper}, 7: a snapshot is the state at its last included index`,
  I14: `${paper}, figure 2: the persistent state is what a server recovers from`,
  I15: `${paper}, 6, and ${thesis}, 4.1 and 4.3: joint consensus, one change at a time`,
  I16: `Herlihy and Wing 1990; ${thesis}, 6.4: linearizable reads`,
  I17: `${thesis}, 6.4.1: a lease excludes another leader`,
  I18: `${thesis}, 6.3: each command is applied once, and answered with what it did`,
  I19: `${thesis}, 9.6: Pre-Vote`,
  L1: `${paper}, 5.6: timing and availability`,
  L2: `${paper}, 5.6: timing and availability`,
  L6: `${thesis}, 4: membership changes end`,
  L7: `${paper}, 7: log compaction`,
  linearizability: "Herlihy and Wing 1990: Linearizability",
};

/** `law`: a whole sentence of what must hold. `reference`: empty where nobody else has it. */
export type LawWords = { readonly law: string; readonly reference: string };

/** Of a law by its number. */
export function lawWords(property: string): LawWords {
  const reference = references[property] ?? "";
  if (!(property in laws)) {
    const law =
      "There must be one order of all operations, each between its call and its return, that explains every answer.";
    return { law: property === "linearizability" ? law : "", reference };
  }
  const { sentence } = laws[property as Law];
  return { law: `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`, reference };
}

/** The laws that have a reference. */
export const referencedLaws: readonly string[] = Object.keys(references);
