/** What the page about a run holds as JSON; its script, pages/sim/page.ts, draws it. */
import type { TraceKind } from "../trace/vocabulary.ts";
import type { NodeState } from "./states.ts";

/** A line of the trace. `kind`: its place in `kinds`. `message`: as in a recorder's line. */
export type PageLine = readonly [
  time: number,
  kind: number,
  node: number,
  a: number,
  b: number,
  c: number,
  message: number,
];

/** An operation of a client. `role`: words for the page's style. `point`: its place in the order, where there is one. */
export type PageBar = {
  readonly client: number;
  readonly call: number;
  readonly end: number;
  readonly label: string;
  readonly role: string;
  readonly point: number | null;
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
  readonly lines: readonly PageLine[];
  /** Runs of lines outside and inside the causal cone of the end, in turn, beginning outside. */
  readonly cone: readonly number[];
  readonly bars: readonly PageBar[];
  /** The reader is this client. */
  readonly readerLane: number;
  /** How many lines of the trace come before these. */
  readonly from: number;
};
