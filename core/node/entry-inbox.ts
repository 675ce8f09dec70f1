/**
 * What a node does with the messages that decide how nodes come into a cluster; it takes them whether it takes part or not.
 * What only a member takes is in core/node/member-inbox.ts.
 */
import type { Network } from "../ports.ts";
import type {
  BootstrapHello,
  BootstrapReply,
  DirectoryCheck,
  Envelope,
  JoinAccepted,
  JoinRequest,
  Message,
  RebindPending,
  Removed,
} from "../protocol/message.ts";
import type { Micros } from "../units.ts";
import { answerHello } from "./bootstrap.ts";
import type { EntryStep } from "./cluster-entry.ts";
import { type Answer, type EntryReceiver, withoutName } from "./message-dispatch.ts";
import { guestEnvelope, type NodeView } from "./view.ts";

const wait: EntryStep = { kind: "wait" };

/** One for each boot. A word is taken only in the phase in which it can come. */
export class EntryInbox implements EntryReceiver {
  readonly #network: Pick<Network, "send">;
  readonly #view: () => NodeView;
  readonly #onStep: (step: EntryStep) => void;

  /** `view`: where the node stands now. `onStep` is called within the call that brings it about. */
  constructor(network: Pick<Network, "send">, view: () => NodeView, onStep: (step: EntryStep) => void) {
    this.#network = network;
    this.#view = view;
    this.#onStep = onStep;
  }

  /** Asks all whom the node knows, while it takes no part: those too that have answered may not have seen it. */
  ask(now: Micros): void {
    const view = this.#view();
    if (view.entry === null) return;
    view.entry.tellOperator(now, view.peers.ids);
    const question = view.entry.question();
    for (const id of view.peers.ids) this.#network.send(id, guestEnvelope(view, id, question));
  }

  onBootstrapHello(envelope: Envelope, hello: BootstrapHello, answer: Answer): void {
    const view = this.#view();
    if (view.identity === null) return;
    const { from } = envelope;
    const isNeeded = view.replica?.admission.isNeeded(from) ?? false;
    const reply = answerHello(view.identity, view.entry?.bootstrap?.told ?? [], envelope, hello, isNeeded);
    if (reply !== null) answer(withoutName(envelope, guestEnvelope(view, from, reply)));
  }

  /**
   * The asker has heard that store id from somebody; only this node can have said it first. A directory that has been a
   * member's has voted, and is bound to no later incarnation.
   */
  onDirectoryCheck(envelope: Envelope, { storeId, incarnation }: DirectoryCheck, answer: Answer): void {
    const view = this.#view();
    if (view.entry?.confirms(storeId, incarnation) !== true) return;
    const confirmed: Message = { kind: "directory-confirmed", storeId, incarnation };
    answer(withoutName(envelope, guestEnvelope(view, envelope.from, confirmed)));
  }

  onBootstrapReply({ from }: Envelope, reply: BootstrapReply): void {
    this.#onStep(this.#view().entry?.onBootstrapReply(from, reply) ?? wait);
  }

  onJoinAccepted(accepted: JoinAccepted): void {
    this.#onStep(this.#view().entry?.onJoinAccepted(accepted) ?? wait);
  }

  /** A node that has lost its own log cannot help the asker; the asker's operator is to know. */
  onJoinRequest({ cluster, from }: Envelope, { storeId, lost }: JoinRequest, answer: Answer): void {
    const view = this.#view();
    if (lost === "" || view.identity === null || view.identity.lost === null) return;
    if (cluster !== view.entry?.cluster) return;
    answer(guestEnvelope(view, from, { kind: "rebind-pending", storeId, standing: "recovering" }));
  }

  onRebindPending({ from }: Envelope, pending: RebindPending): void {
    this.#view().entry?.onRebindPending(from, pending);
  }

  /** A verdict on this node. Once the node takes part, only a committed configuration without it removes it. */
  onRemoved({ cluster }: Envelope, removed: Removed): void {
    const { entry, identity } = this.#view();
    if (entry !== null) return this.#onStep(entry.onRemoved(cluster, removed));
    if (identity === null) return;
    const { genesis, incarnation, storeId } = identity;
    const isMeant = removed.storeId === "" || removed.storeId === storeId;
    const isOurs = cluster === genesis?.cluster && removed.incarnation === incarnation;
    if (removed.reason === "removed" && isMeant && isOurs) this.#onStep({ kind: "removed" });
  }
}
