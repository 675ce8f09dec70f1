/** What an operator can do, as the last clause of a line. Each works when it is followed to the letter, in this order. */
import type { NodeId } from "../units.ts";

/** For a directory that holds what the others cannot give back. */
export function putBackCopy(directory: string): string {
  return `put back a copy of ${directory}`;
}

/** For a node whose directory is of no use, while the others go on. */
export function startAfresh(id: NodeId, directory: string): string {
  return `${putBackCopy(directory)}, or delete ${directory}, remove ${id}, then add it again ${requests(id)}, and start it with --join`;
}

/** For the directory of a removed node. */
export function startAfreshRemoved(id: NodeId, directory: string): string {
  return `to start afresh, delete ${directory}, add it again (POST /${id} with its peer URL, at a member), and start it with --join`;
}

/** For a directory that has never taken part: it need not be deleted. */
export function addedAgain(id: NodeId): string {
  return `remove ${id}, then add it again ${requests(id)}, and start it with --join`;
}

/** For a node that uses the id of another one that runs. */
export const otherId =
  "give this node an id that GET /v1/members does not name, add it (POST /{id} with its peer URL, at a member), and start it with --join";

function requests(id: NodeId): string {
  return `(DELETE /${id}, then POST /${id} with its peer URL, at a member)`;
}
