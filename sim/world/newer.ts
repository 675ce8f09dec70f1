/** A directory as a program newer than this one leaves it: its identity is of a format that this one does not know. */
import { crc32, latin1, latin1Bytes } from "../../core/bytes.ts";

export const identityName = "identity";

/** `identity`: the file's bytes, whole. */
export function ofNewerFormat(identity: Uint8Array): Uint8Array {
  const [line] = latin1(identity).split("\n");
  const newer = line!.replace(/"format":(\d+)/, (_, format: string) => `"format":${Number(format) + 1}`);
  return latin1Bytes(`${newer}\n${crc32(latin1Bytes(newer), 0).toString(16).padStart(8, "0")}\n`);
}
