/** The identity in a machine's directory: whose it is, and as a newer program would have left it. */
import { BadBytes, crc32, latin1, latin1Bytes } from "../../core/bytes.ts";

import { decodeIdentity } from "../../core/storage/identity.ts";

export const identityName = "identity";

/** The store id in the file, or null where it cannot be read. */
export function storeIdIn(identity: Uint8Array): string | null {
  try {
    return decodeIdentity(identity).storeId;
  } catch (error) {
    if (error instanceof BadBytes) return null;
    throw error;
  }
}

/** What an identity may say of its log's extent. */
type WithExtent = { readonly log?: { readonly firstSegment: number } | null };

/** The first segment that the log consists of, by the file: older ones are being removed. 0 where it says nothing. */
export function firstSegmentIn(identity: Uint8Array): number {
  try {
    return (decodeIdentity(identity) as WithExtent).log?.firstSegment ?? 0;
  } catch (error) {
    if (error instanceof BadBytes) return 0;
    throw error;
  }
}

/** The file with a format that this program does not know yet; `identity` is whole. */
export function ofNewerFormat(identity: Uint8Array): Uint8Array {
  const [line] = latin1(identity).split("\n");
  const newer = line!.replace(/"format":(\d+)/, (_, format: string) => `"format":${Number(format) + 1}`);
  return latin1Bytes(`${newer}\n${crc32(latin1Bytes(newer), 0).toString(16).padStart(8, "0")}\n`);
}
