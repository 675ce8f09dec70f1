/**
 * A client: the simulator's operations, one at a time, over HTTP to a member of its choice. With a session it asks again,
 * elsewhere, under the same sequence, and reports the operation as one. Impatient ones go away from a request that lasts.
 */
import type { Draws } from "../../sim/draws.ts";
import { drawClash, drawKey, drawOperation, type KeyOperation, valueOf } from "../../sim/workload/generator.ts";
import type { Ask, Reply } from "../http.ts";
import type { KeyAsk, Told } from "../store/store.ts";
import type { Member } from "../world/member.ts";
import type { MemberProcess } from "../world/member-process.ts";
import { Requests } from "../world/requests.ts";
import type { World } from "../world/world.ts";
import type { OpenCall, Recorder } from "./history.ts";

/** A key is used for so long; then the next one of its name begins, so that histories of a key stay short. */
const epochMicros = 30_000_000;
const keysPerEpoch = 4;
const casPercent = 30;
const triesMax = 4;
const impatientMs = 700;

/** What clients share. */
export type Shop = {
  readonly world: World;
  readonly recorder: Recorder;
  readonly draws: Draws;
  /** Mean time between two operations of one client. */
  readonly thinkMs: number;
  readonly isOver: () => boolean;
  readonly onFinding: (kind: string, text: string) => void;
  /** Every key that was ever used. */
  readonly keys: Set<string>;
  /** Values whose writes certainly did not happen. */
  readonly refused: Set<string>;
};

/** The key that goes by `name` now: keys change with time, so that no key's history grows too long to check. */
export function epochKey(name: string, now: number): string {
  return `${name}.${Math.floor(now / epochMicros)}`;
}

/** A member that clients know, running or not. */
export function memberFor({ world, draws }: Shop, client: number, k: number, attempt: number): Member {
  const { present } = world;
  return present[draws.below(present.length, "clientTarget", client, k, attempt)]!;
}

/** A request and how it ended. `asked`: the member's process when it left, at `sinceMs`. */
type Ended = {
  readonly asked: MemberProcess | null;
  readonly sinceMs: number;
  readonly reply: Reply;
  readonly told: Told;
};

/**
 * Notes that a running member refused or lost a request. A member that was told to stop while all others were well owes
 * an answer with the outcome of the request.
 */
export function noteDenial(
  { world, recorder, onFinding }: Shop,
  { id }: Member,
  { asked, sinceMs, reply, told }: Ended,
): void {
  if (asked === null || (told.kind !== "none" && told.kind !== "unknown")) return;
  const isLost = reply.kind === "broken" || told.isStopping === true;
  if (asked.owesAnswers && isLost && told.kind === "unknown" && !world.pace.wasStarvedSince(sinceMs))
    onFinding("stop", `a write at n${id}, which was told to stop by SIGTERM, is unknown: ${told.why}`);
  else if (reply.kind !== "late" && asked.exit === null && !asked.owesAnswers)
    recorder.denials.push({ at: recorder.now(), kind: told.kind === "none" ? "refused" : "lost" });
}

type Seen = { readonly value: string | null; readonly revision: number };
const nothing: Seen = { value: null, revision: 0 };

/** One client of a run, with one operation under way at a time. */
export class Client {
  readonly #id: number;
  readonly #shop: Shop;
  readonly #requests: Requests;
  readonly #usesSession: boolean;
  /** It goes away before a member must have answered. */
  readonly #isImpatient: boolean;
  /** The number it goes by in the history: a new one after each operation that stays open. */
  #process: number;
  #session = 0;
  #sequence = 0;
  readonly #known = new Map<string, Seen>();

  constructor(id: number, shop: Shop) {
    this.#id = id;
    this.#shop = shop;
    this.#process = id;
    this.#usesSession = id % 2 === 0 && shop.world.store.sessionAsk !== null;
    this.#isImpatient = id % 4 === 3;
    this.#requests = new Requests(shop.world, shop.onFinding);
  }

