/**
 * Members that are not in the list that everybody is started with, and have moved: two of them at once find neither each
 * other nor the way to be found. Their operator then says where they are, as the documentation asks.
 */
import type { NodeId } from "../../core/units.ts";
import { salts } from "../draws.ts";
import type { Simulator } from "../simulator.ts";
import { hostEvents, type Request } from "../world/host.ts";

/**
 * Tells the leader where the members of the core are; where there is none, starts those again that are not in the
 * founders' list, with a list that has a place for each member. The others learn of them where they dial. False: there is nothing to tell.
 */
export function sayWhereMembersAre(simulator: Simulator): boolean {
  const { core, hosts, plan, network, committedConfiguration, nemesis } = simulator;
  if (plan.faults.moved === 0) return false;
  const unlisted = committedConfiguration.members.filter(({ id }) => id > plan.nodes && core.includes(id));
  const leader = core.find((id) => simulator.raftOf(id)?.role === "leader");
  if (leader === undefined) {
    const { members } = committedConfiguration;
    for (const { id } of unlisted) {
      hosts[id - 1]!.list.nameFirst(Math.max(...members.map((member) => member.id)));
      hosts[id - 1]!.stop(false);
      nemesis.startHost(hosts[id - 1]!);
    }
    return unlisted.length > 0;
  }
  const moved = unlisted.filter(({ id, url }) => url !== network.addresses.urlOf(id));
  for (const { id } of moved) tellLeader(simulator, leader, id, network.addresses.urlOf(id));
  return moved.length > 0;
}

function tellLeader({ scheduler, draws, hosts }: Simulator, leader: NodeId, id: NodeId, url: string): void {
  const request: Request = {
    run: (node) => node.change({ kind: "move", id, url }, () => undefined),
    refused: () => undefined,
  };
  scheduler.at(
    scheduler.now + 1,
    draws.u32("tie", id, salts.tie.movedMember),
    hosts[leader - 1]!,
    hostEvents.request,
    request,
  );
}
