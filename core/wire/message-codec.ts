/**
 * Messages as bytes. Decoding trusts nothing: every count is bounded by the bytes that are there, every number by its
 * range, every entry by its checksum; what does not fit throws BadBytes.
 */
import { unreachable } from "../assert.ts";
import { BadBytes, Reader, Writer } from "../bytes.ts";
import { type Entry, type Envelope, type Message, type Proposal, entryKinds } from "../raft/messages.ts";
import { decodeEntry, entryHeaderBytes, entryLength } from "./entry-codec.ts";

/** Numbers on the wire; never reused. */
const kinds = {
  "pre-vote": 1,
  "pre-vote-reply": 2,
  vote: 3,
  "vote-reply": 4,
  append: 5,
  "append-reply": 6,
  forward: 7,
  "forward-refused": 8,
  read: 9,
  "read-reply": 10,
  founder: 11,
} as const satisfies Record<Message["kind"], number>;

export const urlBytesMax = 2048;
const foundersMax = 64;

export function encodeEnvelope(writer: Writer, envelope: Envelope): void {
  writer.id(envelope.cluster);
  writer.u64(envelope.from);
  writer.u64(envelope.fromIncarnation);
  writer.u64(envelope.fromBoot);
  writer.u64(envelope.to);
  writer.u64(envelope.toIncarnation);
  writer.u8(kinds[envelope.message.kind]);
  encodeMessage(writer, envelope.message);
}

function encodeMessage(writer: Writer, message: Message): void {
  switch (message.kind) {
    case "pre-vote":
    case "vote":
      writer.u64(message.term);
      writer.u64(message.lastIndex);
      writer.u64(message.lastTerm);
      return;
    case "pre-vote-reply":
    case "vote-reply":
      writer.u64(message.term);
      writer.u8(message.granted ? 1 : 0);
      return;
    case "append":
      for (const field of [message.term, message.prevIndex, message.prevTerm, message.commit]) writer.u64(field);
      writer.u64(message.round);
      writer.u64(message.stream);
      writer.u32(message.entries.length);
      for (const entry of message.entries) writer.raw(entry.bytes);
      return;
    case "append-reply":
      writer.u64(message.term);
      writer.u64(message.round);
      writer.u64(message.stream);
      writer.u8(message.success ? 1 : 0);
      for (const field of [message.matchIndex, message.prevIndex, message.hintIndex, message.hintTerm])
        writer.u64(field);
      return;
    case "forward":
      writer.u64(message.term);
      writer.u32(message.proposals.length);
      for (const proposal of message.proposals) encodeProposal(writer, proposal);
      return;
    case "forward-refused":
      for (const field of [message.term, message.boot, message.firstSeq, message.count]) writer.u64(field);
      return;
    case "read":
      writer.u64(message.boot);
      writer.u64(message.id);
      return;
    case "read-reply":
      writer.u64(message.boot);
      writer.u64(message.id);
      writer.u64(message.index);
      return;
    case "founder":
      writer.id(message.storeId);
      writer.u32(message.urls.length);
      for (const url of message.urls) writer.text(url);
      writer.u32(message.genesis.length);
      for (const id of message.genesis) writer.id(id);
      return;
    default:
      return unreachable(message);
  }
}

function encodeProposal(writer: Writer, proposal: Proposal): void {
  writer.u8(proposal.kind);
  writer.u64(proposal.origin.node);
  writer.u64(proposal.origin.boot);
  writer.u64(proposal.origin.seq);
  writer.u64(proposal.session);
  writer.u64(proposal.sequence);
  writer.u32(proposal.payload.length);
  writer.raw(proposal.payload);
}

/** Reads one envelope that fills `reader` exactly. */
export function decodeEnvelope(reader: Reader): Envelope {
  const cluster = reader.id();
  const from = reader.u64();
  const fromIncarnation = reader.u64();
  const fromBoot = reader.u64();
  const to = reader.u64();
  const toIncarnation = reader.u64();
  const message = decodeMessage(reader, reader.u8());
  reader.end();
  return { cluster, from, fromIncarnation, fromBoot, to, toIncarnation, message };
}

