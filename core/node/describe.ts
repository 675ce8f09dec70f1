import type { Identity } from "../storage/identity.ts";
import type { StateStore } from "../storage/state-store.ts";
import type { Founding } from "./founding.ts";
import type { Running } from "./node.ts";
import type { NodeOptions } from "./options.ts";
import type { MemberStatus, Status } from "./status.ts";

/** The node's status, from whatever of it exists yet. */
export function describeNode(
  options: NodeOptions,
  identity: Identity | null,
  founding: Founding | null,
  running: Running | null,
  store: StateStore,
): Status {
  const raft = running?.raft ?? null;
  return {
    id: options.id,
    incarnation: 0,
    boot: identity?.boot ?? 0,
    storeId: identity?.storeId ?? "",
    cluster: running?.genesis.cluster ?? "",
    role: raft?.role ?? (founding === null ? "opening" : "founding"),
    term: raft?.term ?? 0,
    leader: raft?.leader ?? 0,
    commitIndex: raft?.commit ?? 0,
    appliedIndex: store.appliedIndex,
    lastIndex: raft?.log.lastIndex ?? 0,
    durableIndex: raft?.log.durableIndex ?? 0,
    members:
      running === null ? [] : running.raft.configuration.members.map((member) => describeMember(member, running)),
    waitingFor: running === null ? (founding?.missing() ?? []) : [],
    waitingRequests: running === null ? 0 : running.writes.count + running.reads.count,
    stateHash: store.hash.toString(),
    rows: store.rowCount,
  };
}

function describeMember(
  { id, incarnation, url }: { id: number; incarnation: number; url: string },
  { raft }: Running,
): MemberStatus {
  const role = raft.configuration.learners.includes(id) ? "learner" : "voter";
  const own = raft.leadership !== null && raft.leader === id ? raft.log.durableIndex : null;
  const matchIndex = raft.leadership?.progress.get(id)?.match ?? own;
  const lagEntries = matchIndex === null ? null : raft.log.lastIndex - matchIndex;
  return { id, incarnation, url, role, matchIndex, lagEntries };
}
