/** Why a node may end itself. Within the model only a disk that failed, or a committed configuration that is without it. */
import type { Ending } from "../../core/node/options.ts";
import type { Configuration } from "../../core/protocol/configuration.ts";
import { isNeededVoter } from "../../core/raft/membership.ts";
import { removedMustBeNoMember } from "../laws/membership.ts";
import { exitMustBeExplained } from "../laws/storage.ts";
import type { Host } from "../world/host.ts";

/** removed: for good. shut-out: another machine has its place. lost: nobody can give back what is gone. newer: the program is too old. restart: others know a later start of this directory. */
export type ExitKind = "disk" | "removed" | "shut-out" | "lost" | "newer" | "restart";

/** Whether more was lost than could be spared, or a disk has lied: of the machine itself, and of any. */
export type BeyondModel = { readonly own: boolean; readonly any: boolean };

/**
 * What kind of exit it is; I14 and I15 say which are explained. `hasJoinedLate`: a join request of the machine from before it
 * was wiped has come since.
 */
export function checkExit(
  host: Host,
  ending: Ending,
  committed: Configuration | null,
  hasJoinedLate: boolean,
  beyondModel: BeyondModel,
): ExitKind {
  const kind = kindOf(host, ending, committed, hasJoinedLate, beyondModel);
  exitMustBeExplained(host.id, ending.reason, kind);
  const incarnation = host.node?.incarnation ?? 0;
  const isMember = committed?.members.some((member) => member.id === host.id && member.incarnation === incarnation);
  if (kind === "removed") removedMustBeNoMember(host.id, isMember === true);
  return kind;
}

function kindOf(
  { id, directory }: Host,
  { code }: Ending,
  committed: Configuration | null,
  hasJoinedLate: boolean,
  { own, any }: BeyondModel,
): ExitKind | null {
  const isCopy = directory.isAnyCopy;
  switch (code) {
    case "disk":
      return "disk";
    case "restart":
      return isCopy ? "restart" : null;
    case "removed":
    case "was-removed":
      return "removed";
    case "outdated-copy":
      // By the configuration in the copy the others could not give its log back.
      return isCopy || any ? "lost" : null;
    case "another-directory":
      // It was taken for the new machine's.
      if (hasJoinedLate) return "shut-out";
      return any ? "lost" : null;
    case "newer-format":
      if (directory.isOfNewerFormat) return "newer";
      return own ? "lost" : null;
    case "unrecoverable":
      // A node by itself may say so where it knows nobody else; that no majority is left without it must be true.
      return own || (directory.mustRecover && committed !== null && isNeededVoter(committed, id)) ? "lost" : null;
    case "damaged":
    case "id-in-use":
    case "not-ours":
      return own ? "lost" : null;
    case "unknown-entry":
    case "bug":
      return null;
    default:
      return code satisfies never;
  }
}
