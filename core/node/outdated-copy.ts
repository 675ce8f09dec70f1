/**
 * A directory that was put back from an older copy. What it has acknowledged and voted since is gone, as with a damaged
 * log, and is had back in the same way: the directory is marked, and at its next start it sets its log aside, takes a new
 * store id and asks the others to rebind it.
 *
 * It is told so before anybody takes it for a member. A node that was one in this start knows better: its directory was
 * the right one, and somebody has started a copy of it since. It ends, and its data stay.
 */
import type { DiskError, Random } from "../ports.ts";
import type { Configuration } from "../protocol/configuration.ts";
import { isNeededVoter } from "../raft/membership.ts";
import { type Identity, withLostLog } from "../storage/identity.ts";
import type { IdentityFile } from "../storage/identity-file.ts";
import { putBackCopy } from "../storage/remedies.ts";
import type { NodeId } from "../units.ts";
import type { Ending, NodeOptions } from "./options.ts";

const whys = {
  "outdated-copy": "the others know a later state of it",
  "lost-entries": "it lacks what it has acknowledged to the leader",
} as const;

/** How a node ends that was a member in this start, and whose place `by` has given to another start since. */
export function replacedEnding(by: NodeId, { id, directory }: Pick<NodeOptions, "id" | "directory">): Ending {
  const what = `node ${by} takes a later start of ${directory}, or of a copy of it, for node ${id}`;
  const advice = "stop the copy and start this node again; if this is the copy, leave it stopped";
  return { code: "outdated-copy", reason: `${what}; nothing was changed here: ${advice}` };
}

/**
 * A start that has taken no part does not count: else a copy, started again and again, would count more starts than the
 * others know of, and pass for a later one.
 */
function uncounted(identity: Identity): Identity {
  return { ...identity, boot: identity.boot - 1 };
}

/** A directory of which another member says that it is an older copy, and the configuration that it knows itself. */
type OutdatedCopy = {
  readonly verdict: keyof typeof whys;
  readonly identityFile: IdentityFile;
  readonly random: Random;
  readonly directory: string;
  readonly configuration: Configuration;
};

/**
 * Marks the directory durably; `done` gets how the node is to end. Where too few could give the log back, the log stays.
 *
 * `configuration` is the copy's own, and may be older than the cluster's. Where it alone says that the node is needed, the
 * operator is told to put back a newer copy: that helps, and nothing is lost. Where the cluster's alone does, the log is set
 * aside in vain: the members answer that they are too few, and the next start ends with the same advice. What was set aside
 * lacked what the node has acknowledged, and could not have been started either; it is kept.
 */
export function markLost(
  { verdict, identityFile, random, directory, configuration }: OutdatedCopy,
  done: (error: DiskError | null, ending: Ending) => void,
): void {
  const what = `this directory was put back from an older copy: ${whys[verdict]}`;
  if (isNeededVoter(configuration, identityFile.current.node)) {
    const why = "the other voters are no majority without this node";
    const reason = `${what}; ${why}: ${putBackCopy(directory)} that is newer`;
    return identityFile.update(uncounted, (error) => done(error, { code: "outdated-copy", reason }));
  }
  identityFile.update(
    (identity) => withLostLog(identity, random),
    (error) => {
      done(error, { code: "restart", reason: `${what}; its log is set aside, and the others are asked to rebind it` });
    },
  );
}
