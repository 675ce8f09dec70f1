/** A change request's bytes, and a name's: the number that it has in core/protocol/message-kinds.ts. */
import { BadBytes, type Reader, type Writer } from "../bytes.ts";
import { urlBytesMax } from "./configuration-codec.ts";
import type { Change } from "./configuration.ts";
import { changeKinds, namesByNumber } from "./message-kinds.ts";

const changeNames = namesByNumber(changeKinds);
/** What an addition says of the promotion, at the number that stands for it. */
const promotions = [false, true, null] as const;

/** What it writes, `decodeChange` reads. */
export function encodeChange(writer: Writer, change: Change): void {
  writer.u8(changeKinds[change.kind]);
  writer.u64(change.id);
  if (change.kind === "add" || change.kind === "move") writer.text(change.url);
  if (change.kind === "add") writer.u8(promotions.indexOf(change.autoPromote));
}

/** Throws BadBytes. */
export function decodeChange(reader: Reader): Change {
  const kind = decodeName(reader, changeNames);
  const id = reader.u64();
  if (kind === "move") return { kind, id, url: reader.text(urlBytesMax) };
  if (kind !== "add") return { kind, id };
  const url = reader.text(urlBytesMax);
  const autoPromote = promotions[reader.u8()];
  if (autoPromote === undefined) throw new BadBytes("a code that is not known");
  return { kind, id, url, autoPromote };
}

/** The name at the number that comes next; BadBytes where there is none. */
export function decodeName<T extends string>(reader: Reader, names: readonly (T | undefined)[]): T {
  const name = names[reader.u8()];
  if (name === undefined) throw new BadBytes("a code that is not known");
  return name;
}
