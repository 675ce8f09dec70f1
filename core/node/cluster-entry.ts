/**
 * How a node comes to take part: it founds a cluster with others, joins one, or has its place in one given to it again
 * after its log was lost. Until then it only asks; and whatever decides about it is an answer from a URL that it has
 * dialled, in the phase in which that answer can come.
 */
import type { Trace } from "../ports.ts";
import type { Handshake } from "../protocol/frame.ts";
import type {
  BootstrapHello,
  BootstrapReply,
  Envelope,
  JoinAccepted,
  JoinRequest,
  RebindPending,
  RebindStanding,
  Removed,
} from "../protocol/message.ts";
import { type Genesis, genesisOf, type Identity } from "../storage/identity.ts";
import { addedAgain, lastResort, otherId, whileNobodyLeads } from "../storage/remedies.ts";
import type { ClusterId, Index, Micros, NodeId, StoreId } from "../units.ts";
import { Bootstrap, type FoundingStep } from "./bootstrap.ts";
import type { Ending, EndingCode } from "./options.ts";

/** `adopt`: the node takes part once that identity is durable. `end`: it cannot. */
export type EntryStep =
  | { readonly kind: "wait" }
  | { readonly kind: "adopt"; readonly identity: Identity; readonly genesis: Genesis }
  | { readonly kind: "removed" }
  | { readonly kind: "end"; readonly ending: Ending };

const wait: EntryStep = { kind: "wait" };

function endOf(code: EndingCode, reason: string): EntryStep {
  return { kind: "end", ending: { code, reason } };
}

const isLostLog = "the log is damaged or missing";
const tooFewVoters = "the other voters are no majority without this node";

/** How soon a node says that it has asked in vain to be rebound, and how often; an answer counts for the former. */
const tellAfterMicros: Micros = 5_000_000;
const tellEveryMicros: Micros = 60_000_000;

const standings: Readonly<Record<RebindStanding, string>> = {
  recovering: "has lost its log too",
  "needs-asker": "knows no majority without this node",
  "no-leader": "knows no leader",
  "has-leader": "knows a leader, and waits for what it decides",
};

/** One for each boot. A node that takes part already needs it only to answer others. */
export class ClusterEntry {
  /** Null where the node joins, or has lost its log. */
  readonly bootstrap: Bootstrap | null;
  readonly #identity: Identity;
  readonly #directory: string;
  /** Where the operator says that members are. */
  readonly #listed: readonly string[];
  readonly #trace: Trace;
  #hasTold = false;
  /** As which incarnation this directory has last said that it may be bound; and as which it was accepted. */
  #confirmed: Index = 0;
  #accepted: Index | null = null;
  /** What each has last answered to a request to rebind this node, and when that had been asked. */
  readonly #standings = new Map<NodeId, { readonly standing: RebindStanding; readonly askedAt: Micros }>();
  #askedAt: Micros = 0;
  /** When the operator is told next; null before the first question. */
  #tellAt: Micros | null = null;

  /** `directory` names the node's directories in a line for the operator; `cluster` is the command line's list. */
  constructor(
    identity: Identity,
    { directory, cluster }: { readonly directory: string; readonly cluster: readonly string[] },
    trace: Trace,
  ) {
    this.#directory = directory;
    this.#listed = cluster;
    this.#trace = trace;
    this.#identity = identity;
    this.bootstrap = identity.lost === null && identity.founders.length > 0 ? new Bootstrap(identity, trace) : null;
  }

  /** The cluster that the node was a member of before it lost its log; empty: it knows none. */
  get cluster(): ClusterId {
    return this.#identity.genesis?.cluster ?? "";
  }

