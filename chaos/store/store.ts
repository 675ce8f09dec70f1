/** The store under test, as the harness sees it: how a member is started, asked and understood. */
import type { Ask, Reply } from "../http.ts";

/** What a member is started with. */
export type MemberPlace = {
  readonly id: number;
  /** Of clients. */
  readonly port: number;
  /** Where it listens for peers, behind the proxy. */
  readonly listenPort: number;
  /** Its advertised peer URL, and those of the founders in order. */
  readonly url: string;
  readonly founders: readonly string[];
  /** It joins through these members' URLs, or has joined once; null: it is a founder. */
  readonly joinsBy: readonly string[] | null;
  /** All that it writes is under here. */
  readonly directory: string;
};

/** A request for one key, before a store gives it a form. Keys and values are latin1. */
export type KeyAsk =
  | { readonly op: "get"; readonly key: string; readonly isStale: boolean }
  | {
      readonly op: "put" | "delete";
      readonly key: string;
      /** Empty for a delete. */
      readonly value: string;
      /** The revision that the key must have; 0: it must be absent; null: whatever it has. */
      readonly expected: number | null;
      /** `<session>.<sequence>`; null: none. */
      readonly idempotency: string | null;
    };

type Seen = {
  readonly value: string | null;
  /** Undefined where the store does not say it. */
  readonly revision: number | undefined;
  /** Of the key's last change; 0 where it is absent or not said. */
  readonly keyRevision: number;
};

/**
 * What an answer says. `none`: it certainly did not happen. `unknown`: it may have. `isStopping`: since the member stops.
 * `wrong`: no answer at all to such a request, in words.
 */
export type Told =
  | ({ readonly kind: "ok" } & Seen)
  | ({ readonly kind: "mismatch" } & Seen)
  | { readonly kind: "none" | "unknown" | "session-gone"; readonly why: string; readonly isStopping?: boolean }
  | { readonly kind: "wrong"; readonly why: string };

/** What a member says of itself. Indices are of its log; `leader` is 0 where it knows none. */
export type MemberState = {
  readonly leader: number;
  readonly isLeader: boolean;
  readonly term: number;
  readonly appliedIndex: number;
  readonly commitIndex: number;
  /** Ids of the voters, as this member knows them; empty: not said. */
  readonly voters: readonly number[];
  /** Whether a change of members is under way. */
  readonly isChanging: boolean;
};

/** A start by mistake, which must end by itself with `code`, and say what is wrong in a line that holds `says`. */
export type StartInVain = {
  /** What was given or left out, in words. */
  readonly what: string;
  readonly command: readonly string[];
  readonly code: number;
  readonly says: string;
  /** While the member's own process runs; else in its place. */
  readonly isBesideProcess: boolean;
};

/** One kind of store. It holds nothing of a run: members and answers come as arguments. */
export interface Store {
  readonly name: string;
  /** A request that a living member has not answered for so long hangs. */
  readonly requestMsMax: number;
  /** How a member's process is started. */
  command(place: MemberPlace): readonly string[];
  /** What an operator may start by mistake on a member's directory in a cluster of `count`; empty: not known. */
  startsInVain(place: MemberPlace, count: number): readonly StartInVain[];
  /** Where member `id` keeps its log, and its snapshots, under its directory. */
  logDirectory(directory: string, id: number): string;
  snapshotDirectory(directory: string, id: number): string;
  /** Makes what must be there before a first start. */
  prepare(directory: string): void;
  keyAsk(ask: KeyAsk): Ask;
  keyTold(ask: KeyAsk, reply: Reply): Told;
  /** Opens a client session; null: the store has none. */
  readonly sessionAsk: Ask | null;
  /** The session's id; 0: it was not opened. */
  sessionOf(reply: Reply): number;
  readonly readyAsk: Ask;
  readonly statusAsk: Ask;
  stateOf(reply: Reply, ids: readonly number[]): MemberState | null;
}
