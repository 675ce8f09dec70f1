/**
 * Changes of the configuration, as pure functions (Raft thesis, chapter 4). Adding, binding and moving a learner, and whether it is promoted, are one
 * step; whatever changes who votes is joint: enter it with both halves, leave it when it is committed.
 */
import type { Change, ChangeRefusal, Configuration, Member } from "../protocol/configuration.ts";
import type { Index, NodeId, StoreId } from "../units.ts";

/** Whether both halves decide: every quorum holds a majority of each (thesis 4.3). */
export function isJoint({ outgoing }: Configuration): boolean {
  return outgoing.length > 0;
}

/** The member with that id, learners included; undefined where it is none. */
export function memberOf({ members }: Configuration, id: NodeId): Member | undefined {
  return members.find((member) => member.id === id);
}

/** Whether `id` votes in either half. */
export function isVoter({ voters, outgoing }: Configuration, id: NodeId): boolean {
  return voters.includes(id) || outgoing.includes(id);
}

/** Whether `id` decides alone. A joint configuration is never decided alone. */
export function isOnlyVoter({ voters, outgoing }: Configuration, id: NodeId): boolean {
  return voters.length === 1 && outgoing.length === 0 && voters[0] === id;
}

/** Whether no quorum is left without `id`: nobody can rebind it, or remove it. */
export function isNeededVoter({ voters, outgoing }: Configuration, id: NodeId): boolean {
  return [voters, outgoing].some((half) => half.includes(id) && half.length <= 2);
}

/** No other node was ever a member: no leader but `id` itself can rely on its vote-withholding lease. */
export function isSoleMemberEver({ members, voters, removed }: Configuration, id: NodeId): boolean {
  return members.length === 1 && voters[0] === id && removed.length === 0;
}

/**
 * Whether the node `id` may campaign as its `incarnation`. It may if it votes in `latest`, or if an uncommitted `latest`
 * removes it and `previous` (null: `latest` is committed) had it as a voter of the same incarnation: no other node may hold
 * that entry (thesis 4.2.2). A voter of another incarnation is another node: the log does not yet say which one this is.
 */
export function isPromotable(
  id: NodeId,
  incarnation: Index,
  latest: Configuration,
  previous: Configuration | null,
): boolean {
  const votesIn = (configuration: Configuration): boolean =>
    isVoter(configuration, id) && memberOf(configuration, id)?.incarnation === incarnation;
  if (votesIn(latest)) return true;
  if (previous === null || !votesIn(previous)) return false;
  return (memberOf(latest, id)?.incarnation ?? incarnation) === incarnation;
}

/** Whether `configuration`, committed, is what `change` asks for. */
export function isReached(change: Change, configuration: Configuration): boolean {
  const member = memberOf(configuration, change.id);
  if (change.kind === "move") return member?.url === change.url;
  if (change.kind === "add") {
    const isLearner = configuration.learners.includes(change.id);
    const isAsAsked = !isLearner || change.autoPromote === null || member?.autoPromote === change.autoPromote;
    return member?.url === change.url && isAsAsked;
  }
  if (isJoint(configuration) || change.kind === "transfer-leader") return false;
  return change.kind === "remove" ? member === undefined : configuration.voters.includes(change.id);
}

/** Why `change` can never be, or null. `isActive` says who is heard of. */
export function refusal(
  change: Change,
  configuration: Configuration,
  isActive: (id: NodeId) => boolean,
): ChangeRefusal | null {
  const { members, voters, removed } = configuration;
  const member = memberOf(configuration, change.id);
  switch (change.kind) {
    case "add":
      if (member !== undefined) return member.url === change.url ? null : "member-exists";
      return members.some(({ url }) => url === change.url) ? "url-in-use" : null;
    case "move":
      if (member === undefined) return "unknown-member";
      return members.some(({ id, url }) => id !== change.id && url === change.url) ? "url-in-use" : null;
    case "promote":
      if (member === undefined) return "unknown-member";
      return member.storeId === "" ? "not-bound" : null;
    case "transfer-leader":
      return voters.includes(change.id) ? null : "no-voter";
    case "remove": {
      if (member === undefined) return removed.some(({ id }) => id === change.id) ? null : "unknown-member";
      if (!voters.includes(change.id)) return null;
      const left = voters.filter((id) => id !== change.id);
      if (left.length === 0) return "last-voter";
      return left.filter(isActive).length * 2 > left.length ? null : "no-majority-left";
    }
    default:
      return change satisfies never;
  }
}