  /**
   * Whether the message may decide about this node. A joining node knows only the operator's list of its cluster: a
   * verdict counts only from a URL in that list. Otherwise a stranger that dials the node could take it into another
   * cluster. A node that has lost its log knows the founders' store ids, as only members do: a join-accepted must
   * repeat them. `dialled` null: where the answer came from is not known, and it counts.
   */
  believes({ message, from }: Envelope, dialled: string | null): boolean {
    const isVerdict = message.kind === "join-accepted" || message.kind === "removed";
    if (!isVerdict) return true;
    if (this.cluster !== "") {
      const { storeIds } = this.#identity.genesis!;
      if (message.kind === "removed" || message.genesis.join() === storeIds.join()) return true;
      this.#tellOnce(`node ${from} says that this node was rebound, and does not know who founded its cluster`);
      return false;
    }
    if (dialled === null || this.#listed.includes(dialled)) return true;
    if (message.kind === "join-accepted") {
      const why = "--cluster does not name that URL: the word of a member that it names is waited for";
      this.#tellOnce(`node ${from} at ${dialled} says that this node was added; ${why}`);
    }
    return false;
  }

  /**
   * Whether `theirs`, who listens where a peer was dialled, may end this node by its word. A node that has lost its log
   * believes only the directories that founded the cluster: it cannot tell a later member from a stranger. A node that
   * founded the cluster alone, or joins, knows no other directory, and believes any listener.
   */
  isBound({ node, storeId }: Pick<Handshake, "node" | "storeId">): boolean {
    const { genesis, former } = this.#identity;
    const isKnown = genesis?.storeIds.some((one) => !former.includes(one)) === true;
    return !isKnown || (storeId !== "" && genesis.storeIds[node - 1] === storeId);
  }

  /** The first step: alone, a node founds a cluster at once. */
  begin(): EntryStep {
    return this.bootstrap === null ? wait : this.#found(this.bootstrap.step(this.#identity.node, null));
  }

  /** What the node asks all whom it knows, again and again. */
  question(): BootstrapHello | JoinRequest {
    const { storeId, incarnation, lost } = this.#identity;
    return this.bootstrap?.hello() ?? { kind: "join-request", storeId, incarnation, lost: lost ?? "" };
  }

  #tellOnce(text: string): void {
    if (this.#hasTold) return;
    this.#hasTold = true;
    this.#trace.note("info", text);
  }

  onRebindPending(from: NodeId, { storeId, standing }: RebindPending): void {
    if (this.#identity.lost !== null && storeId === this.#identity.storeId) {
      this.#standings.set(from, { standing, askedAt: this.#askedAt });
    }
  }

  /** Call it with each question to `ids`. Where the log is lost, it tells once a minute what each has answered. */
  tellOperator(now: Micros, ids: readonly NodeId[]): void {
    if (this.#identity.lost === null) return;
    this.#askedAt = now;
    this.#tellAt ??= now + tellAfterMicros;
    if (now < this.#tellAt) return;
    this.#tellAt = now + tellEveryMicros;
    const answers = ids.map((id) => {
      const answer = this.#standings.get(id);
      const isSilent = answer === undefined || answer.askedAt < now - tellAfterMicros;
      return `node ${id} ${isSilent ? "does not answer" : standings[answer.standing]}`;
    });
    const remedy = whileNobodyLeads(this.#directory);
    this.#trace.note(
      "warn",
      `${isLostLog}, and nobody has rebound this node: ${answers.join(", ")}; asking on: ${remedy}`,
    );
  }

  /**
   * Whether this directory, by its store id, confirms that it may be bound as that incarnation. A directory that was
   * accepted as another incarnation belongs to that incarnation for good, even if that was removed meanwhile.
   */
  confirms(storeId: StoreId, incarnation: Index): boolean {
    const isOther = this.#accepted !== null && this.#accepted !== incarnation;
    if (this.#identity.genesis !== null || this.#identity.storeId !== storeId || isOther) return false;
    this.#confirmed = incarnation;
    return true;
  }

  onBootstrapReply(from: NodeId, reply: BootstrapReply): EntryStep {
    return this.bootstrap === null ? wait : this.#found(this.bootstrap.step(from, reply));
  }

  onJoinAccepted({ storeId, term, incarnation, genesis: storeIds, founders }: JoinAccepted): EntryStep {
    const identity = this.#identity;
    if (this.bootstrap !== null || storeId !== identity.storeId) return wait;
    // A late word: that incarnation was removed, and this directory is about to be bound as a later one.
    if (incarnation < this.#confirmed) return wait;
    this.#accepted ??= incarnation;
    const genesis = identity.genesis ?? genesisOf(founders, storeIds);
    const rebound = identity.lost !== null;
    const adopted = { ...identity, founders, genesis, incarnation, lost: null, rebound, sinceTerm: term };
    return { kind: "adopt", identity: adopted, genesis };
  }

  onRemoved(cluster: ClusterId, { storeId, incarnation, reason }: Removed): EntryStep {
    const { node, lost } = this.#identity;
    // A late answer to an earlier store id of this node says nothing about the directory that is to be rebound.
    if (storeId !== this.#identity.storeId) return wait;
    const bound = `another directory is bound as node ${node}`;
    switch (reason) {
      case "removed": {
        const isMeant = lost !== null && cluster === this.cluster && incarnation === this.#identity.incarnation;
        return isMeant ? { kind: "removed" } : wait;
      }
      case "too-few-voters":
        if (lost !== null)
          return endOf("unrecoverable", `${isLostLog}, and ${tooFewVoters}: ${lastResort(this.#directory)}`);
        // Only a founder is told this: the leader that answers a joining node has a majority.
        if (this.bootstrap === null) return wait;
        return endOf("another-directory", `${bound}, and ${tooFewVoters}: ${lastResort(this.#directory)}`);
      case "another-directory": {
        if (lost !== null) return wait;
        return endOf("another-directory", `${bound}: ${addedAgain(node)}`);
      }
      case "id-of-leader": {
        if (lost !== null) return wait;
        return endOf("id-in-use", `node ${node} runs elsewhere and leads the cluster: ${otherId}`);
      }
      default:
        return reason satisfies never;
    }
  }

  #found(step: FoundingStep): EntryStep {
    if (step.kind === "wait") return wait;
    return { kind: "adopt", identity: { ...this.#identity, genesis: step.genesis }, genesis: step.genesis };
  }
}

/**
 * Where the command line says that each node is, and where it was when the cluster was founded: the list founds a
 * cluster at the first start; at a later one it only says where the others are to be asked now.
 */
export function addressHints({ founders }: Identity, cluster: readonly string[]): Map<NodeId, string[]> {
  const urls = new Map<NodeId, string[]>();
  for (const list of [cluster, founders]) {
    for (const [k, url] of list.entries()) urls.set(k + 1, [...(urls.get(k + 1) ?? []), url]);
  }
  return urls;
}
