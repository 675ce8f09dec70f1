/** A whole configuration as bytes: the payload of a configuration entry, and a part of every snapshot's header. */
import { BadBytes, Reader, Writer } from "../bytes.ts";
import type { NodeId } from "../units.ts";
import type { Configuration, Member } from "./configuration.ts";
import { entryKinds, noopProposal, type Proposal } from "./entry.ts";

/** Longest URL of a member, in bytes, in a configuration as in a handshake: a longer one is BadBytes to its reader. */
export const urlBytesMax = 2048;

/** Appends the configuration to `writer`. Nothing is checked: the reader checks. */
export function writeConfiguration(
  writer: Writer,
  { members, voters, outgoing, learners, removed }: Configuration,
): void {
  writer.u32(members.length);
  for (const { id, incarnation, url, storeId, autoPromote } of members) {
    writer.u64(id);
    writer.u64(incarnation);
    writer.text(url);
    writer.id(storeId);
    writer.u8(autoPromote ? 1 : 0);
  }
  for (const ids of [voters, outgoing, learners]) {
    writer.u32(ids.length);
    for (const id of ids) writer.u64(id);
  }
  writer.u32(removed.length);
  for (const { id, incarnation } of removed) {
    writer.u64(id);
    writer.u64(incarnation);
  }
}

/** Throws BadBytes. */
export function readConfiguration(reader: Reader): Configuration {
  const members = Array.from({ length: reader.count(37) }, (): Member => {
    const [id, incarnation] = [reader.u64(), reader.u64()];
    const [url, storeId] = [reader.text(urlBytesMax), reader.id()];
    return { id, incarnation, url, storeId, autoPromote: reader.u8() === 1 };
  });
  const known = new Set(members.map(({ id }) => id));
  const ids = (): NodeId[] => {
    const list = Array.from({ length: reader.count(8) }, () => reader.u64());
    if (!list.every((id) => known.has(id))) throw new BadBytes("a configuration names somebody who is no member");
    return list;
  };
  const [voters, outgoing, learners] = [ids(), ids(), ids()];
  if (voters.length === 0) throw new BadBytes("a configuration without voters");
  const removed = Array.from({ length: reader.count(16) }, () => ({ id: reader.u64(), incarnation: reader.u64() }));
  return { members, voters, outgoing, learners, removed };
}

/** The configuration's bytes, in a buffer of their own. */
export function encodeConfiguration(configuration: Configuration): Uint8Array {
  const writer = new Writer();
  writeConfiguration(writer, configuration);
  return writer.bytes().slice();
}

/** Throws BadBytes. */
export function decodeConfiguration(bytes: Uint8Array): Configuration {
  const reader = new Reader(bytes);
  const configuration = readConfiguration(reader);
  reader.end();
  return configuration;
}

/** `configuration` on its way into the log: an entry that no client waits for. */
export function configurationProposal(configuration: Configuration): Proposal {
  return { ...noopProposal, kind: entryKinds.configuration, payload: encodeConfiguration(configuration) };
}
