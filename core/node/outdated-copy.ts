/**
 * A directory that was put back from an older copy. What it has acknowledged and voted since is gone, as with a damaged
 * log, and is had back in the same way: the directory is marked, and at its next start it sets its log aside, takes a new
 * store id and asks the others to rebind it.
 */
import type { DiskError, Random } from "../ports.ts";
import type { Configuration } from "../protocol/configuration.ts";
import { isNeededVoter } from "../raft/membership.ts";
import { withLostLog } from "../storage/identity.ts";
import type { IdentityFile } from "../storage/identity-file.ts";
import { putBackCopy } from "../storage/remedies.ts";
import type { Ending } from "./options.ts";

/** Marks the directory durably; `done` gets how the node is to end. Where too few could give the log back, nothing changes. */
export function markLost(
  identityFile: IdentityFile,
  random: Random,
  directory: string,
  configuration: Configuration,
  done: (error: DiskError | null, ending: Ending) => void,
): void {
  const what = "this directory was put back from an older copy: the others know a later state of it";
  if (isNeededVoter(configuration, identityFile.current.node)) {
    const why = "the other voters are no majority without this node";
    const reason = `${what}; ${why}: ${putBackCopy(directory)} that is newer`;
    return done(null, { code: "outdated-copy", reason });
  }
  identityFile.update(
    (identity) => withLostLog(identity, random),
    (error) => {
      done(error, { code: "restart", reason: `${what}; its log is set aside, and the others are asked to rebind it` });
    },
  );
}
