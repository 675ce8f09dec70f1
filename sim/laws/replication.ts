/** What logs hold, and what leaders know of them: I5 log matching, I11 match index. */
import type { Entry } from "../../core/protocol/entry.ts";
import { memberOf } from "../../core/raft/membership.ts";
import type { Raft } from "../../core/raft/raft.ts";
import type { NodeId, Term } from "../../core/units.ts";
import { must, Violation } from "../violation.ts";
import { agrees, type NodeFacts } from "./facts.ts";

/** I5. An entry of `term` is put at `index` into a log that goes from `base` to `last`: logs have no gaps. */
export function entryMustFollow(whose: string, index: number, base: number, last: number): void {
  must(index > base && index <= last + 1, "I5", () => {
    return `${whose}: entry ${index} leaves a gap in a log of ${base} to ${last}`;
  });
}

/** I5. An entry of `term` is put behind one of `before`. */
export function entryTermMustNotFall(whose: string, index: number, before: Term, term: Term): void {
  must(term >= before, "I5", () => `${whose}: the term falls from ${before} to ${term} at index ${index}`);
}

/** I5. `id` makes an entry that nobody was seen to make before. `isLeader`: it has been elected in the entry's term. */
export function entryMustComeFromLeader(id: NodeId, { index, term }: Entry, isLeader: boolean): void {
  must(isLeader, "I5", () => `n${id} makes entry (${index}, term ${term}) without having been elected in that term`);
}

/** I5. `known` is what (index, term) has named so far. */
export function entryMustNameOnePayload(id: NodeId, entry: Entry, known: Entry): void {
  must(known.crc === entry.crc, "I5", () => `n${id}: (${entry.index}, term ${entry.term}) names two payloads`);
}

/** I5. `id` commits at `index` an entry with that checksum; `made`: the entry that its term's leader has made there. */
export function committedEntryMustBeKnown(
  id: NodeId,
  index: number,
  crc: number,
  made: Entry | undefined,
): asserts made is Entry {
  if (made?.crc !== crc) throw new Violation("I5", `n${id} commits entry ${index}, which nobody was seen to make`);
}

/** I5. `entry` is committed behind one whose cluster time is `clusterMicros`. */
export function clusterTimeMustNotFall(id: NodeId, entry: Entry, clusterMicros: number): void {
  must(
    entry.clusterMicros >= clusterMicros,
    "I5",
    () => `n${id} commits entry ${entry.index}: the cluster's time falls`,
  );
}

/** What a leader knows of a peer. */
type Known = { readonly match: number; readonly next: number; readonly incarnation: number };

/** I11. Within one leadership of `id`; `before`: what it knew of the peer when its progress was last looked at. */
export function matchMustNotFall(id: NodeId, peer: NodeId, { match, next }: Known, before: number): void {
  must(match >= before, "I11", () => `n${id}: the match index of n${peer} falls to ${match}`);
  must(next > match, "I11", () => `n${id}: next ${next} of n${peer} is not beyond its match ${match}`);
}

/** I11. `id`, the leader, whose Raft is `raft`, knows that of `peer`: it durably holds the leader's log so far. */
export function matchMustBeDurable(id: NodeId, raft: Raft, { match, incarnation }: Known, peer: NodeFacts): void {
  // One that was removed is only told so, and may have been wiped by now.
  if (memberOf(raft.configuration, peer.id)?.incarnation !== incarnation) return;
  const { covered, lost } = peer;
  if (covered >= match || (lost !== null && incarnation <= lost.committed)) return;
  // A later leader may have overwritten what was matched; then this one's term is over, and so is its say.
  if (peer.durableHard.term > raft.term) return;
  must(agrees(raft, peer.durable, match), "I11", () => {
    return `n${id} takes n${peer.id} to hold its log up to ${match}, which it does not`;
  });
}
