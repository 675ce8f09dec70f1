/** Why a node may end itself. Within the model only a disk that failed, or a committed configuration that is without it. */
import type { Ending } from "../../core/node/options.ts";
import type { Configuration } from "../../core/protocol/configuration.ts";
import { must } from "../violation.ts";
import type { Host } from "../world/host.ts";

/** removed: for good. shut-out: another machine has its place. lost: nobody can give back what is gone. newer: the program is too old. restart: others know a later start of this directory. */
export type ExitKind = "disk" | "removed" | "shut-out" | "lost" | "newer" | "restart";

/** Throws a Violation (I14, I15) where nothing explains it. `beyondModel`: more may have been lost than can be spared. */
export function checkExit(host: Host, ending: Ending, committed: Configuration | null, beyondModel: boolean): ExitKind {
  const kind = kindOf(host, ending, beyondModel);
  must(kind !== null, "I14", () => `n${host.id} exits: ${ending.reason}`);
  const incarnation = host.node?.status().incarnation ?? 0;
  const isMember = committed?.members.some((member) => member.id === host.id && member.incarnation === incarnation);
  must(kind !== "removed" || isMember !== true, "I15", () => `n${host.id} takes itself for removed`);
  return kind;
}

function kindOf(host: Host, { kind, reason }: Ending, beyondModel: boolean): ExitKind | null {
  if (kind === "disk") return "disk";
  const isCopy = host.directory.isOlderCopy || host.directory.isUnjudgedCopy;
  if (kind === "restart") return isCopy ? "restart" : null;
  // By the configuration in the copy the others could not give its log back.
  if (kind === "refused" && isCopy && reason.includes("put back from an older copy")) return "lost";
  if (kind === "removed" || reason.includes("was removed")) return "removed";
  // A knock of a machine that was wiped since may have come late, and have been taken for the new one's.
  if (host.wiped && reason.includes("another directory is bound")) return "shut-out";
  if (host.directory.ownIdentity !== null && reason.includes("newer than this program")) return "newer";
  const isLost = kind === "corrupt" && host.directory.mustRecover && reason.includes("put back a copy");
  return isLost || (beyondModel && (kind === "corrupt" || kind === "refused")) ? "lost" : null;
}