/** The configuration to propose for `change` now, at log index `index`; null where nothing is to be proposed. Not joint before. */
export function stepTowards(change: Change, configuration: Configuration, index: Index): Configuration | null {
  if (isJoint(configuration) || isReached(change, configuration)) return null;
  const { members, voters, learners, removed } = configuration;
  switch (change.kind) {
    case "add": {
      const { id, url } = change;
      const autoPromote = change.autoPromote ?? true;
      const known = memberOf(configuration, id);
      if (known !== undefined) {
        return { ...configuration, members: members.map((one) => (one === known ? { ...known, autoPromote } : one)) };
      }
      const member = { id, incarnation: index, url, storeId: "", autoPromote };
      return { ...configuration, members: [...members, member], learners: [...learners, id] };
    }
    case "move":
      return moveMember(configuration, change.id, change.url);
    case "promote":
      return enterJoint(configuration, [...voters, change.id]);
    case "transfer-leader":
      return null;
    case "remove": {
      if (voters.includes(change.id))
        return enterJoint(
          configuration,
          voters.filter((id) => id !== change.id),
        );
      const gone = memberOf(configuration, change.id)!;
      return {
        ...configuration,
        members: members.filter((member) => member !== gone),
        learners: learners.filter((id) => id !== change.id),
        removed: remember(removed, [gone]),
      };
    }
    default:
      return change satisfies never;
  }
}

/** Both halves decide from here on, any number of voters at once. Who votes is no learner. */
export function enterJoint(configuration: Configuration, voters: readonly NodeId[]): Configuration {
  const learners = configuration.learners.filter((id) => !voters.includes(id));
  return { ...configuration, voters, outgoing: configuration.voters, learners };
}

/** The new half alone decides; a member in neither list is removed. */
export function leaveJoint(configuration: Configuration): Configuration {
  const { members, voters, learners, removed } = configuration;
  const stays = ({ id }: Member): boolean => voters.includes(id) || learners.includes(id);
  const gone = members.filter((member) => !stays(member));
  return { voters, outgoing: [], learners, members: members.filter(stays), removed: remember(removed, gone) };
}

/** Why a configuration may not follow another in any log: no two quorums would need to share a voter. */
export type StepProblem = "no-voters" | "not-joint"; // who votes changes through a configuration in which both halves decide (thesis 4.3)

/** Of `to`, right after `from`; null where it may follow. */
export function stepProblem(from: Configuration, to: Configuration): StepProblem | null {
  if (to.voters.length === 0) return "no-voters";
  const keepsVoters = isSameSet(to.voters, from.voters);
  // In a joint configuration both halves stay as they are, until the old one is left behind.
  if (isJoint(from)) return keepsVoters && (!isJoint(to) || isSameSet(to.outgoing, from.outgoing)) ? null : "not-joint";
  return (isJoint(to) ? isSameSet(to.outgoing, from.voters) : keepsVoters) ? null : "not-joint";
}

function isSameSet(a: readonly NodeId[], b: readonly NodeId[]): boolean {
  return a.length === b.length && a.every((id) => b.includes(id));
}

/** The member, its incarnation and its directory stay; only where it is reached changes. */
function moveMember(configuration: Configuration, id: NodeId, url: string): Configuration {
  const members = configuration.members.map((member) => (member.id === id ? { ...member, url } : member));
  return { ...configuration, members };
}

/** From now on only the directory `storeId` speaks for member `id`. */
export function bindStore(configuration: Configuration, id: NodeId, storeId: StoreId): Configuration {
  const members = configuration.members.map((member) => (member.id === id ? { ...member, storeId } : member));
  return { ...configuration, members };
}

/**
 * Member `id` is rebound to `storeId`, in its place, as the incarnation `index`: nothing that its lost directory has said
 * counts for it, and it takes part again only once this is committed, and so by others.
 */
export function rebindStore(configuration: Configuration, id: NodeId, storeId: StoreId, index: Index): Configuration {
  const members = configuration.members.map((member) =>
    member.id === id ? { ...member, storeId, incarnation: index } : member,
  );
  return { ...configuration, members };
}

/** The latest removed incarnation of each id: what tells "never known" from "gone". */
function remember(removed: Configuration["removed"], gone: readonly Member[]): Configuration["removed"] {
  const others = removed.filter(({ id }) => gone.every((member) => member.id !== id));
  return [...others, ...gone.map(({ id, incarnation }) => ({ id, incarnation }))];
}

/**
 * Whether (id, incarnation) was a member once and is none any more, by a configuration committed at `index`: an
 * incarnation is the index of the entry that made it, so a later one is only not known here yet.
 */
export function wasRemoved(configuration: Configuration, index: Index, id: NodeId, incarnation: Index): boolean {
  if (incarnation > index) return false;
  return memberOf(configuration, id)?.incarnation !== incarnation;
}