  /** Works until the run is over. */
  async run(): Promise<void> {
    const { draws, thinkMs, isOver } = this.#shop;
    for (let k = 0; !isOver(); k++) {
      await new Promise((resolve) => setTimeout(resolve, draws.below(2 * thinkMs, "clientOp", this.#id, k, 0)));
      if (this.#usesSession && this.#session === 0) await this.#openSession(k);
      else await this.#operate(k);
    }
    await this.#requests.close();
  }

  #send(member: Member, ask: Ask, what: string): Promise<Reply> {
    if (this.#isImpatient) return this.#requests.askBriefly(member, ask, impatientMs);
    return this.#requests.ask(member, ask, what);
  }

  async #openSession(k: number): Promise<void> {
    const { store } = this.#shop.world;
    const reply = await this.#send(
      memberFor(this.#shop, this.#id, k, 9),
      store.sessionAsk!,
      "the opening of a session",
    );
    this.#session = store.sessionOf(reply);
    this.#sequence = 0;
  }

  async #operate(k: number): Promise<void> {
    const { draws, recorder, keys } = this.#shop;
    const now = recorder.now();
    const key = epochKey(drawKey(draws, this.#id, k, keysPerEpoch), now);
    keys.add(key);
    const op = drawOperation(draws, this.#id, k, casPercent, this.#known.has(key));
    const value = valueOf(this.#id, k);
    const expected = op === "cas" ? (this.#known.get(key) ?? nothing) : null;
    const ask = this.#askOf(op, key, value, expected, k);
    const told = { client: this.#process, key, call: now };
    const pending = recorder.called(callOf(told, op, value, expected));
    const answer = await this.#tryUntilTold(ask, k);
    this.#end(pending, op, key, value, answer);
  }

  #askOf(op: KeyOperation, key: string, value: string, expected: Seen | null, k: number): KeyAsk {
    if (op === "get") return { op, key, isStale: false };
    const idempotency = this.#nextSequence(k, op !== "delete");
    const revision = expected === null ? null : expected.value === null ? 0 : expected.revision;
    return {
      op: op === "delete" ? "delete" : "put",
      key,
      value: op === "delete" ? "" : value,
      expected: revision,
      idempotency,
    };
  }

  #nextSequence(k: number, isUnique: boolean): string | null {
    if (this.#session === 0) return null;
    const isClash = isUnique && this.#sequence > 0 && drawClash(this.#shop.draws, this.#id, k);
    if (!isClash) this.#sequence += 1;
    return `${this.#session}.${this.#sequence}`;
  }

  /** A session's write is asked for again where its outcome is not known, or it was refused. */
  async #tryUntilTold(ask: KeyAsk, k: number): Promise<Told> {
    const { store } = this.#shop.world;
    const mayRetry = ask.op !== "get" && ask.idempotency !== null;
    let mayHaveHappened = false;
    for (let attempt = 0; ; attempt++) {
      const member = memberFor(this.#shop, this.#id, k, attempt);
      const sinceMs = performance.now();
      const { process: asked } = member;
      const reply = await this.#send(member, store.keyAsk(ask), `${ask.op} of ${ask.key}`);
      const told = store.keyTold(ask, reply);
      noteDenial(this.#shop, member, { asked, sinceMs, reply, told });
      if (told.kind === "ok" || told.kind === "mismatch" || told.kind === "wrong") return told;
      if (told.kind !== "none") mayHaveHappened = true;
      if (told.kind === "session-gone") this.#session = 0;
      if (mayRetry && this.#session !== 0 && attempt < triesMax && !this.#shop.isOver()) continue;
      return mayHaveHappened && ask.op !== "get" ? { kind: "unknown", why: told.why } : { kind: "none", why: told.why };
    }
  }

  #end(pending: ReturnType<Recorder["called"]>, op: KeyOperation, key: string, value: string, told: Told): void {
    const { recorder, onFinding, refused } = this.#shop;
    if (told.kind === "wrong") onFinding("wrong answer", `${op} of ${key}: ${told.why}`);
    if (told.kind === "ok") {
      recorder.answered(pending, "ok", told.value, told.revision);
      const isWrite = op === "put" || op === "cas";
      if (isWrite) this.#known.set(key, { value, revision: told.keyRevision });
      else if (op === "delete" || told.value === null) this.#known.set(key, nothing);
      return;
    }
    if (told.kind === "mismatch") {
      this.#known.delete(key);
      return recorder.answered(pending, "mismatch", null, told.revision);
    }
    if (told.kind === "none") {
      if (op === "put" || op === "cas") refused.add(value);
      return recorder.answered(pending, "none", null, undefined);
    }
    this.#process += 1_000;
    recorder.answered(pending, "unknown", null, undefined);
  }
}

function callOf(
  told: { readonly client: number; readonly key: string; readonly call: number },
  op: KeyOperation,
  value: string,
  expected: Seen | null,
): OpenCall {
  if (op === "get") return { ...told, op, value: null };
  if (op === "put") return { ...told, op, value };
  if (op === "delete") return { ...told, op, value: null };
  return { ...told, op, value: [expected?.value ?? null, value] };
}
