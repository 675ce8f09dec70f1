/**
 * How the directory of an added member is bound. Anybody can say that it is that member, so its word alone binds nothing
 * and is answered with nothing. A member that hears it asks at the URL that the configuration has for the added one, on the
 * stream that it has dialled there itself: is that your directory? Only the node that listens there knows the store id that it
 * asks with. Any member may find that out; the leader binds. So a node joins through members that do not lead, too.
 */
import type { BindRequest, DirectoryConfirmed, Message } from "../protocol/message.ts";
import { bindStore, memberOf } from "../raft/membership.ts";
import type { Raft } from "../raft/raft.ts";
import type { Micros, NodeId, StoreId } from "../units.ts";
import type { ContextOf } from "./context.ts";

/** A member that cannot be asked is not dialled more often, however many joiners ask to be it. */
const redialMicros: Micros = 2_000_000;
/** How soon the operator is told that a joiner asks in vain, and how often. */
const tellAfterMicros: Micros = 5_000_000;
const tellEveryMicros: Micros = 60_000_000;

/** The attempt to bind a member that is not bound yet. */
type Attempt = { readonly url: string; redialledAt: Micros; tellAt: Micros };

/** One for each boot that takes part. */
export class DirectoryBinding {
  readonly #context: ContextOf<"peers" | "schedule" | "send" | "trace">;
  readonly #raft: Raft;
  /** By members that were not bound when somebody asked to be: no more than there are ids in configurations. */
  readonly #attempts = new Map<NodeId, Attempt>();

  constructor(context: ContextOf<"peers" | "schedule" | "send" | "trace">, raft: Raft) {
    this.#context = context;
    this.#raft = raft;
  }

  /** Somebody asks to be bound as `id`, with `storeId`; looks for it where the configuration has that member. */
  check(now: Micros, id: NodeId, storeId: StoreId): void {
    const member = memberOf(this.#raft.configuration, id);
    if (member?.storeId !== "") return void this.#attempts.delete(id);
    let attempt = this.#attempts.get(id);
    if (attempt?.url !== member.url) {
      attempt = { url: member.url, redialledAt: -Infinity, tellAt: now + tellAfterMicros };
      this.#attempts.set(id, attempt);
    }
    const question: Message = { kind: "directory-check", storeId, incarnation: member.incarnation };
    if (!this.#context.send({ to: id, message: question })) this.#redial(now, id, attempt);
    if (now < attempt.tellAt) return;
    attempt.tellAt = now + tellEveryMicros;
    const advice = `POST its peer URL to /v1/members/${id} if it is reached elsewhere`;
    this.#context.trace.note(
      "info",
      `somebody asks to join as node ${id}, and its directory does not answer at ${member.url}: ${advice}`,
    );
  }

  /**
   * Whether an answer from `dialled` (null: not known) is of the member `id`: any node may have answered there. Where
   * it is not, the stream leads to an earlier address, and the member's own is dialled again.
   */
  isPlaceOf(now: Micros, id: NodeId, dialled: string | null): boolean {
    if (dialled === null || memberOf(this.#raft.configuration, id)?.url === dialled) return true;
    const attempt = this.#attempts.get(id);
    if (attempt !== undefined) this.#redial(now, id, attempt);
    return false;
  }

  #redial(now: Micros, id: NodeId, attempt: Attempt): void {
    if (now < attempt.redialledAt + redialMicros) return;
    attempt.redialledAt = now;
    this.#context.peers.redial(id);
  }

  /** A directory has answered where `id` is to be reached; an answer about an earlier incarnation is late. */
  onConfirmed(now: Micros, id: NodeId, { storeId, incarnation }: DirectoryConfirmed): void {
    const { configuration, leader, role } = this.#raft;
    const member = memberOf(configuration, id);
    if (member?.storeId !== "" || member.incarnation !== incarnation) return;
    const attempt = this.#attempts.get(id);
    // It does answer there: where it is not bound all the same, that has another reason.
    if (attempt !== undefined) attempt.tellAt = now + tellAfterMicros;
    const request: BindRequest = { kind: "bind-request", node: id, incarnation, url: member.url, storeId };
    if (role === "leader") this.bind(now, request);
    else if (leader !== 0) this.#context.send({ to: leader, message: request });
  }

  /**
   * For the leader: binds it, unless it is bound, is another incarnation, or is to be reached elsewhere by now. Where that cannot
   * be now, it will ask again.
   */
  bind(now: Micros, { node, incarnation, url, storeId }: BindRequest): void {
    const { configuration, role } = this.#raft;
    const member = memberOf(configuration, node);
    if (role !== "leader" || member?.storeId !== "") return;
    if (member.incarnation !== incarnation || member.url !== url) return;
    this.#raft.proposeConfiguration(now, bindStore(configuration, node, storeId));
    this.#context.schedule();
  }
}
