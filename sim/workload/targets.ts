/** Which nodes clients ask. */
import type { NodeId } from "../../core/units.ts";
import type { Simulator } from "../simulator.ts";

export function targetsOf({ core, hosts, committedConfiguration }: Simulator): readonly NodeId[] {
  // Of a core, only its members: one that still joins answers nobody.
  const coreMembers = core.filter((id) => committedConfiguration.members.some((member) => member.id === id));
  // Nor one that has not found the cluster yet.
  const found = coreMembers.filter((id) => hosts[id - 1]!.node?.replica != null);
  const known = found.length > 0 ? found : coreMembers;
  const ids = known.length > 0 ? known : hosts.map(({ id }) => id);
  const up = ids.filter((id) => hosts[id - 1]!.state.kind !== "unused" && !hosts[id - 1]!.retired);
  return up.length > 0 ? up : [1];
}
