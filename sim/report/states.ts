/** What each node was, moment by moment, as far as its trace tells. */
import type { Line } from "../trace/recorder.ts";
import type { TraceKind } from "../trace/vocabulary.ts";

/** One node after a line of the trace. A number is 0 where no line has said it yet. */
export type NodeState = {
  readonly life: "never started" | "runs" | "down" | "paused";
  /** Whether this start has found what it is and has a role; before that it opens its directory, joins or recovers. */
  readonly takesPart: boolean;
  /** As in the trace: 0 follower, 1 pre-candidate, 2 candidate, 3 leader. */
  readonly role: number;
  readonly term: number;
  readonly leader: number;
  readonly commit: number;
  readonly applied: number;
  readonly durable: number;
  readonly snapshot: number;
};

/** Each node before the first line. */
export const unstarted: NodeState = {
  life: "never started",
  takesPart: false,
  role: 0,
  term: 0,
  leader: 0,
  commit: 0,
  applied: 0,
  durable: 0,
  snapshot: 0,
};

/** Their `node` is a client, or nobody. */
export const clientKinds: ReadonlySet<TraceKind> = new Set<TraceKind>(["call", "return", "clientBlock", "phase"]);
/** Their node is down from then on. */
export const stops: ReadonlySet<TraceKind> = new Set<TraceKind>(["powerCut", "kill", "rowsLost", "ended", "wipe"]);

/** The state of the line's node after it. The page's script uses it, too. */
export function after(state: NodeState, { kind, a, b, c }: Pick<Line, "kind" | "a" | "b" | "c">): NodeState {
  if (stops.has(kind)) return { ...state, life: "down", takesPart: false, role: 0, leader: 0, commit: 0, applied: 0 };
  switch (kind) {
    case "start":
      return { ...state, life: "runs" };
    case "pause":
      return { ...state, life: "paused" };
    case "resume":
      return { ...state, life: "runs" };
    case "send":
    case "receive":
      // A core that is healed goes on by itself.
      return state.life === "paused" ? { ...state, life: "runs" } : state;
    case "role":
      return { ...state, takesPart: true, role: a, term: b, leader: c };
    case "commit":
      return { ...state, commit: a };
    case "applied":
      return { ...state, applied: a };
    case "durable":
      return { ...state, durable: a };
    case "installed":
      return { ...state, applied: a, commit: Math.max(a, state.commit) };
    case "snapshot":
      return { ...state, snapshot: a };
    default:
      return state;
  }
}

/** What a node is, in a word or two: its role, by `roleNames`, where it has one. */
export function standingOf({ life, takesPart, role }: NodeState, roleNames: readonly string[]): string {
  if (life !== "runs") return life;
  return takesPart ? roleNames[role]! : "starts";
}
