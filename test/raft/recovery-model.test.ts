/**
 * The argument for a node whose storage is replaced, checked on every run of a small abstract Raft: three voters, one of
 * which loses its log at any moment. Messages are never lost here but may be as late as they like: a vote or an
 * acknowledgement that was given once counts at any later time. Judged: what is committed stays committed, and every leader of a later
 * term holds it.
 */
import test from "ava";

/** An entry is its term; the entry that rebinds node 2 is 100 + its term. */
type Log = readonly number[];
type Node = { readonly term: number; readonly vote: number; readonly log: Log };
type Leader = { readonly node: number; readonly log: Log };
type State = {
  readonly nodes: readonly Node[];
  /** Of node 2, which may lose its log once; in between it takes no part. */
  readonly life: 0 | 1;
  readonly running: boolean;
  /** By `placeOf(term, candidate)`: its log when it campaigned. */
  readonly stood: readonly (Log | null)[];
  /** By `placeOf(term, voter, life)`: whom it voted for. */
  readonly votes: readonly (number | null)[];
  /** By term: who leads, and its log as a leader. */
  readonly leads: readonly (Leader | null)[];
  /** By `placeOf(term, node, life)`: how long a prefix of that term's leader's log it has acknowledged. */
  readonly acks: readonly (number | null)[];
  readonly committed: Log;
};

type Rules = {
  /** Node 2, with new storage, votes only once its log holds the entry that says so. */
  readonly votesLate: boolean;
  /** It takes part only once that entry is committed. */
  readonly runsLate: boolean;
  /** It begins at the term of that entry, its vote spent: an index may have been bound twice, in two terms. */
  readonly startsAtTerm: boolean;
  /** Acknowledgements of its earlier life do not count for the later one. */
  readonly tellsLivesApart: boolean;
  /** It comes back only by such an entry, not in its old place as if nothing were lost. */
  readonly isBoundAnew: boolean;
};
const rules: Rules = { votesLate: true, runsLate: true, startsAtTerm: true, tellsLivesApart: true, isBoundAnew: true };

const termsMax = 2;
const logMax = 2;
const victim = 2;
const ids = [0, 1, 2];
const terms = [1, 2];

/** The place of a life of a node in a term, in lists of all of them. */
function placeOf(term: number, id: number, life = 0): number {
  return (term - 1) * 6 + id * 2 + life;
}
const places = termsMax * 6;

function bindsAnew(log: Log): boolean {
  return log.some((entry) => entry > 100);
}

function lastTerm(log: Log): number {
  return (log.at(-1) ?? 0) % 100;
}

function isUpToDate(theirs: Log, own: Log): boolean {
  if (lastTerm(theirs) !== lastTerm(own)) return lastTerm(theirs) > lastTerm(own);
  return theirs.length >= own.length;
}

function withNode(state: State, id: number, change: Partial<Node>): State {
  return { ...state, nodes: state.nodes.map((node, k) => (k === id ? { ...node, ...change } : node)) };
}

/** Whether `id` takes a message from a node with `log`: it is for the life that `id` lives now, and `id` runs. */
function hears(state: State, id: number, log: Log, by: Rules): boolean {
  if (id !== victim) return true;
  if (!by.isBoundAnew) return true;
  return state.life === 0 || (state.running && bindsAnew(log));
}

function lifeOf(state: State, id: number): number {
  return id === victim ? state.life : 0;
}

/** Every state that one step leads to. */
function* steps(state: State, by: Rules): Generator<State> {
  for (const id of ids) yield* standing(state, id, by);
  yield* voting(state, by);
  yield* leading(state, by);
  if (state.life === 0) {
    const lost = withNode(state, victim, { term: 0, vote: -1, log: [] });
    yield { ...lost, life: 1, running: !by.isBoundAnew || !by.runsLate };
  } else if (!state.running && bindsAnew(state.committed)) {
    const term = lastTerm(state.committed.filter((entry) => entry > 100));
    const told = by.startsAtTerm ? withNode(state, victim, { term, vote: victim }) : state;
    yield { ...told, running: true };
  }
}

