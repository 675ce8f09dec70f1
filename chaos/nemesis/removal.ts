/**
 * The removal of a leader: it hands over first, so nobody waits for an election. A machine that is busy makes pauses of its
 * own: a removal is judged where nothing else was done and writes were fast just before it, and two must have been slow.
 */
import type { Member } from "../world/member.ts";
import { Requests } from "../world/requests.ts";
import type { Field } from "./family.ts";

const beforeMs = 1_500;
const afterMs = 1_500;
const beatMs = 25;
/** An election begins no earlier than this after a leader has gone. */
const slowMs = 900;
const calmMs = 150;
const slowCount = 2;

let slow = 0;
let judged = 0;

/** Calls `remove`, which removes `member`, and watches writes through the others meanwhile. */
export async function judgeRemoval(field: Field, member: Member, remove: () => Promise<boolean>): Promise<void> {
  const { world } = field;
  const sinceMs = performance.now();
  const isOfLeader = world.leader === member.id;
  if (!isOfLeader) return void (await remove());
  const writes = new Writes(field, member);
  await field.hold(beforeMs);
  const beforeGapMs = writes.longestGapMs();
  const isRemoved = await remove();
  await field.hold(afterMs);
  const gapMs = writes.longestGapMs();
  await writes.end();
  const isJudged = isRemoved && beforeGapMs < calmMs && world.wasLeftAlone(sinceMs, member);
  if (!isJudged) return;
  judged += 1;
  if (gapMs > slowMs) slow += 1;
  if (gapMs > slowMs && slow >= slowCount && 2 * slow > judged)
    field.onFinding("membership", `removals of a leader stop writes: ${slow} of ${judged}, now for ${gapMs} ms`);
}

/** Small writes through all members but one. */
class Writes {
  readonly #requests: Requests;
  readonly #loops: Promise<void>[];
  #isOver = false;
  #lastMs = performance.now();
  #longestMs = 0;

  constructor({ world, onFinding }: Field, not: Member) {
    this.#requests = new Requests(world, onFinding);
    const others = world.present.filter((one) => one !== not);
    this.#loops = others.map(async (member) => {
      const put = { op: "put", key: `removal.${member.id}`, value: "x", expected: null, idempotency: null } as const;
      while (!this.#isOver) {
        const reply = await this.#requests.ask(member, world.store.keyAsk(put), `put of ${put.key}`);
        if (world.store.keyTold(put, reply).kind === "ok") this.#onAcknowledged();
        await new Promise((resolve) => setTimeout(resolve, beatMs));
      }
    });
  }

  #onAcknowledged(): void {
    const nowMs = performance.now();
    this.#longestMs = Math.max(this.#longestMs, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
  }

  /** The longest time without an acknowledged write, up to now. */
  longestGapMs(): number {
    return Math.round(Math.max(this.#longestMs, performance.now() - this.#lastMs));
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#loops);
    await this.#requests.close();
  }
}
