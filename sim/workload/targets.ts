/** Which nodes clients ask. */
import type { Configuration } from "../../core/protocol/configuration.ts";
import type { NodeId } from "../../core/units.ts";
import type { Host } from "../world/host.ts";

/** What is known of the cluster when a client chooses whom to ask. */
type KnownCluster = {
  /** The healed core of the liveness phase; empty before. */
  readonly core: readonly NodeId[];
  readonly hosts: readonly Host[];
  readonly committedConfiguration: Configuration;
};

/** Ids in a fixed order, never none: a client draws one by its place. */
export function targetsOf({ core, hosts, committedConfiguration }: KnownCluster): readonly NodeId[] {
  // Of a core, only its members: a node that still joins answers no client.
  const coreMembers = core.filter((id) => committedConfiguration.members.some((member) => member.id === id));
  // A member that has not found the cluster yet does not answer either.
  const found = coreMembers.filter((id) => hosts[id - 1]!.node?.replica != null);
  const known = found.length > 0 ? found : coreMembers;
  const ids = known.length > 0 ? known : hosts.map(({ id }) => id);
  const up = ids.filter((id) => hosts[id - 1]!.state.kind !== "unused" && !hosts[id - 1]!.retired);
  return up.length > 0 ? up : [1];
}
