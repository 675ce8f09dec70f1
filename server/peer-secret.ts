/**
 * A secret that peers share. Each end of a connection draws a nonce and proves that it knows the secret by an HMAC over
 * both nonces and its own role; so a proof is worth nothing on another connection, nor to the other end. It keeps
 * strangers out; it hides nothing of what is said.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";

export type Role = "dialler" | "listener";

const nonceBytes = 32;
export const proofBytes = 32;
const secretBytesMin = 16;
const secretBytesMax = 4_096;

export function newNonce(): string {
  return randomBytes(nonceBytes).toString("hex");
}

export function isNonce(text: unknown): text is string {
  return typeof text === "string" && /^[0-9a-f]{64}$/.test(text);
}

export class PeerSecret {
  readonly #key: Buffer;

  constructor(key: Buffer) {
    this.#key = key;
  }

  /** What `role` sends on the connection with these nonces. */
  proof(role: Role, diallerNonce: string, listenerNonce: string): Buffer {
    return createHmac("sha256", this.#key).update(`metastore-peer ${role} ${diallerNonce} ${listenerNonce}`).digest();
  }
}

/** In a time that does not hang on where they differ. */
export function isSameProof(given: Buffer, proof: Buffer): boolean {
  return given.length === proof.length && timingSafeEqual(given, proof);
}

/** Reads a secret, white space around it aside; or says what is wrong with the file. */
export function readPeerSecret(path: string): PeerSecret | { readonly wrong: string } {
  let text: string;
  try {
    text = readFileSync(path, "utf8").trim();
  } catch (error) {
    return { wrong: `--peer-secret-file ${path} cannot be read: ${(error as Error).message}` };
  }
  const key = Buffer.from(text);
  if (key.length < secretBytesMin || key.length > secretBytesMax) {
    return {
      wrong: `--peer-secret-file ${path} must hold ${secretBytesMin} to ${secretBytesMax} bytes, not ${key.length}`,
    };
  }
  return new PeerSecret(key);
}
