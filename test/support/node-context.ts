/** The context of a node for a test of one of its parts. */
import { nodeDefaults } from "../../core/node/defaults.ts";
import type { NodeContext } from "../../core/node/context.ts";
import type { NodeOptions } from "../../core/node/options.ts";
import type { Network } from "../../core/ports.ts";
import type { Identity } from "../../core/storage/identity.ts";
import type { NodeId } from "../../core/units.ts";

const allConnected: Network = {
  send: () => true,
  connected: () => true,
  setPeers: () => undefined,
  restart: () => undefined,
  redial: () => undefined,
};

export type Given = Partial<Omit<NodeContext, "identity" | "options">> & {
  readonly identity?: Partial<Identity>;
  readonly options?: Partial<NodeOptions>;
};

/** Founder `node` of a cluster at its first start. Everybody is connected; what is not `given` and no default either is absent. */
export function contextOf(node: NodeId, given: Given = {}): NodeContext {
  const identity = { node, incarnation: 0, boot: 1, founders: [], storeId: "a".repeat(32), ...given.identity };
  const options = { ...nodeDefaults, id: node, directory: `metaStore-${node}`, ...given.options };
  const calls = { schedule: () => undefined, send: () => true, network: allConnected };
  const trace = { fact: () => undefined, note: () => undefined };
  return { trace, ...calls, ...given, identity, options } as unknown as NodeContext;
}
