/**
 * Messages as bytes. Decoding trusts nothing: every count is bounded by the bytes that are there, every number by its
 * range, every entry by its checksum; what does not fit throws BadBytes.
 */
import { unreachable } from "../assert.ts";
import { BadBytes, Reader, Writer } from "../bytes.ts";
import type { StoreId } from "../units.ts";
import { decodeChange, decodeName, encodeChange } from "./change-codec.ts";
import { decodeConfiguration, urlBytesMax } from "./configuration-codec.ts";
import { decodeEntry, entryHeaderBytes, entryLength, entryPayload } from "./entry-codec.ts";
import { type Entry, entryKinds, type Proposal } from "./entry.ts";
import { changeOutcomes, messageKinds, namesByNumber, rebindStandings, removalReasons } from "./message-kinds.ts";
import type { Envelope, Message } from "./message.ts";

/** A cluster is founded by no more. */
export const foundersMax = 64;
const outcomeNames = namesByNumber(changeOutcomes);
const reasonNames = namesByNumber(removalReasons);
const standingNames = namesByNumber(rebindStandings);

/** Appends the envelope, its message included, to `writer`. What it writes, `decodeEnvelope` reads. */
export function encodeEnvelope(writer: Writer, envelope: Envelope): void {
  writer.id(envelope.cluster);
  writer.u64(envelope.from);
  writer.u64(envelope.fromIncarnation);
  writer.u64(envelope.fromBoot);
  writer.u64(envelope.to);
  writer.u64(envelope.toIncarnation);
  writer.u8(messageKinds[envelope.message.kind]);
  encodeMessage(writer, envelope.message);
}

function encodeMessage(writer: Writer, message: Message): void {
  switch (message.kind) {
    case "pre-vote":
    case "vote":
      for (const field of [message.term, message.lastIndex, message.lastTerm]) writer.u64(field);
      if (message.kind === "vote") writer.u8(message.transfer ? 1 : 0);
      else writer.u64(message.attempt);
      return;
    case "pre-vote-reply":
    case "vote-reply":
      writer.u64(message.term);
      if (message.kind === "pre-vote-reply") writer.u64(message.attempt);
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
      for (const field of [message.term, message.incarnation, message.boot]) writer.u64(field);
      for (const field of [message.firstSeq, message.count]) writer.u64(field);
      return;
    case "read":
      for (const field of [message.incarnation, message.boot, message.id]) writer.u64(field);
      return;
    case "read-reply":
      for (const field of [message.incarnation, message.boot, message.id, message.index]) writer.u64(field);
      return;
    case "bootstrap-hello":
      writer.id(message.storeId);
      writeUrls(writer, message.urls);
      writer.u64(message.round);
      return;
    case "bootstrap-reply":
      writer.id(message.storeId);
      writeUrls(writer, message.urls);
      writer.id(message.asker);
      writer.u64(message.boot);
      writer.u64(message.round);
      writeStoreIds(writer, message.seen);
      writeStoreIds(writer, message.genesis);
      return;
    default:
      return encodeAffair(writer, message);
  }
}

/** What concerns snapshots and membership. */
function encodeAffair(writer: Writer, message: Affair): void {
  switch (message.kind) {
    case "timeout-now":
      writer.u64(message.term);
      return;
    case "snapshot-chunk":
      for (const field of [message.term, message.index, message.lastTerm, message.totalBytes]) writer.u64(field);
      writer.u32(message.crc);
      writer.u64(message.offset);
      writer.u32(message.bytes.length);
      writer.raw(message.bytes);
      return;
    case "snapshot-reply":
      for (const field of [message.term, message.index, message.offset]) writer.u64(field);
      return;
    case "snapshot-wanted":
      writer.u64(message.index);
      return;
    case "join-request":
      writer.id(message.storeId);
      writer.u64(message.incarnation);
      writer.id(message.lost);
      return;
    case "join-accepted":
      writer.id(message.storeId);
      writer.u64(message.term);
      writer.u64(message.incarnation);
      writer.u32(message.genesis.length);
      for (const id of message.genesis) writer.id(id);
      writeUrls(writer, message.founders);
      return;
    case "directory-check":
    case "directory-confirmed":
      writer.id(message.storeId);
      writer.u64(message.incarnation);
      return;
    case "bind-request":
      writer.u64(message.node);
      writer.u64(message.incarnation);
      writer.text(message.url);
      writer.id(message.storeId);
      return;
    case "learned-address":
      writer.u64(message.node);
      writer.text(message.url);
      return;
    case "rebind-pending":
      writer.id(message.storeId);
      writer.u8(rebindStandings[message.standing]);
      return;
    case "removed":
      writer.id(message.storeId);
      writer.u64(message.incarnation);
      writer.u8(removalReasons[message.reason]);
      return;
    case "change":
      for (const field of [message.term, message.incarnation, message.boot, message.seq]) writer.u64(field);
      encodeChange(writer, message.change);
      return;
    case "change-reply":
      for (const field of [message.term, message.incarnation, message.boot, message.seq]) writer.u64(field);
      writer.u8(changeOutcomes[message.outcome]);
      return;
    default:
      return unreachable(message);
  }
}

