/** How a leader that should not lead any more comes to hand over. */
import type { Raft } from "../raft/raft.ts";
import type { Micros, NodeId } from "../units.ts";

/** Begins it, if this node leads and there is a voter that answers and is not `unfit`. */
export function handOver(
  now: Micros,
  raft: Raft,
  electionMicros: Micros,
  unfit: (id: NodeId) => boolean = () => false,
): void {
  // A voter that does not answer would be waited for in vain, again and again.
  const since = now - electionMicros;
  const to = raft.successor((id) => unfit(id) || !raft.isFit(id, since));
  if (to !== 0 && raft.transferee === 0) raft.transfer(now, to);
}
