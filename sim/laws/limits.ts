/** That nothing crashes, hangs or grows without end: I21 crash and hang freedom. An error that nobody catches breaks it too. */
import type { Envelope } from "../../core/protocol/message.ts";
import type { NodeId } from "../../core/units.ts";
import { must } from "../violation.ts";

/** Events of one run: ten times what the longest of 10,000 runs took. */
const eventsMax = 1_000_000;
/** Events that wait: a hundred times what any run has waiting. */
const queuedEventsMax = 200_000;
/** A turn leaves one thing for its end, and that sometimes another. */
const turnEndsMax = 10_000;

/** I21. So many events have happened in this run. */
export function runMustEnd(events: number): void {
  must(events < eventsMax, "I21", () => "something goes round in circles: there is no end of events");
}

/** I21. One event more is put behind `queued` others. */
export function queueOfEventsMustBeBounded(queued: number): void {
  must(queued < queuedEventsMax, "I21", () => "somebody asks for ever more in one turn");
}

/** I21. A turn of `id` does the `ends`-th thing that was left for its end. */
export function turnMustEnd(id: NodeId, ends: number): void {
  must(ends <= turnEndsMax, "I21", () => `n${id}: a turn that never ends`);
}

/** I21. An append with so many entries leaves `id`. */
export function appendMustBeBounded(id: NodeId, entries: number, entriesMax: number): void {
  must(entries <= entriesMax, "I21", () => `n${id} sends ${entries} entries at once`);
}

/** I21. A queue of `from` holds `bytes`, of which so many were there when the last frame was taken. */
export function peerQueueMustBeBounded(from: NodeId, bytes: number, bytesBeforeLast: number, bytesMax: number): void {
  must(bytesBeforeLast <= bytesMax, "I21", () => `n${from} queues ${bytes} bytes`);
}

/** I21. A message has come through frames, in pieces; damaged, it must be noticed, and else be read. */
export function frameMustBeReadIfWhole(isDamaged: boolean, isRead: boolean): void {
  must(isDamaged || isRead, "I21", () => "a whole message is not read");
  must(!isDamaged || !isRead, "I21", () => "a message with another byte in it is taken for whole");
}

/** I21. `at` ends a stream from `from`, since it has `trouble` with it. `isExplained`: it refuses the peer, or bytes were damaged. */
export function streamMustBeUnderstood(at: NodeId, from: NodeId, trouble: string, isExplained: boolean): void {
  must(isExplained, "I21", () => `n${at} cannot read what n${from} says: ${trouble}`);
}

/** I21. `id` reads a message on a stream of `from`; `sent`: the oldest one on its way there. */
export function readMessageMustHaveBeenSent(
  id: NodeId,
  from: NodeId,
  sent: Envelope | undefined,
): asserts sent is Envelope {
  must(sent !== undefined, "I21", () => `n${id} reads a message that n${from} has not sent`);
}

/** I21. The same; `isSame`: they are equal, byte for byte. */
export function readMessageMustBeTheSent(id: NodeId, from: NodeId, kind: string, isSame: boolean): void {
  must(isSame, "I21", () => `n${id} reads another message than n${from} has sent: ${kind}`);
}

/** I21. A request is answered. `isFirst`: for the first time. */
export function requestMustEndOnce(id: NodeId, what: string, isFirst: boolean): void {
  must(isFirst, "I21", () => `n${id} answers a ${what} twice`);
}

/** I21. The time is over in which a process had to stop. `hasStopped`: it has, or something kept it from that. */
export function toldToStopMustStop(id: NodeId, hasStopped: boolean): void {
  must(hasStopped, "I21", () => `n${id} was told to stop, and does not`);
}

/** I21. A node makes `call` on its file `name`, which it has closed: its descriptor may be another file's by then. */
export function closedFileMustNotBeUsed(name: string, call: string, isClosed: boolean): void {
  must(!isClosed, "I21", () => `${call} of ${name}, which is closed`);
}
