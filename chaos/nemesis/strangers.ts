/**
 * What strangers say at a peer port: nonsense, more than a stranger has to say, nothing at all; and words of a peer by one
 * that does not know the cluster. None of it may change anything, or be kept for long.
 */
import { connect, type Socket } from "node:net";
import { Writer } from "../../core/bytes.ts";
import { encodeHandshake, protocolVersion, writeFrame } from "../../core/protocol/frame.ts";
import { encodeEnvelope } from "../../core/protocol/message-codec.ts";
import type { Message } from "../../core/protocol/message.ts";
import type { Member } from "../world/member.ts";
import type { Family, Field } from "./family.ts";

const upgrade = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: metastore-peer\r\n\r\n";
/** A frame that says it is 30 MB long, bytes of chance, the beginning of a request, and silence. */
const sayings = [`${upgrade}\x00\x00\xc9\x01abcd`, `${upgrade}${"\x07".repeat(900)}`, "GET /", "", "\x16\x03\x01\x02"];

const strangers = 30;
/** They say more than any peer may before it is accepted. */
const talkers = 4;
const talkBytes = 28 * 1024 * 1024;
const talkPieceBytes = 1024 * 1024;
/** No election comes to it in a run. */
const forgedTerm = 1_000_000_000;
/** Greater than any that there is: of a member of the future nothing is known. */
const forgedIncarnation = 1_000_000_000;
/** A stranger has a few seconds, also on a machine that is busy. */
const closedMs = 45_000;

/** Connections to a peer port by who is no peer. */
export const stranger: Family = {
  name: "stranger",
  needs: "a member that runs",
  isolation: "link",
  holdMs: [1_000, 6_000],
  isGeneral: false,
  may: ({ free }) => free.some(({ isUp }) => isUp),
  async strike(field) {
    const { world, chance } = field;
    const member = chance.pick(field.free.filter(({ isUp }) => isUp));
    const others = world.present.filter((one) => one !== member);
    const sinceMs = performance.now();
    const sockets = Array.from({ length: strangers }, () => say(portOf(member), chance.pick(sayings)));
    sockets.push(...others.map(({ id }) => say(portOf(member), wordsOfPeer(id, member.id))));
    // These reach the member itself, so that what is taken from them is taken by nobody else.
    const talking = Array.from({ length: talkers }, () => new Talker(member.listenPort));
    sockets.push(...talking.map(({ socket }) => socket));
    return {
      what: `${sockets.length} strangers at n${member.id}'s peer port`,
      heal: async () => {
        const isClosed = await world.until(() => sockets.every(({ destroyed }) => destroyed), closedMs);
        const isJudged = member.isUp && member.disturbedAtMs < sinceMs && !member.isShort && !world.isHurried;
        if (isJudged && !isClosed) field.onFinding("stranger", `n${member.id} keeps strangers for ${closedMs} ms`);
        if (talking.some(({ isAllTaken }) => isAllTaken))
          field.onFinding("stranger", `n${member.id} has taken ${talkBytes} bytes from a stranger`);
        for (const socket of sockets) socket.destroy();
        await judgeTerm(field);
      },
    };
  },
};

async function judgeTerm({ world, onFinding }: Field): Promise<void> {
  for (const member of world.present) {
    const state = await world.stateOf(member);
    if (state !== null && state.term >= forgedTerm)
      onFinding("stranger", `n${member.id} believes a stranger's term ${state.term}`);
  }
}

function portOf({ url }: Member): number {
  return Number(new URL(url).port);
}

function say(port: number, words: string): Socket {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.resume();
  socket.write(Buffer.from(words, "latin1"));
  return socket;
}

/** As node `from` would speak if it did not know its cluster: it asks to be elected, and says that `to` is removed. */
function wordsOfPeer(from: number, to: number): string {
  const writer = new Writer();
  const said = { cluster: "", incarnation: forgedIncarnation, boot: forgedTerm, storeId: "" };
  const [versionMin, versionMax] = [protocolVersion, protocolVersion];
  const url = "http://127.0.0.1:9";
  const handshake = { ...said, versionMin, versionMax, node: from, nonce: 1, takesPart: true, to, url };
  writeFrame(writer, () => encodeHandshake(writer, handshake));
  const messages: readonly Message[] = [
    { kind: "vote", term: forgedTerm, lastIndex: forgedTerm, lastTerm: forgedTerm, transfer: true },
    { kind: "removed", storeId: "", incarnation: 0, reason: "removed" },
  ];
  for (const message of messages) {
    const { cluster, incarnation: fromIncarnation, boot: fromBoot } = said;
    const envelope = { cluster, from, fromIncarnation, fromBoot, to, toIncarnation: 0, message };
    writeFrame(writer, () => encodeEnvelope(writer, envelope));
  }
  return `${upgrade}${Buffer.from(writer.bytes()).toString("latin1")}`;
}

/** Announces a frame of 30 MB, and goes on to send it while somebody takes it. */
class Talker {
  readonly socket: Socket;
  isAllTaken = false;
  #leftBytes = talkBytes;

  constructor(port: number) {
    this.socket = say(port, `${upgrade}\x00\x00\xc9\x01abcd`);
    this.socket.on("drain", () => this.#goOn());
    this.socket.on("connect", () => this.#goOn());
  }

  #goOn(): void {
    const { socket } = this;
    while (this.#leftBytes > 0 && !socket.destroyed && !socket.writableNeedDrain) {
      this.#leftBytes -= talkPieceBytes;
      socket.write(
        Buffer.alloc(talkPieceBytes, 7),
        () => (this.isAllTaken ||= this.#leftBytes <= 0 && socket.writableLength === 0),
      );
    }
  }
}
