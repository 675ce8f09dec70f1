/** What logs hold, and what leaders know of them: I5 log matching, I11 match index. */
import type { Entry } from "../../core/protocol/entry.ts";
import type { NodeId, Term } from "../../core/units.ts";
import { must, Violation } from "../violation.ts";

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

/** I5. `entry` is committed behind an entry whose cluster time is `clusterMicros`. */
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

/**
 * I11. `id`, the leader of a term, takes `peer` to hold its log durably so far. `acknowledged`: up to where that incarnation of
 * it has said so in that term, each time truly (I7), and has not taken it back (I8).
 */
export function matchMustBeAcknowledged(id: NodeId, peer: NodeId, { match }: Known, acknowledged: number): void {
  must(match <= acknowledged, "I11", () => {
    return `n${id} takes n${peer} to hold its log up to ${match}, which has acknowledged ${acknowledged}`;
  });
}
