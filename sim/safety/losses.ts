/** The atlas of tier a: what a machine may lose so that the cluster stays correct and comes back to life. */
import type { NodeId } from "../../core/units.ts";
import type { Ghost } from "./ghost.ts";

/** Whether every other voter holds what only the rows of `id` hold there, and its own rows. */
export function canSpareRows(ghost: Ghost, id: NodeId): boolean {
  const { voters, outgoing } = ghost.committedConfiguration();
  const { base } = ghost.node(id).durable;
  const others = [...voters, ...outgoing].filter((voter) => voter !== id);
  // Rows of an earlier life of the directory would come back.
  if (ghost.node(id).life > 0) return false;
  return (
    // Fewer could be no voters any more before the rows are back.
    others.length > 1 &&
    others.every((voter) => ghost.holds(voter, base) && ghost.node(voter).covered >= ghost.node(voter).durable.base)
  );
}

/** Whether a quorum can be had without `id`, and every other voter holds all that is committed. */
export function canSpareLog(ghost: Ghost, id: NodeId): boolean {
  const { voters, outgoing } = ghost.committedConfiguration();
  const others = voters.filter((voter) => voter !== id);
  const isSpare = (half: readonly NodeId[]): boolean => !half.includes(id) || half.length > 2;
  const inForce = ghost.nodes.map((node) => ghost.configurationOf(node.written));
  return (
    inForce.every((one) => isSpare(one.voters) && isSpare(one.outgoing)) &&
    outgoing.length === 0 &&
    others.length > 1 &&
    others.every((voter) => ghost.holds(voter, ghost.committed.last))
  );
}
