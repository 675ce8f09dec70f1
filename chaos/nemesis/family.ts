/** A family of faults: what it needs, how it strikes, how it heals. All families are in one table, families.ts. */
import type { Stream } from "../chance.ts";
import type { Member } from "../world/member.ts";
import type { World } from "../world/world.ts";
import type { Budget, Isolation } from "./budget.ts";
import type { Operator } from "./operator.ts";

/** How a leader was lost to the others. */
export type LeaderLoss = "killed" | "killed with all others" | "paused" | "cut off";

/** What a strike gets. */
export type Field = {
  readonly world: World;
  readonly budget: Budget;
  readonly operator: Operator;
  readonly chance: Stream;
  /** Members that no strike has in hand at this moment. */
  readonly free: readonly Member[];
  /** Nobody else strikes it until this strike is healed. */
  readonly take: (member: Member) => Member;
  /** Ends it by SIGKILL; where it leads, it counts as a leader that was killed. */
  readonly kill: (member: Member) => Promise<void>;
  /** The leader is about to be lost to the others in this way. */
  readonly onLeaderLost: (how: LeaderLoss) => void;
  /** A write that stands in the history; what is wrong, or an empty text where it was acknowledged. */
  readonly write: (member: Member, key: string, value: string) => Promise<string>;
  /** No new strike begins until what is returned is called. */
  readonly keepCalm: () => () => void;
  /** Whether a burst is under way. */
  readonly isLoaded: () => boolean;
  /** Within which a member serves once all is well. */
  readonly serveMs: number;
  readonly onFinding: (kind: string, text: string) => void;
  /** Waits; ends early where the run is over. */
  readonly hold: (ms: number) => Promise<void>;
};

/**
 * `what`: the strike in a few words. `heal` completes when nothing of the strike is left. `isNothing`: no fault came of
 * it, and none is counted.
 */
export type Strike = { readonly what: string; readonly heal: () => Promise<void>; readonly isNothing?: boolean };

/** A strike that finds that it may not be, or cannot be told from none. */
export function nothing(why: string): Strike {
  return { what: `nothing: ${why}`, heal: async () => undefined, isNothing: true };
}

/** One kind of fault. A strike may hold on while others strike, as far as the budget allows. */
export type Family = {
  readonly name: string;
  /** In words, for the documentation; `may` decides. */
  readonly needs: string;
  readonly isolation: Isolation;
  /** How long a strike lasts, in milliseconds. */
  readonly holdMs: readonly [least: number, most: number];
  /** Works on any store, not only on metaStore. */
  readonly isGeneral: boolean;
  /** Whether it may strike now, as far as it knows. */
  may(field: Field): boolean;
  strike(field: Field): Promise<Strike>;
};
