/**
 * Holds what operators are answered against the committed configurations. A change that is done holds, or held while it
 * was asked for. A request that is refused as definite has changed nothing, and a request that has its answer changes
 * nothing more. After an indefinite answer it changes nothing in a later term than the asked node had reached: no
 * leader of such a term was asked.
 */
import type { ChangeResult } from "../../core/node/options.ts";
import type { Change, Configuration } from "../../core/protocol/configuration.ts";
import { isJoint, isReached, memberOf } from "../../core/raft/membership.ts";
import type { Index, Micros, NodeId, Term } from "../../core/units.ts";
import type { Subscriber } from "../bus.ts";
import { changeMustBeAskedFor, doneChangeMustHold, refusedChangeMustNotBeMade } from "../laws/answers.ts";
import { leaderRole } from "../trace/vocabulary.ts";
import type { Host } from "../world/host.ts";
import type { Ghost } from "./ghost.ts";

type Request = {
  readonly node: NodeId;
  readonly change: Change;
  /** What it asks for was so while it was open, or when it was asked. */
  wasReached: boolean;
  /** Something was made that nobody else asked for. */
  wasMade: boolean;
  /** From then on the request may change nothing. Infinity: it has no answer, or an indefinite one. */
  answeredAt: Micros;
  /** Nor anything in a later term than this. */
  termMax: Term;
};

/** What an operator may have asked for. */
type Difference = { readonly kind: Change["kind"]; readonly id: NodeId; readonly url: string };

/** One for each run that is judged. */
export class ChangeWatch implements Subscriber {
  readonly #ghost: Ghost;
  readonly #now: () => Micros;
  /** Those that may still bring about a change. */
  #requests: Request[] = [];
  /** Answered as done in this turn, before the ghost has heard what was committed in it. */
  #done: Request[] = [];
  #seen: Index = 0;
  /** The highest term that each node was in. */
  readonly #terms = new Map<NodeId, Term>();
  #newestLeader: { readonly id: NodeId; readonly term: Term } = { id: 0, term: 0 };

  /** Hears of a commit after `ghost`. */
  constructor(ghost: Ghost, now: () => Micros) {
    this.#ghost = ghost;
    this.#now = now;
  }

  roleChanged({ id }: Host, role: number, term: Term): void {
    this.#terms.set(id, Math.max(term, this.#terms.get(id) ?? 0));
    if (role !== leaderRole || term <= this.#newestLeader.term) return;
    this.#newestLeader = { id, term };
    for (const request of this.#requests) request.wasReached ||= this.#leads(request.change);
  }

  /** A process that is gone asks nobody any more. */
  starting({ id }: Host): void {
    for (const request of this.#requests) if (request.node === id) this.#endAsking(request);
  }

  /** `change` is one request's own: each is known by it. */
  asked(node: NodeId, change: Change): void {
    const wasReached = isReached(change, this.#ghost.committedConfiguration()) || this.#leads(change);
    const fresh = { wasMade: false, answeredAt: Infinity, termMax: Infinity };
    this.#requests.push({ node, change, wasReached, ...fresh });
  }

  answered(_node: NodeId, change: Change, result: ChangeResult): void {
    const request = this.#requests.find((one) => one.change === change);
    if (request === undefined) return;
    if (!result.ok && !result.definite) return this.#endAsking(request);
    request.answeredAt = this.#now();
    if (result.ok) this.#done.push(request);
    else refusedChangeMustNotBeMade(change, request.wasMade);
  }

  committed(): void {
    const { last } = this.#ghost.committed;
    for (let index = Math.max(this.#seen, this.#ghost.origin.index) + 1; index <= last; index++) {
      if (this.#ghost.committedConfigurationIndex(index) === index) this.#changed(index);
    }
    this.#seen = Math.max(this.#seen, last);
  }

  turnEnded(): void {
    for (const { change, wasReached } of this.#done) doneChangeMustHold(change, wasReached);
    this.#done = [];
  }

  #endAsking(request: Request): void {
    request.termMax = Math.min(request.termMax, this.#terms.get(request.node) ?? 0);
  }

  #leads({ kind, id }: Change): boolean {
    return kind === "transfer-leader" && this.#newestLeader.id === id;
  }

  #changed(index: Index): void {
    const now = this.#now();
    const term = this.#ghost.committed.termAt(index);
    this.#requests = this.#requests.filter(({ answeredAt }) => answeredAt >= now);
    const before = this.#ghost.committedConfiguration(index - 1);
    const after = this.#ghost.committedConfiguration(index);
    for (const difference of differences(before, after)) {
      const causes = this.#requests.filter(({ change, termMax }) => term <= termMax && asksFor(change, difference));
      changeMustBeAskedFor(difference, causes.length > 0);
      if (causes.length === 1) causes[0]!.wasMade = true;
    }
    for (const request of this.#requests) request.wasReached ||= isReached(request.change, after);
  }
}

function asksFor(change: Change, { kind, id, url }: Difference): boolean {
  if (change.kind !== kind || change.id !== id) return false;
  return (change.kind !== "add" && change.kind !== "move") || change.url === url;
}

/**
 * Who has come, who begins to go, and who begins to vote, but for those that the leader promotes by itself. Where a joint
 * configuration is left, the leader of that time does it unasked. A member says by itself where it is.
 */
function differences(before: Configuration, after: Configuration): readonly Difference[] {
  if (isJoint(before)) return [];
  const list: Difference[] = [];
  for (const { id, url, autoPromote } of after.members) {
    if (memberOf(before, id) === undefined) list.push({ kind: "add", id, url });
    if (!autoPromote && isNew(id, before.voters, after.voters)) list.push({ kind: "promote", id, url });
  }
  for (const { id, url } of before.members) {
    if (memberOf(after, id) === undefined || isNew(id, after.voters, before.voters))
      list.push({ kind: "remove", id, url });
  }
  return list;
}

function isNew(id: NodeId, before: readonly NodeId[], after: readonly NodeId[]): boolean {
  return after.includes(id) && !before.includes(id);
}
