/** The identity in a machine's directory: whose it is, and as a newer program would have left it. */
import { BadBytes, crc32, latin1, latin1Bytes } from "../../core/bytes.ts";

import { decodeIdentity, type Identity } from "../../core/storage/identity.ts";

/** As core/storage/identity.ts names its file. */
export const identityName = "identity";

/** What the file says, or null where it is missing or cannot be read. */
export function identityIn(bytes: Uint8Array | undefined): Identity | null {
  if (bytes === undefined) return null;
  try {
    return decodeIdentity(bytes);
  } catch (error) {
    if (error instanceof BadBytes) return null;
    throw error;
  }
}

/** The file with a format that this program does not know yet; `identity` is whole. */
export function ofNewerFormat(identity: Uint8Array): Uint8Array {
  const [line] = latin1(identity).split("\n");
  const newer = line!.replace(/"format":(\d+)/, (_, format: string) => `"format":${Number(format) + 1}`);
  return latin1Bytes(`${newer}\n${crc32(latin1Bytes(newer), 0).toString(16).padStart(8, "0")}\n`);
}
