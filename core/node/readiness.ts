/** Whether a node can serve a linearizable read now, or what is in the way: a pure function of what the node knows. */
import type { Index, NodeId } from "../units.ts";
import { lostInWords } from "./lost-peers.ts";

/** Where a node is in its life. `running`: it takes part; `stopping`: it takes no more requests. */
export type Phase = "opening" | "bootstrapping" | "joining" | "recovering" | "running" | "stopping" | "ended";

/** What a running node knows about the cluster and its own state. */
export type ReplicaFacts = {
  readonly leader: NodeId;
  /** There is no leader: voters that have lost their logs, without whom there is no majority. */
  readonly lostVoters: readonly NodeId[];
  readonly isLeader: boolean;
  /** Leader: it has committed an entry of its own term. */
  readonly hasCommittedInTerm: boolean;
  /** Leader: it has heard from a quorum within an election timeout. */
  readonly hasQuorum: boolean;
  /** Other members: they have heard from the leader within an election timeout. */
  readonly hearsLeader: boolean;
  /** Other members: there is a stream to the leader. */
  readonly reachesLeader: boolean;
  /** The log begins after the state. */
  readonly hasLostRows: boolean;
  /** A snapshot is on its way, or is being made the state. */
  readonly isInstalling: boolean;
  /** The state holds everything that was committed when this boot first heard from the term's leader. */
  readonly hasReplayed: boolean;
  readonly appliedIndex: Index;
  /** The leader's commit index, as it was last heard. */
  readonly leaderCommit: Index;
  /** Entries that a state may lag behind the leader's commit index, as it does under load. */
  readonly lagEntriesMax: number;
};

/** Stable: /readyz gives it as it is. */
export type NotReadyCode =
  | Exclude<Phase, "running">
  | "no-leader"
  | "no-quorum"
  | "leader-silent"
  | "leader-unreachable"
  | "rows-lost"
  | "installing"
  | "replaying"
  | "catching-up";

/** `detail`: one line for the operator, which may change. */
export type Readiness =
  | { readonly ready: true }
  | { readonly ready: false; readonly code: NotReadyCode; readonly detail: string };

const phaseDetails: Readonly<Record<Exclude<Phase, "running">, string>> = {
  opening: "The node is opening its directory.",
  bootstrapping: "The node waits until all founders of the cluster have seen each other.",
  joining: "The node waits until a member says that it was added.",
  recovering: "The node has lost its log and takes no part until the others have bound its directory again.",
  stopping: "The node is stopping and takes no more requests.",
  ended: "The node has ended.",
};

function notReady(code: NotReadyCode, detail: string): Readiness {
  return { ready: false, code, detail };
}

/** `facts` are null unless the phase is `running`. */
export function readinessOf(phase: Phase, facts: ReplicaFacts | null): Readiness {
  if (phase !== "running") return notReady(phase, phaseDetails[phase]);
  if (facts === null) return notReady("opening", phaseDetails.opening);
  return stateTrouble(facts) ?? leaderTrouble(facts) ?? { ready: true };
}

/** What is wrong with the node's own state, or null. */
function stateTrouble(facts: ReplicaFacts): Readiness | null {
  if (facts.hasLostRows) return notReady("rows-lost", "The node has lost its rows and waits for a snapshot.");
  if (facts.isInstalling) return notReady("installing", "The node is installing a snapshot.");
  return null;
}

/** What keeps a read index from being granted, or the state from reaching it; or null. */
function leaderTrouble(facts: ReplicaFacts): Readiness | null {
  const { leader, isLeader, appliedIndex, leaderCommit } = facts;
  if (leader === 0) {
    const { lostVoters } = facts;
    const why = lostVoters.length === 0 ? "" : `: ${lostInWords(lostVoters)}`;
    return notReady("no-leader", `The node knows no leader${why}.`);
  }
  if (isLeader && !facts.hasQuorum) return notReady("no-quorum", "The leader has not heard from a majority lately.");
  if (!isLeader && !facts.hearsLeader)
    return notReady("leader-silent", `Leader ${leader} has been silent for too long.`);
  if (!isLeader && !facts.reachesLeader) {
    return notReady("leader-unreachable", `There is no connection to leader ${leader}.`);
  }
  if (isLeader && !facts.hasCommittedInTerm) {
    return notReady("no-quorum", "The leader is new and has not committed anything yet.");
  }
  if (!facts.hasReplayed)
    return notReady("replaying", `The node is replaying its log; it is at entry ${appliedIndex}.`);
  if (appliedIndex + facts.lagEntriesMax >= leaderCommit) return null;
  return notReady("catching-up", `The node is at entry ${appliedIndex}, the leader at ${leaderCommit}.`);
}
