/** Why a node may end itself. Within the model only a disk that failed, or a committed configuration that is without it. */
import type { Ending } from "../../core/node/options.ts";
import type { Configuration } from "../../core/protocol/configuration.ts";
import { removedMustBeNoMember } from "../laws/membership.ts";
import { exitMustBeExplained } from "../laws/storage.ts";
import type { Host } from "../world/host.ts";

/** removed: for good. shut-out: another machine has its place. lost: nobody can give back what is gone. newer: the program is too old. restart: others know a later start of this directory. */
export type ExitKind = "disk" | "removed" | "shut-out" | "lost" | "newer" | "restart";

/** Whether more was lost than could be spared, or a disk has lied: of the machine itself, and of any. */
export type BeyondModel = { readonly own: boolean; readonly any: boolean };

/** What kind of exit it is; I14 and I15 say which are explained. */
export function checkExit(
  host: Host,
  ending: Ending,
  committed: Configuration | null,
  beyondModel: BeyondModel,
): ExitKind {
  const kind = kindOf(host, ending, beyondModel);
  exitMustBeExplained(host.id, ending.reason, kind);
  const incarnation = host.node?.incarnation ?? 0;
  const isMember = committed?.members.some((member) => member.id === host.id && member.incarnation === incarnation);
  if (kind === "removed") removedMustBeNoMember(host.id, isMember === true);
  return kind;
}

function kindOf({ directory, wiped }: Host, { code }: Ending, { own, any }: BeyondModel): ExitKind | null {
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
      // A join request of a machine that was wiped since may have come late, and have been taken for the new one's.
      if (wiped) return "shut-out";
      return any ? "lost" : null;
    case "newer-format":
      if (directory.isOfNewerFormat) return "newer";
      return own ? "lost" : null;
    case "unrecoverable":
      return directory.mustRecover || own ? "lost" : null;
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
