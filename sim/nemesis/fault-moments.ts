/** Tells the faults that wait for a moment of the moments that come: those that are targeted, a leader's isolation, older copies. */
import type { Change } from "../../core/protocol/configuration.ts";
import type { Envelope } from "../../core/protocol/message.ts";
import type { NodeId, Term } from "../../core/units.ts";
import type { Subscriber } from "../bus.ts";
import { leaderRole } from "../trace/vocabulary.ts";
import type { Host } from "../world/host.ts";
import type { Nemesis } from "./nemesis.ts";

/** One for each run. It decides nothing: whether a moment is struck is drawn by whom it tells. */
export class FaultMoments implements Subscriber {
  readonly #nemesis: Nemesis;
  readonly #hosts: readonly Host[];
  /** Whether a joint configuration counts as a moment. */
  readonly #isJudged: boolean;
  /** The nodes whose configuration is joint. */
  readonly #joint = new Set<NodeId>();

  constructor(nemesis: Nemesis, hosts: readonly Host[], isJudged: boolean) {
    this.#nemesis = nemesis;
    this.#hosts = hosts;
    this.#isJudged = isJudged;
  }

  sent(from: NodeId, to: NodeId, { message: { kind } }: Envelope): void {
    const { targeted } = this.#nemesis;
    if (kind === "append-reply") targeted.observe("acknowledged", from);
    else if (kind === "pre-vote" || kind === "vote") targeted.observe("voteAsked", to);
    else if (kind === "vote-reply") targeted.observe("voteGranted", from);
    else if (kind === "snapshot-chunk") targeted.observe("snapshotSent", to);
  }

  roleChanged({ id }: Host, role: number): void {
    if (role === leaderRole) this.#nemesis.targeted.observe("elected", id);
  }

  recovered({ id }: Host): void {
    this.#nemesis.targeted.observe("recovered", id);
  }

  installed({ id }: Host): void {
    this.#nemesis.targeted.observe("installed", id);
  }

  committed({ id, node }: Host, _index: number, _term: Term): void {
    if (node?.replica?.raft.leader !== id) return;
    this.#nemesis.targeted.observe("committed", id);
    this.#nemesis.isolation.committed(id);
  }

  turnEnded({ id, node, directory }: Host): void {
    const raft = node?.replica?.raft;
    if (raft === undefined || !this.#isJudged || directory.isOlderCopy) return;
    const isJoint = raft.configuration.outgoing.length > 0;
    if (isJoint === this.#joint.has(id)) return;
    if (isJoint) this.#joint.add(id);
    else this.#joint.delete(id);
    this.#nemesis.targeted.observe("joint", id);
  }

  starting(host: Host): void {
    this.#nemesis.olderCopies.beforeStart(host);
    this.#nemesis.earlierBoots.beforeStart(host);
  }

  asked(node: NodeId, change: Change): void {
    this.#nemesis.targeted.observe("changed", node);
    const host = this.#hosts[change.id - 1];
    if (change.kind === "remove" && host !== undefined) this.#nemesis.takeDown(host);
  }

  answered(node: NodeId): void {
    this.#nemesis.targeted.observe("changed", node);
  }
}
