/**
 * What a run has gone through: which faults struck whom in which phase of the cluster's life. Many runs together show what
 * the simulator reaches, and what it only could.
 */
import type { Configuration } from "../../core/protocol/configuration.ts";
import type { Raft } from "../../core/raft/raft.ts";
import type { NodeId } from "../../core/units.ts";
import { type CoverageMark, faultFamilies, isMarked, targetedActions } from "../plan/families.ts";
import type { Host } from "../world/host.ts";
import { loopMarks } from "./loops.ts";

/** Families that strike the network, or the directory of a node that is down: their marks name no role. */
const everywhere = [
  "partition",
  "clientPartition",
  "bridge",
  "ring",
  "brokenLink",
  "flapping",
  "clog",
  "logDamaged",
  "logMissing",
  "segmentMissing",
  "olderCopy",
  "leaderIsolated",
] as const;

/** What the struck node was (of a link, its sender); `away`: it was not taking part. */
const roles = ["leader", "candidate", "follower", "learner", "away"] as const;
type MarkedRole = (typeof roles)[number];

/** Before the first commit; without a leader that a majority follows; in a joint configuration; none of these. */
const phases = ["founding", "electing", "joint", "steady"] as const;
type Phase = (typeof phases)[number];

/** Of a cluster that is founded and has committed `configuration`. */
export function phaseOf({ voters, outgoing }: Configuration, raftOf: (id: NodeId) => Raft | null): Phase {
  if (outgoing.length > 0) return "joint";
  const isLed = voters.some((id) => {
    const raft = raftOf(id);
    if (raft?.role !== "leader") return false;
    const follows = voters.filter((other) => raftOf(other)?.leader === id && raftOf(other)!.term === raft.term);
    return follows.length * 2 > voters.length;
  });
  return isLed ? "steady" : "electing";
}

function isEverywhere(what: CoverageMark): boolean {
  return (everywhere as readonly string[]).includes(what);
}

const allStruck: readonly CoverageMark[] = [
  ...faultFamilies.filter(isMarked),
  ...targetedActions.map((action): CoverageMark => `targeted ${action}`),
];

/** Of faults: (what, phase, role), or (what, phase). */
const faultMarks: readonly string[] = allStruck.flatMap((what) =>
  phases.flatMap((phase) =>
    isEverywhere(what)
      ? [`${what} | ${phase}`]
      : // There are no learners of a cluster that is not founded.
        roles
          .filter((role) => phase !== "founding" || role !== "learner")
          .map((role) => `${what} | ${phase} | ${role}`),
  ),
);

/** Every mark that there is. */
export const allMarks: readonly string[] = [...faultMarks, ...loopMarks];

function roleOf(raft: Raft | null, { voters, outgoing }: Configuration, id: NodeId): MarkedRole {
  if (raft === null) return "away";
  if (raft.role === "leader") return "leader";
  if (!voters.includes(id) && !outgoing.includes(id)) return "learner";
  return raft.role === "follower" ? "follower" : "candidate";
}

/** The marks of one run. They are only counted: no draw depends on them. */
export class Marks {
  readonly reached = new Set<string>();

  /** `raft`: of the struck node, null where it takes no part; `configuration`: the committed one. */
  struck(what: CoverageMark, phase: Phase, raft: Raft | null, configuration: Configuration, id: NodeId): void {
    this.reached.add(
      isEverywhere(what) ? `${what} | ${phase}` : `${what} | ${phase} | ${roleOf(raft, configuration, id)}`,
    );
  }
}

/** Takes note of what has struck whom. */
export interface CoverageSink {
  /** A fault strikes node `id`; 0 where it strikes nobody alone. */
  struck(what: CoverageMark, id: NodeId): void;
  /** The process of `host` has been told to stop. */
  stopping(host: Host): void;
  /** Every founder has taken part once. */
  readonly everyoneHasRun: boolean;
}
