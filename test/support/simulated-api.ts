/** The HTTP API over a simulated cluster. */
import type { Node } from "../../core/node/node.ts";
import type { NodeId } from "../../core/units.ts";
import { createApi } from "../../server/api/api.ts";
import type { Plan } from "../../sim/plan/plan.ts";
import { changeRequest } from "../../sim/change-request.ts";
import { SimulatedCluster } from "./simulated-cluster.ts";

export const apiOptions = { valueBytesMax: 100, version: "test" };

/** One request to the API of a member; simulated time passes until it is answered. */
export type Call = (
  id: number,
  method: string,
  path: string,
  body?: string,
  headers?: Record<string, string>,
) => Promise<Response>;

/** The node, whose changes the simulator hears of: it holds their answers against what is committed. */
function announced(simulated: SimulatedCluster, id: NodeId): Node {
  const node = simulated.node(id);
  const change: Node["change"] = (wanted, done) =>
    changeRequest(simulated.simulator.bus, id, { ...wanted }, done).run(node);
  return new Proxy(node, {
    get: (target, name) => {
      if (name === "change") return change;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

export function clusterApi(nodes: number, changes: Partial<Plan> = {}): { cluster: SimulatedCluster; call: Call } {
  const simulated = new SimulatedCluster(nodes, changes);
  const call: Call = (id, method, path, body, headers = {}) => {
    const api = createApi(announced(simulated, id), apiOptions);
    const init = body === undefined ? { method, headers } : { method, body, headers };
    return simulated.settle(Promise.resolve(api.request(path, init)));
  };
  return { cluster: simulated, call };
}
