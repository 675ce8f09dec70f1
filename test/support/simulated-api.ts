/** The HTTP API over a simulated cluster. */
import { createApi } from "../../server/api/api.ts";
import type { Plan } from "../../sim/plan/plan.ts";
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

export function clusterApi(nodes: number, changes: Partial<Plan> = {}): { cluster: SimulatedCluster; call: Call } {
  const simulated = new SimulatedCluster(nodes, changes);
  const call: Call = (id, method, path, body, headers = {}) => {
    const api = createApi(simulated.node(id), apiOptions);
    const init = body === undefined ? { method, headers } : { method, body, headers };
    return simulated.settle(Promise.resolve(api.request(path, init)));
  };
  return { cluster: simulated, call };
}
