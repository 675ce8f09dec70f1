/**
 * Members that are not in the list that everybody is started with, and have moved: two of them at once find neither each
 * other nor the way to be found. Their operator then says where they are, as the documentation asks.
 */
import type { Simulator } from "../simulator.ts";
import { hostEvents, type Request } from "../world/host.ts";

/** Tells the leader where the members of the core are; false: it knows, or there is none. */
export function sayWhereMembersAre(simulator: Simulator): boolean {
  const { core, hosts, plan, network, committedConfiguration, scheduler, draws } = simulator;
  const leader = core.find((id) => simulator.raftOf(id)?.role === "leader");
  if (leader === undefined) return false;
  const moved = committedConfiguration.members.filter(({ id, url }) => {
    return id > plan.nodes && core.includes(id) && url !== network.addresses.urlOf(id);
  });
  for (const { id } of moved) {
    const url = network.addresses.urlOf(id);
    const request: Request = {
      run: (node) => node.change({ kind: "move", id, url }, () => undefined),
      refused: () => undefined,
    };
    scheduler.at(scheduler.now + 1, draws.u32("tie", id, 58), hosts[leader - 1]!, hostEvents.request, request);
  }
  return moved.length > 0;
}
