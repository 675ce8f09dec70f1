/** Planted bugs of the way between nodes: frames, streams, who is reached and who may speak. */
import type { Mistake } from "../support/plant.ts";

export const mistakesOfTransport: readonly Mistake[] = [
  {
    name: "one read of a socket is taken for one message",
    layer: "transport",
    file: "core/wire/frame.ts",
    old: "if (used < chunk.length) this.#hold(chunk.subarray(used));",
    new: "",
  },
  {
    name: "the checksum of a frame is not looked at",
    layer: "transport",
    file: "core/wire/frame.ts",
    old: 'if (crc32(body, 0) !== readU32(bytes, at + 4)) throw new BadBytes("a frame\'s checksum is wrong");',
    new: "",
  },
  {
    name: "messages are lost, and nobody counts, once a queue was full",
    layer: "transport",
    file: "core/wire/connection.ts",
    old: 'if (this.#state !== "open" || this.#queue.length > this.#queueBytesMax) {',
    new: 'if (this.#state !== "open" || this.dropped > 3 || this.#queue.length > this.#queueBytesMax) {',
  },
  {
    name: "a queue has no bound",
    layer: "transport",
    file: "core/wire/connection.ts",
    old: "|| this.#queue.length > this.#queueBytesMax) {",
    new: "|| this.#queue.length > 64 * this.#queueBytesMax) {",
  },
  {
    name: "a handshake in two pieces is taken for none",
    layer: "transport",
    file: "core/wire/connection.ts",
    old: "if (refusal === null && this.#peer === null && this.#frames.heldBytes > handshakeBytesMax) {",
    new: "if (refusal === null && this.#peer === null) {",
  },
  {
    name: "a node that lags does not learn where its leader is reached",
    layer: "transport",
    file: "core/node/peers.ts",
    old: "    this.#met.set(id, url);\n",
    new: "",
  },
  {
    name: "streams that were begun before a node knew its own address never say it",
    layer: "transport",
    file: "core/node/peers.ts",
    old: "if (ownUrl !== this.#ownUrl) this.#network.setPeers(new Map());",
    new: "",
  },
  {
    name: "an acknowledgement for a leader that is over goes out with the next vote",
    layer: "log",
    file: "core/raft/outbox.ts",
    old: 'return message.kind !== "append-reply" || message.term === hardState.term;',
    new: "return message.kind.length > 0;",
  },
  {
    name: "a founder that was removed and added again stands by the founders' configuration",
    layer: "membership",
    file: "core/raft/membership.ts",
    old: "isVoter(configuration, id) && memberOf(configuration, id)?.incarnation === incarnation;",
    new: "isVoter(configuration, id);",
  },
  {
    name: "one that was removed and has no vote is not told when its place is taken",
    layer: "membership",
    file: "core/node/door.ts",
    old: "return outdatedReply(this.#raft.term);",
    new: "return false;",
  },
  {
    name: "a directory of a newer format is opened",
    layer: "recovery",
    file: "core/storage/identity.ts",
    old: "if (format > formatVersion) throw",
    new: "if (format > formatVersion + 1) throw",
  },
  {
    name: "a read that gives less than was asked is taken for all",
    layer: "recovery",
    file: "core/storage/wal-recovery.ts",
    old: "if (failure !== null) return broken(failure);\n      segments.push({ number, bytes });",
    new: 'if (failure !== null && failure.code !== "SHORT") return broken(failure);\n      segments.push({ number, bytes });',
  },
];
