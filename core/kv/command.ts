/** Commands of the store and their bytes: u8 operation, u32 key length, key, value (the rest). */
import { BadBytes, latin1, latin1Bytes, readU32, writeU32 } from "../bytes.ts";

export type Command =
  | { readonly op: "put"; readonly key: string; readonly value: string }
  | { readonly op: "delete"; readonly key: string };

const operations = { put: 1, delete: 2 } as const;
const headerBytes = 5;

export const keyBytesMax = 4096;

export function encodeCommand(command: Command): Uint8Array {
  const key = latin1Bytes(command.key);
  const value = command.op === "put" ? latin1Bytes(command.value) : null;
  const bytes = new Uint8Array(headerBytes + key.length + (value?.length ?? 0));
  bytes[0] = operations[command.op];
  writeU32(bytes, 1, key.length);
  bytes.set(key, headerBytes);
  if (value !== null) bytes.set(value, headerBytes + key.length);
  return bytes;
}

/** Throws BadBytes: a committed command that cannot be read halts the node, for skipping it would make replicas differ. */
export function decodeCommand(bytes: Uint8Array): Command {
  if (bytes.length < headerBytes) throw new BadBytes("a command is cut off");
  const keyEnd = headerBytes + readU32(bytes, 1);
  if (keyEnd > bytes.length || keyEnd === headerBytes) throw new BadBytes("a command's key does not fit");
  const key = latin1(bytes, headerBytes, keyEnd);
  if (bytes[0] === operations.put) return { op: "put", key, value: latin1(bytes, keyEnd, bytes.length) };
  if (bytes[0] === operations.delete && keyEnd === bytes.length) return { op: "delete", key };
  throw new BadBytes(`operation ${bytes[0]} is not known`);
}
