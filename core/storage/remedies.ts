/** What an operator can do, as the last clause of a line. Each works when it is followed to the letter, in this order. */
import type { NodeId } from "../units.ts";

/** A node as the operator has started it; `directory` names its directories. */
type Started = { readonly id: NodeId; readonly directory: string; readonly cluster: readonly string[] };

const nameOthers = "if there are other members, name them in --cluster";

/** For a directory that holds what the others can give back, if it is the right one. */
export function putBackCopy(directory: string): string {
  return `put back a copy of ${directory}`;
}

/** For rows that are damaged beside a log that is whole. A node that nobody can help says so at its next start. */
export function beginRowsAgain(directory: string): string {
  return `move every file (but not the directories wal and snap) out of ${directory} and start this node again: log and other voters give the rows back; where there is no other voter, ${putBackCopy(directory)}`;
}

/** For a directory that holds what nobody else can give back: no majority is left without it. */
export function lastResort(directory: string): string {
  return `${putBackCopy(directory)}; without one only an empty store can be begun, with another --data-dir for every node`;
}

/** For a directory that others may give back what it held: they must run for that, and one of them must lead. */
export function whileNobodyLeads(directory: string): string {
  return `start every other member; only where all run and none of them comes to lead, ${lastResort(directory)}`;
}

/** As `lastResort`, where only the command line says that there are no other members. */
export function lastResortAlone(directory: string): string {
  return `${lastResort(directory)}; ${nameOthers}`;
}

/**
 * For a node whose directory is of no use. Only the command line says who the others are: a member is removed by a
 * majority without it, which neither one node nor two have.
 */
export function startAfresh({ id, directory, cluster }: Started): string {
  const others = cluster.filter((_, k) => k + 1 !== id).length;
  if (others === 0) return lastResortAlone(directory);
  if (others === 1 && id <= cluster.length) {
    return `node ${3 - id} is no majority without this one: ${lastResortAlone(directory)}`;
  }
  return `${putBackCopy(directory)}, or, where the other voters are a majority without it, delete ${directory}, ${addedAgain(id)}`;
}

/**
 * For a directory whose node was removed. It may be a copy from before the node was rebound: then the node is still a
 * member, and may be running elsewhere.
 */
export function startAfreshRemoved(id: NodeId, directory: string): string {
  return `unless it runs from another directory now, delete ${directory}, ${addedAgain(id)}`;
}

/** For a directory that has never taken part: it need not be deleted. */
export function addedAgain(id: NodeId): string {
  return `remove ${id}, then add it again (DELETE /${id}, then POST /${id} with its peer URL, at a member), and start it with --join`;
}

/** For a node whose id another running node has. */
export const otherId =
  "give this node an id that GET /v1/members does not name, add it (POST /{id} with its peer URL, at a member), and start it with --join";
