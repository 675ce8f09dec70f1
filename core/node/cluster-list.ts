/**
 * What a `--cluster` list means beside a directory that belongs to a cluster already. The members are in the log; the list
 * changes none of them, and only says where they can be asked now. So the question is whether the operator means this
 * cluster, or founds another one by mistake: then this node would lead, or follow, the old one without a word, while the
 * others of the list wait for it for ever.
 *
 * - It names only members, perhaps not all: it is of this cluster, and enough to find the others.
 * - It is as long as the founding list, or as there are members now, or has a place for each of their ids: their addresses
 *   may all have changed. A warning. But a node that is the only voter needs nobody to be found: it leads, and is told.
 * - It is longer, and names a member: the cluster may have grown while this node was down. A warning says how a member is
 *   added. But where this node is the only voter nobody can have been added without its log: refused.
 * - It has another length and names no member at all: refused.
 *
 * The list is not checked where the node is started with `--join` (it founds nothing), or has lost its log.
 */
import { decodeConfiguration } from "../protocol/configuration-codec.ts";
import type { CompactionPoint, Configuration, Member } from "../protocol/configuration.ts";
import { entryPayload } from "../protocol/entry-codec.ts";
import { entryKinds } from "../protocol/entry.ts";
import { isOnlyVoter } from "../raft/membership.ts";
import type { Identity } from "../storage/identity.ts";
import type { WalLog } from "../storage/wal-recovery.ts";
import { foundersConfiguration } from "./bootstrap.ts";

/** "refused": the node does not start. "warning": it starts, and says so. `reason`: one line for the operator. */
export type ClusterListProblem = { readonly kind: "refused" | "warning"; readonly reason: string };

/** Of a directory as it was opened, and the list that the operator gives at this start. */
export function clusterListProblem(
  {
    identity,
    log,
    snapshot,
  }: { readonly identity: Identity; readonly log: WalLog; readonly snapshot: CompactionPoint | null },
  { cluster, join }: { readonly cluster: readonly string[]; readonly join: boolean },
): ClusterListProblem | null {
  const { founders, genesis, lost, node } = identity;
  if (join || lost !== null || founders.length === 0 || founders.join() === cluster.join()) return null;
  if (genesis === null) return beforeBootstrap(founders, cluster);
  const members = latestConfiguration(log, snapshot) ?? foundersConfiguration(founders, genesis);
  return listProblem(node, founders, members, cluster);
}

/** The rule itself, for a directory that belongs to a cluster with the configuration `latest` in its log. */
export function listProblem(
  self: number,
  founders: readonly string[],
  latest: Configuration,
  list: readonly string[],
): ClusterListProblem | null {
  const { members } = latest;
  const known = new Set([...founders, ...members.map(({ url }) => url)]);
  // A member that was added has its own URL in the list, where the log may not name it yet.
  const unknown = list.filter((url, k) => !known.has(url) && k + 1 !== self);
  const namesMember = list.some((url) => known.has(url));
  if (unknown.length === 0 && namesMember) return null;
  const names = members.map(({ id, url }) => `${id} at ${url}`).join(", ");
  const there = `this directory belongs to a cluster of ${members.length} (${names})`;
  const mayBeAllMoved = list.length === placesOf(members) && !isOnlyVoter(latest, self);
  if (list.length === founders.length || list.length === members.length || mayBeAllMoved) {
    return {
      kind: "warning",
      reason: `${there}; --cluster names other addresses: members that do not answer at their own are asked there`,
    };
  }
  const isOther = !namesMember || (isOnlyVoter(latest, self) && list.length > members.length);
  if (!isOther) {
    const advice = "a list adds no member, POST /{id} with its peer URL does";
    return { kind: "warning", reason: `${there}, --cluster names ${list.length}: ${advice}` };
  }
  return { kind: "refused", reason: `${there}, --cluster names ${list.length}: ${adviceOnOther(self, latest, list)}` };
}

/** How long a list must be that has a place for each member: the place is the id. */
function placesOf(members: readonly Member[]): number {
  return Math.max(...members.map(({ id }) => id));
}

/** What an operator may have meant by a list that is refused, and how to come to it. */
function adviceOnOther(self: number, latest: Configuration, list: readonly string[]): string {
  const { members } = latest;
  const own = members.find(({ id }) => id === self)?.url;
  const isGapless = placesOf(members) === members.length;
  const urls = members.toSorted((a, b) => a.id - b.id).map(({ url }) => url);
  const peerUrl = isGapless || own === undefined ? "" : ` --peer-url ${own}`;
  const ways = [`for this cluster give its own list, --cluster ${urls.join(",")}${peerUrl}`];
  if (members.length > 1 && (isGapless || !isOnlyVoter(latest, self))) {
    const others = isGapless ? "" : ", and any other URL at the other places";
    ways.push(`where its addresses have changed, give ${placesOf(members)}, that of member k at place k${others}`);
  }
  if (list.length > members.length) ways.push("members are added with POST /{id} and a peer URL, while it runs");
  ways.push("for another cluster give another --data-dir");
  return ways.join("; ");
}

/** No cluster is founded yet, so nothing is stored: the founders have to agree on one list. */
function beforeBootstrap(founders: readonly string[], list: readonly string[]): ClusterListProblem {
  const reason = `this directory waits to found a cluster of ${founders.join(",")}, and --cluster names ${list.join(",")}; it holds no data: to found the other cluster, empty it`;
  return { kind: list.length === founders.length ? "warning" : "refused", reason };
}

/** The newest configuration of what a directory holds; null where it holds none but the founders'. */
export function latestConfiguration({ base, entries }: WalLog, snapshot: CompactionPoint | null): Configuration | null {
  const entry = entries.findLast(({ kind }) => kind === entryKinds.configuration);
  if (entry !== undefined) return decodeConfiguration(entryPayload(entry));
  const bases = [base, snapshot].filter((one) => one !== null);
  return bases.toSorted((a, b) => b.place.index - a.place.index)[0]?.configuration.configuration ?? null;
}
