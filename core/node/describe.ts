import type { Configuration, Member } from "../protocol/configuration.ts";
import { memberOf } from "../raft/membership.ts";
import type { Micros, NodeId } from "../units.ts";
import { type Phase, type Readiness, readinessOf } from "./readiness.ts";
import type { Replica } from "./replica.ts";
import type { MemberStatus, Status } from "./status.ts";
import type { NodeView } from "./view.ts";

/** What the node says of itself, in any phase: what it does not know yet is empty or 0. Changes nothing. */
export function describeNode(now: Micros, view: NodeView): Status {
  const { options, store, opened, identity, entry, replica } = view;
  const bootstrap = entry?.bootstrap ?? null;
  const raft = replica?.raft.status() ?? null;
  const snapshot = opened?.snapshots.latest ?? null;
  return {
    id: options.id,
    incarnation: identity?.incarnation ?? 0,
    boot: identity?.boot ?? 0,
    storeId: identity?.storeId ?? "",
    cluster: replica?.genesis.cluster ?? "",
    engine: options.engine,
    readiness: describeReadiness(now, view),
    role:
      raft?.role ??
      (identity === null
        ? "opening"
        : bootstrap !== null
          ? "founding"
          : identity.lost === null
            ? "joining"
            : "recovering"),
    term: raft?.term ?? 0,
    leader: raft?.leader ?? 0,
    leaderUrl: replica === null ? "" : (memberOf(replica.raft.configuration, replica.raft.leader)?.url ?? ""),
    commitIndex: raft?.commit ?? 0,
    appliedIndex: store.applied.index,
    lastIndex: raft?.lastIndex ?? 0,
    durableIndex: raft?.durableIndex ?? 0,
    members:
      replica === null ? [] : replica.raft.configuration.members.map((member) => describeMember(member, replica)),
    waitingFor: replica === null ? (bootstrap?.missing() ?? []) : [],
    waitingRequests: replica?.requests.count ?? 0,
    stateHash: store.hash.toString(),
    rows: store.rowCount,
    sessions: store.sessions.count,
    storage: {
      firstIndex: raft?.firstIndex ?? 0,
      walSegments: replica?.wal.segmentCount ?? 0,
      snapshotIndex: snapshot?.index ?? 0,
      snapshotBytes: snapshot?.sizeBytes ?? 0,
    },
  };
}

/** The node's phase decides alone while it does not run; after that its facts do. Changes nothing. */
export function describeReadiness(now: Micros, view: NodeView): Readiness {
  const { replica } = view;
  const phase = view.ending ?? phaseOf(view);
  return readinessOf(phase, phase === "running" && replica !== null ? replica.readinessFacts(now) : null);
}

function phaseOf({ identity, entry, replica }: NodeView): Phase {
  if (replica !== null) return "running";
  if (identity === null) return "opening";
  if (identity.lost !== null) return "recovering";
  return (entry?.bootstrap ?? null) === null ? "joining" : "bootstrapping";
}

/** How a member votes now: a joint configuration needs both the incoming and the outgoing voters. */
function memberRole({ voters, outgoing }: Configuration, id: NodeId): MemberStatus["role"] {
  const [isIncoming, isOutgoing] = [voters.includes(id), outgoing.includes(id)];
  if (!isIncoming) return isOutgoing ? "leaving" : "learner";
  return outgoing.length === 0 || isOutgoing ? "voter" : "joining";
}

function describeMember({ id, incarnation, url, storeId }: Member, { raft }: Replica): MemberStatus {
  const role = memberRole(raft.configuration, id);
  const own = raft.role === "leader" && raft.leader === id ? raft.log.durableIndex : null;
  const matchIndex = raft.progressOf(id)?.match ?? own;
  const lagEntries = matchIndex === null ? null : raft.log.lastIndex - matchIndex;
  return { id, incarnation, url, role, bound: storeId !== "", matchIndex, lagEntries };
}
