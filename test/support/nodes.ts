import { resolve } from "node:path";

/** The major versions that are tested besides the one at hand, which is 20 wherever all is well. */
export const otherNodes = ["22", "24"] as const;

/** Where `npm run test-nodes` puts the version; it may not be there. */
export function nodeBinary(version: string): string {
  return resolve("node_modules/.cache/metastore-nodes", version, "node_modules/node/bin/node");
}