function decodeMessage(reader: Reader, kind: number): Message {
  switch (kind) {
    case kinds["pre-vote"]:
      return { kind: "pre-vote", term: reader.u64(), lastIndex: reader.u64(), lastTerm: reader.u64() };
    case kinds.vote:
      return { kind: "vote", term: reader.u64(), lastIndex: reader.u64(), lastTerm: reader.u64() };
    case kinds["pre-vote-reply"]:
      return { kind: "pre-vote-reply", term: reader.u64(), granted: decodeBoolean(reader) };
    case kinds["vote-reply"]:
      return { kind: "vote-reply", term: reader.u64(), granted: decodeBoolean(reader) };
    case kinds.append: {
      const [term, prevIndex, prevTerm] = [reader.u64(), reader.u64(), reader.u64()];
      const [commit, round, stream] = [reader.u64(), reader.u64(), reader.u64()];
      const entries = decodeEntries(reader, prevIndex);
      return { kind: "append", term, prevIndex, prevTerm, commit, round, stream, entries };
    }
    case kinds["append-reply"]: {
      const [term, round, stream] = [reader.u64(), reader.u64(), reader.u64()];
      const success = decodeBoolean(reader);
      const [matchIndex, prevIndex] = [reader.u64(), reader.u64()];
      const [hintIndex, hintTerm] = [reader.u64(), reader.u64()];
      return { kind: "append-reply", term, round, stream, success, matchIndex, prevIndex, hintIndex, hintTerm };
    }
    case kinds.forward: {
      const term = reader.u64();
      const proposals = Array.from({ length: reader.count(45) }, () => decodeProposal(reader));
      return { kind: "forward", term, proposals };
    }
    case kinds["forward-refused"]: {
      const [term, boot, firstSeq, count] = [reader.u64(), reader.u64(), reader.u64(), reader.u64()];
      return { kind: "forward-refused", term, boot, firstSeq, count };
    }
    case kinds.read:
      return { kind: "read", boot: reader.u64(), id: reader.u64() };
    case kinds["read-reply"]:
      return { kind: "read-reply", boot: reader.u64(), id: reader.u64(), index: reader.u64() };
    case kinds.founder:
      return decodeFounder(reader);
    default:
      throw new BadBytes(`message kind ${kind} is not known`);
  }
}

function decodeFounder(reader: Reader): Message {
  const storeId = reader.id();
  const urls = Array.from({ length: Math.min(reader.count(4), foundersMax) }, () => reader.text(urlBytesMax));
  const genesis = Array.from({ length: Math.min(reader.count(16), foundersMax) }, () => reader.id());
  return { kind: "founder", storeId, urls, genesis };
}

function decodeBoolean(reader: Reader): boolean {
  const value = reader.u8();
  if (value > 1) throw new BadBytes(`a boolean of ${value}`);
  return value === 1;
}

function decodeEntries(reader: Reader, prevIndex: number): Entry[] {
  const count = reader.count(entryHeaderBytes);
  const entries: Entry[] = [];
  for (let k = 0; k < count; k++) {
    const end = reader.at + reader.left;
    const length = entryLength(reader.bytes, reader.at, end);
    const entry = decodeEntry(reader.bytes, reader.at, end);
    if (entry.index !== prevIndex + 1 + k) throw new BadBytes("entries of an append are contiguous");
    if (k > 0 && entry.term < entries[k - 1]!.term) throw new BadBytes("terms fall within an append");
    entries.push(entry);
    reader.raw(length);
  }
  return entries;
}

function decodeProposal(reader: Reader): Proposal {
  const kind = reader.u8();
  if (kind !== entryKinds.command) throw new BadBytes(`entry kind ${kind} may not be forwarded`);
  const origin = { node: reader.u64(), boot: reader.u64(), seq: reader.u64() };
  const [session, sequence] = [reader.u64(), reader.u64()];
  return { kind, origin, session, sequence, payload: reader.raw(reader.u32()).slice() };
}