type Affair = Extract<
  Message,
  {
    kind:
      | "timeout-now"
      | "snapshot-chunk"
      | "snapshot-reply"
      | "snapshot-wanted"
      | "join-request"
      | "join-accepted"
      | "rebind-pending"
      | "directory-check"
      | "directory-confirmed"
      | "bind-request"
      | "learned-address"
      | "removed"
      | "change"
      | "change-reply";
  }
>;

function encodeProposal(writer: Writer, proposal: Proposal): void {
  writer.u8(proposal.kind);
  writer.u64(proposal.origin.node);
  writer.u64(proposal.origin.incarnation);
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
    case messageKinds["pre-vote"]:
      return {
        kind: "pre-vote",
        term: reader.u64(),
        lastIndex: reader.u64(),
        lastTerm: reader.u64(),
        attempt: reader.u64(),
      };
    case messageKinds.vote: {
      const [term, lastIndex, lastTerm] = [reader.u64(), reader.u64(), reader.u64()];
      return { kind: "vote", term, lastIndex, lastTerm, transfer: decodeBoolean(reader) };
    }
    case messageKinds["pre-vote-reply"]:
      return {
        kind: "pre-vote-reply",
        term: reader.u64(),
        attempt: reader.u64(),
        granted: decodeBoolean(reader),
      };
    case messageKinds["vote-reply"]:
      return { kind: "vote-reply", term: reader.u64(), granted: decodeBoolean(reader) };
    case messageKinds.append: {
      const [term, prevIndex, prevTerm] = [reader.u64(), reader.u64(), reader.u64()];
      const [commit, round, stream] = [reader.u64(), reader.u64(), reader.u64()];
      const entries = decodeEntries(reader, prevIndex);
      return { kind: "append", term, prevIndex, prevTerm, commit, round, stream, entries };
    }
    case messageKinds["append-reply"]: {
      const [term, round, stream] = [reader.u64(), reader.u64(), reader.u64()];
      const success = decodeBoolean(reader);
      const [matchIndex, prevIndex] = [reader.u64(), reader.u64()];
      const [hintIndex, hintTerm] = [reader.u64(), reader.u64()];
      return { kind: "append-reply", term, round, stream, success, matchIndex, prevIndex, hintIndex, hintTerm };
    }
    case messageKinds.forward: {
      const term = reader.u64();
      const proposals = Array.from({ length: reader.count(53) }, () => decodeProposal(reader));
      return { kind: "forward", term, proposals };
    }
    case messageKinds["forward-refused"]: {
      const [term, incarnation, boot] = [reader.u64(), reader.u64(), reader.u64()];
      return { kind: "forward-refused", term, incarnation, boot, firstSeq: reader.u64(), count: reader.u64() };
    }
    case messageKinds.read:
      return { kind: "read", incarnation: reader.u64(), boot: reader.u64(), id: reader.u64() };
    case messageKinds["read-reply"]: {
      const [incarnation, boot, id] = [reader.u64(), reader.u64(), reader.u64()];
      return { kind: "read-reply", incarnation, boot, id, index: reader.u64() };
    }
    case messageKinds["bootstrap-hello"]:
      return { kind: "bootstrap-hello", storeId: reader.id(), urls: decodeUrls(reader), round: reader.u64() };
    case messageKinds["bootstrap-reply"]:
      return {
        kind: "bootstrap-reply",
        storeId: reader.id(),
        urls: decodeUrls(reader),
        asker: reader.id(),
        boot: reader.u64(),
        round: reader.u64(),
        seen: decodeStoreIds(reader),
        genesis: decodeStoreIds(reader),
      };
    default:
      return decodeAffair(reader, kind);
  }
}

