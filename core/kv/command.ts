/**
 * Commands of the store and their bytes: u8 operation, u8 condition, u64 its revision, u32 key length, key, value (the
 * rest).
 */
import { BadBytes, latin1, readU32, readU64, writeLatin1, writeU32, writeU64 } from "../bytes.ts";
import type { Index } from "../units.ts";

/** Compare-and-set: the write happens only if the key's row is so, else it changes nothing. */
export type Condition =
  | { readonly kind: "none" }
  /** Its last change has this revision. */
  | { readonly kind: "revision"; readonly revision: Index }
  | { readonly kind: "absent" }
  | { readonly kind: "present" };

/** What a client asks of the state machine. It is decided when it is applied, never before. */
export type Command =
  | { readonly op: "put"; readonly key: string; readonly value: string; readonly condition: Condition }
  | { readonly op: "delete"; readonly key: string; readonly condition: Condition }
  /** Opens a client session, known by this entry's index. */
  | { readonly op: "open-session" };

/** The condition that holds for every row, and for none. */
export const always: Condition = { kind: "none" };

const operations = { put: 1, delete: 2, "open-session": 3 } as const;
const conditions = ["none", "revision", "absent", "present"] as const satisfies readonly Condition["kind"][];
const headerBytes = 14;

/** Longest key in bytes that the API takes; the shortest has one byte. */
export const keyBytesMax = 4096;

/** The payload of a command's entry. Keys and values are latin1 strings, a byte each character. */
export function encodeCommand(command: Command): Uint8Array {
  const key = command.op === "open-session" ? "" : command.key;
  const value = command.op === "put" ? command.value : "";
  const condition = command.op === "open-session" ? always : command.condition;
  const bytes = new Uint8Array(headerBytes + key.length + value.length);
  bytes[0] = operations[command.op];
  bytes[1] = conditions.indexOf(condition.kind);
  writeU64(bytes, 2, condition.kind === "revision" ? condition.revision : 0);
  writeU32(bytes, 10, key.length);
  writeLatin1(bytes, headerBytes, key);
  writeLatin1(bytes, headerBytes + key.length, value);
  return bytes;
}

/** Throws BadBytes: a committed command that cannot be read halts the node, for skipping it would make replicas differ. */
export function decodeCommand(bytes: Uint8Array): Command {
  if (bytes.length < headerBytes) throw new BadBytes("a command is cut off");
  const keyEnd = headerBytes + readU32(bytes, 10);
  if (keyEnd > bytes.length) throw new BadBytes("a command's key does not fit");
  const isWhole = keyEnd === bytes.length;
  if (bytes[0] === operations["open-session"] && isWhole) return { op: "open-session" };
  if (keyEnd === headerBytes) throw new BadBytes("a command's key is empty");
  const key = latin1(bytes, headerBytes, keyEnd);
  const condition = decodeCondition(bytes[1]!, readU64(bytes, 2));
  if (bytes[0] === operations.put) return { op: "put", key, value: latin1(bytes, keyEnd, bytes.length), condition };
  if (bytes[0] === operations.delete && isWhole) return { op: "delete", key, condition };
  throw new BadBytes(`operation ${bytes[0]} is not known`);
}

function decodeCondition(code: number, revision: Index): Condition {
  const kind = conditions[code];
  if (kind === undefined) throw new BadBytes(`condition ${code} is not known`);
  return kind === "revision" ? { kind, revision } : { kind };
}
