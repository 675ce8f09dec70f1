/** What the page about a run holds as JSON; its script, pages/sim/page.ts, draws it. */
import type { TraceKind } from "../trace/vocabulary.ts";
import type { PageEntry } from "./entries.ts";
import type { NodeLog, PageNote } from "./logs.ts";
import type { PageMessage } from "./messages.ts";
import type { NodeState } from "./states.ts";

/** A line of the trace. `kind`: its place in `kinds`. `message`: as in a recorder's line, from `firstMessage` on. */
export type PageLine = readonly [
  time: number,
  kind: number,
  node: number,
  a: number,
  b: number,
  c: number,
  message: number,
];

/**
 * An operation of a client. `red`: the law is broken by it, or it is what that one has missed. `point`: its place in the
 * order, where there is one. `line`: of its call.
 */
export type PageBar = {
  readonly client: number;
  readonly call: number;
  readonly end: number;
  readonly label: string;
  readonly outcome: string;
  readonly red: "" | "judged" | "counterpart";
  readonly point: number | null;
};

/** Of the replays that went on otherwise after event `line`, so many broke the same law. */
export type PageOdds = {
  readonly points: readonly { readonly line: number; readonly failed: number }[];
  readonly replays: number;
};

/** One run for the page, all names included: the script knows no codes of its own. */
export type PageData = {
  readonly nodes: number;
  readonly kinds: readonly TraceKind[];
  /** Of each kind, with {n} for the node, {a} for a, {m} for the message of c, and so on. */
  readonly words: readonly string[];
  readonly roleNames: readonly string[];
  readonly messageNames: readonly string[];
  readonly changeNames: readonly string[];
  readonly outcomeNames: readonly string[];
  /** The nodes' states before the first line. */
  readonly initial: readonly NodeState[];
  readonly initialLogs: readonly NodeLog[];
  readonly lines: readonly PageLine[];
  /** Every entry of every log, by its number. */
  readonly entries: readonly PageEntry[];
  /** What the logs become, in order; `at` is a place in `lines`. */
  readonly notes: readonly PageNote[];
  /** From the number `firstMessage` on. */
  readonly messages: readonly PageMessage[];
  readonly firstMessage: number;
  /** Numbers of messages that did not arrive, and why, as in `fateNames`. */
  readonly fates: readonly (readonly [message: number, fate: number])[];
  /** Runs of lines outside and inside the causal cone of the end, in turn, beginning outside. */
  readonly cone: readonly number[];
  readonly bars: readonly PageBar[];
  /** The reader is this client. */
  readonly readerLane: number;
  /** How many lines of the trace come before these. */
  readonly from: number;
  /** The nodes that what was seen names. */
  readonly blamed: readonly number[];
  readonly verdict: string;
  readonly odds: PageOdds | null;
};