function decodeAffair(reader: Reader, kind: number): Affair {
  switch (kind) {
    case messageKinds["timeout-now"]:
      return { kind: "timeout-now", term: reader.u64() };
    case messageKinds["snapshot-chunk"]: {
      const [term, index, lastTerm, totalBytes] = [reader.u64(), reader.u64(), reader.u64(), reader.u64()];
      const [crc, offset] = [reader.u32(), reader.u64()];
      const bytes = reader.raw(reader.u32()).slice();
      return { kind: "snapshot-chunk", term, index, lastTerm, totalBytes, crc, offset, bytes };
    }
    case messageKinds["snapshot-reply"]:
      return { kind: "snapshot-reply", term: reader.u64(), index: reader.u64(), offset: reader.u64() };
    case messageKinds["snapshot-wanted"]:
      return { kind: "snapshot-wanted", index: reader.u64() };
    case messageKinds["join-request"]:
      return { kind: "join-request", storeId: reader.id(), incarnation: reader.u64(), lost: reader.id() };
    case messageKinds["join-accepted"]: {
      const [storeId, term, incarnation] = [reader.id(), reader.u64(), reader.u64()];
      const genesis = decodeStoreIds(reader);
      const founders = decodeUrls(reader);
      return { kind: "join-accepted", storeId, term, incarnation, genesis, founders };
    }
    case messageKinds["directory-check"]:
      return { kind: "directory-check", storeId: reader.id(), incarnation: reader.u64() };
    case messageKinds["directory-confirmed"]:
      return { kind: "directory-confirmed", storeId: reader.id(), incarnation: reader.u64() };
    case messageKinds["bind-request"]:
      return {
        kind: "bind-request",
        node: reader.u64(),
        incarnation: reader.u64(),
        url: reader.text(urlBytesMax),
        storeId: reader.id(),
      };
    case messageKinds["learned-address"]:
      return { kind: "learned-address", node: reader.u64(), url: reader.text(urlBytesMax) };
    case messageKinds["rebind-pending"]:
      return { kind: "rebind-pending", storeId: reader.id(), standing: decodeName(reader, standingNames) };
    case messageKinds.removed: {
      const [storeId, incarnation] = [reader.id(), reader.u64()];
      return { kind: "removed", storeId, incarnation, reason: decodeName(reader, reasonNames) };
    }
    case messageKinds.change: {
      const [term, incarnation, boot, seq] = [reader.u64(), reader.u64(), reader.u64(), reader.u64()];
      return { kind: "change", term, incarnation, boot, seq, change: decodeChange(reader) };
    }
    case messageKinds["change-reply"]: {
      const [term, incarnation, boot, seq] = [reader.u64(), reader.u64(), reader.u64(), reader.u64()];
      return { kind: "change-reply", term, incarnation, boot, seq, outcome: decodeName(reader, outcomeNames) };
    }
    default:
      throw new BadBytes(`message kind ${kind} is not known`);
  }
}

function writeUrls(writer: Writer, urls: readonly string[]): void {
  writer.u32(urls.length);
  for (const url of urls) writer.text(url);
}

function writeStoreIds(writer: Writer, ids: readonly StoreId[]): void {
  writer.u32(ids.length);
  for (const id of ids) writer.id(id);
}

function decodeUrls(reader: Reader): string[] {
  return Array.from({ length: Math.min(reader.count(4), foundersMax) }, () => reader.text(urlBytesMax));
}

function decodeStoreIds(reader: Reader): StoreId[] {
  return Array.from({ length: Math.min(reader.count(16), foundersMax) }, () => reader.id());
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
    if (entry.kind === entryKinds.configuration) decodeConfiguration(entryPayload(entry));
    entries.push(entry);
    reader.raw(length);
  }
  return entries;
}

function decodeProposal(reader: Reader): Proposal {
  const kind = reader.u8();
  if (kind !== entryKinds.command) throw new BadBytes(`entry kind ${kind} may not be forwarded`);
  const [node, incarnation, boot, seq] = [reader.u64(), reader.u64(), reader.u64(), reader.u64()];
  const origin = { node, incarnation, boot, seq };
  const [session, sequence] = [reader.u64(), reader.u64()];
  return { kind, origin, session, sequence, payload: reader.raw(reader.u32()).slice() };
}
