/** Holds what operators are answered against the committed configurations: a change that is done holds, one that is refused is not made. */
import type { ChangeResult } from "../../core/node/options.ts";
import type { Change, Configuration } from "../../core/protocol/configuration.ts";
import { isReached } from "../../core/raft/membership.ts";
import type { Index, Micros, NodeId } from "../../core/units.ts";
import type { Subscriber } from "../bus.ts";
import { changeMustBeAskedFor, doneChangeMustHold } from "../laws/answers.ts";
import type { Ghost } from "./ghost.ts";

type Request = {
  readonly change: Change;
  /** A configuration that was committed while it was open, or when it was asked, is what it asks for. */
  wasReached: boolean;
  /** From then on nothing may happen for its sake. Infinity: it has no answer, or one that says nothing. */
  answeredAt: Micros;
};

/** One for each run that is judged. */
export class ChangeWatch implements Subscriber {
  readonly #ghost: Ghost;
  readonly #now: () => Micros;
  /** Those that may still bring about a change. */
  #requests: Request[] = [];
  /** Answered as done in this turn, before the ghost has heard what was committed in it. */
  #done: Request[] = [];
  #seen: Index = 0;

  /** Hears of a commit after `ghost`. */
  constructor(ghost: Ghost, now: () => Micros) {
    this.#ghost = ghost;
    this.#now = now;
  }

  /** `change` is one request's own: each is known by it. */
  asked(_node: NodeId, change: Change): void {
    const wasReached = isReached(change, this.#ghost.committedConfiguration());
    this.#requests.push({ change, wasReached, answeredAt: Infinity });
  }

  answered(_node: NodeId, change: Change, result: ChangeResult): void {
    const request = this.#requests.find((one) => one.change === change);
    if (request === undefined || (!result.ok && !result.definite)) return;
    request.answeredAt = this.#now();
    if (result.ok && change.kind !== "transfer-leader") this.#done.push(request);
  }

  committed(): void {
    const { last } = this.#ghost.committed;
    for (let index = this.#seen + 1; index <= last; index++) {
      if (this.#ghost.committedConfigurationIndex(index) === index) this.#changed(index);
    }
    this.#seen = last;
  }

  turnEnded(): void {
    for (const { change, wasReached } of this.#done) doneChangeMustHold(change, wasReached);
    this.#done = [];
  }

  #changed(index: Index): void {
    const now = this.#now();
    this.#requests = this.#requests.filter(({ answeredAt }) => answeredAt >= now);
    const before = this.#ghost.committedConfiguration(index - 1);
    const after = this.#ghost.committedConfiguration(index);
    for (const { kind, id, url } of differences(before, after)) {
      const isCause = ({ change }: Request): boolean =>
        change.kind === kind && change.id === id && (change.kind !== "add" || change.url === url);
      changeMustBeAskedFor(kind, id, this.#requests.some(isCause));
    }
    for (const request of this.#requests) request.wasReached ||= isReached(request.change, after);
  }
}

/** Who has come, and who has gone. */
function differences(
  before: Configuration,
  after: Configuration,
): readonly { readonly kind: "add" | "remove"; readonly id: NodeId; readonly url: string }[] {
  const isIn = ({ members }: Configuration, id: NodeId): boolean => members.some((member) => member.id === id);
  const come = after.members.filter(({ id }) => !isIn(before, id));
  const gone = before.members.filter(({ id }) => !isIn(after, id));
  return [
    ...come.map(({ id, url }) => ({ kind: "add" as const, id, url })),
    ...gone.map(({ id, url }) => ({ kind: "remove" as const, id, url })),
  ];
}