function mayElect(state: State, id: number, by: Rules): boolean {
  if (id !== victim || state.life === 0 || !by.isBoundAnew) return true;
  return state.running && (!by.votesLate || bindsAnew(state.nodes[id]!.log));
}

function* standing(state: State, id: number, by: Rules): Generator<State> {
  const { term, log } = state.nodes[id]!;
  if (term < termsMax && mayElect(state, id, by)) {
    const next = term + 1;
    yield {
      ...withNode(state, id, { term: next, vote: id }),
      votes: state.votes.with(placeOf(next, id, lifeOf(state, id)), id),
      stood: state.stood.with(placeOf(next, id), log),
    };
  }
}

function* voting(state: State, by: Rules): Generator<State> {
  for (const term of terms)
    for (const candidate of ids) {
      const theirs = state.stood[placeOf(term, candidate)] ?? null;
      if (theirs !== null) yield* votingFor(state, term, candidate, theirs, by);
    }
}

function* votingFor(state: State, term: number, candidate: number, theirs: Log, by: Rules): Generator<State> {
  for (const id of ids) {
    const node = state.nodes[id]!;
    const isFree = node.term < term || (node.term === term && node.vote === -1);
    if (id === candidate || !isFree || !mayElect(state, id, by)) continue;
    if (!hears(state, id, theirs, by) || !isUpToDate(theirs, node.log)) continue;
    const votes = state.votes.with(placeOf(term, id, lifeOf(state, id)), candidate);
    yield { ...withNode(state, id, { term, vote: candidate }), votes };
  }
  const supporters = ids.filter((id) => [0, 1].some((life) => state.votes[placeOf(term, id, life)] === candidate));
  const isStill = state.nodes[candidate]!.term === term && state.nodes[candidate]!.vote === candidate;
  const leader = state.leads[term] ?? null;
  if (supporters.length >= 2 && isStill && leader?.node !== candidate) {
    if (leader !== null) throw new Error(`two leaders of term ${term}`);
    yield { ...state, leads: state.leads.with(term, { node: candidate, log: state.nodes[candidate]!.log }) };
  }
}

function* leading(state: State, by: Rules): Generator<State> {
  for (const term of terms) {
    if (state.leads[term] === null) continue;
    const { node: leader, log } = state.leads[term]!;
    if (state.nodes[leader]!.term === term && state.nodes[leader]!.log.length === log.length && log.length < logMax) {
      const entries = state.life === 1 && !bindsAnew(log) ? [term, 100 + term] : [term];
      for (const entry of entries) {
        const longer = [...log, entry];
        yield {
          ...withNode(state, leader, { log: longer }),
          leads: state.leads.with(term, { node: leader, log: longer }),
        };
      }
    }
    for (const id of ids) {
      const node = state.nodes[id]!;
      if (id === leader || node.term > term || !hears(state, id, log, by)) continue;
      const conflict = node.log.findIndex((entry, k) => k < log.length && entry !== log[k]);
      const taken = conflict === -1 && node.log.length > log.length ? node.log : log;
      const ack = placeOf(term, id, lifeOf(state, id));
      if ((state.acks[ack] ?? -1) >= log.length && node.log === taken) continue;
      const vote = node.term < term ? -1 : node.vote;
      yield { ...withNode(state, id, { term, vote, log: taken }), acks: state.acks.with(ack, log.length) };
    }
    yield* committing(state, term, leader, log, by);
  }
}

function* committing(state: State, term: number, leader: number, log: Log, by: Rules): Generator<State> {
  if (state.nodes[leader]!.term !== term) return;
  const lives = by.tellsLivesApart && by.isBoundAnew ? [bindsAnew(log) ? 1 : 0] : [0, 1];
  const matchOf = (id: number): number => {
    const inLives = id === victim ? lives : [0];
    return Math.max(...inLives.map((life) => state.acks[placeOf(term, id, life)] ?? 0));
  };
  for (let length = state.committed.length + 1; length <= log.length; length++) {
    const holders = ids.filter((id) => id === leader || matchOf(id) >= length).length;
    if (holders >= 2 && log[length - 1]! % 100 === term) yield { ...state, committed: log.slice(0, length) };
  }
}

