/** What a node is given where its host has no other reason. */
import { nodeLimits } from "../limits.ts";
import type { NodeOptions } from "./options.ts";

/** All but what only the host can know: who the node is, and where. */
export const nodeDefaults: Omit<NodeOptions, "id" | "cluster" | "peerUrl" | "join" | "directory" | "engine"> =
  nodeLimits;
