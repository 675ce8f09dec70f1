/** A family of faults: what it needs, how it strikes, how it heals. All families are in one table, families.ts. */
import type { Stream } from "../chance.ts";
import type { Member } from "../world/member.ts";
import type { World } from "../world/world.ts";
import type { Budget, Isolation } from "./budget.ts";
import type { Operator } from "./operator.ts";

/** What a strike gets. */
export type Field = {
  readonly world: World;
  readonly budget: Budget;
  readonly operator: Operator;
  readonly chance: Stream;
  /** Members that no other strike has in hand. */
  readonly free: readonly Member[];
  /** Nobody else strikes it until this strike is healed. */
  readonly take: (member: Member) => Member;
  /** A leader's process is about to be ended or stopped. */
  readonly onLeaderLost: () => void;
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