/** What is wrong with the step from `before` to `after`, or null. */
function wrong(before: State, after: State): string | null {
  if (!before.committed.every((entry, k) => after.committed[k] === entry)) return "what was committed is another";
  for (const term of terms) {
    const log = after.leads[term]?.log;
    if (log === undefined || before.leads[term] !== null) continue;
    const owed = before.committed.every((entry, k) => log[k] === entry);
    if (term > lastTerm(before.committed) && !owed) return `the leader of term ${term} lacks what is committed`;
  }
  return null;
}

/** Walks every state; returns how many there are and the first thing that is wrong. */
function explore(by: Rules, statesMax: number): { readonly states: number; readonly trouble: string | null } {
  const none = Array<null>(places).fill(null);
  const empty: Node = { term: 0, vote: -1, log: [] };
  const start: State = {
    nodes: [empty, empty, empty],
    life: 0,
    running: true,
    stood: none,
    votes: none,
    leads: none.slice(0, termsMax + 1),
    acks: none,
    committed: [],
  };
  const seen = new Set([keyOf(start)]);
  const queue = [start];
  for (let at = 0; at < queue.length && seen.size < statesMax; at++) {
    const state = queue[at]!;
    queue[at] = start;
    try {
      for (const next of steps(state, by)) {
        const trouble = wrong(state, next);
        if (trouble !== null) return { states: seen.size, trouble };
        const key = keyOf(next);
        if (seen.has(key)) continue;
        seen.add(key);
        queue.push(next);
      }
    } catch (error) {
      return { states: seen.size, trouble: (error as Error).message };
    }
  }
  return { states: seen.size, trouble: null };
}

/** Another number for each log, and for none. */
function numberOf(log: Log | null): number {
  if (log === null) return 0;
  return log.reduce((sum, entry) => sum * 5 + 1 + (entry % 100) + (entry > 100 ? 2 : 0), 1);
}

/** What each node is and has done, with the nodes in the order `as`: nobody's id decides anything, but the victim's. */
function keyAs({ nodes, life, running, stood, votes, leads, acks, committed }: State, as: readonly number[]): string {
  const nameOf = (id: number | null): number => (id === null || id === -1 ? 3 : as.indexOf(id));
  const numbers = [life, Number(running), numberOf(committed)];
  for (const leader of leads) numbers.push(nameOf(leader?.node ?? null), numberOf(leader?.log ?? null));
  for (const id of as) {
    const { term, vote, log } = nodes[id]!;
    numbers.push(term * 4 + nameOf(vote), numberOf(log));
    for (const inTerm of terms) {
      numbers.push(numberOf(stood[placeOf(inTerm, id)]!));
      for (const k of [0, 1]) {
        const place = placeOf(inTerm, id, k);
        numbers.push(nameOf(votes[place]!) * 4 + (acks[place] ?? 3));
      }
    }
  }
  return String.fromCharCode(...numbers);
}

/** The same for states that are one but for the names of the nodes that lose nothing. */
function keyOf(state: State): string {
  const [key, other] = [keyAs(state, ids), keyAs(state, [1, 0, victim])];
  return key < other ? key : other;
}

test.serial("a voter that lost its log and is rebound breaks nothing, in any run of two terms", (t) => {
  const { states, trouble } = explore(rules, Infinity);
  t.log(`${states} states`);
  t.is(trouble, null);
  t.true(states > 200_000);
});

for (const [rule, trouble] of [
  ["runsLate", /^the leader of term 2 lacks what is committed$/],
  ["startsAtTerm", /^two leaders of term 2$/],
  ["isBoundAnew", /^two leaders of term 1$/],
] as const) {
  test.serial(`without the rule "${rule}" something breaks`, (t) => {
    t.regex(explore({ ...rules, [rule]: false }, Infinity).trouble ?? "", trouble);
  });
}
