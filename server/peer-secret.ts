/**
 * A secret that peers share. Each end of a connection draws a nonce and proves that it knows the secret by an HMAC over
 * both nonces and its own role; so a proof is worth nothing on another connection, nor to the other end. It keeps
 * strangers out; it hides nothing of what is said.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { type Checked, refused, type Refused } from "../core/result.ts";

/** Which end of a connection proves that it knows the secret. */
export type Role = "dialler" | "listener";

const nonceBytes = 32;
/** Of HMAC-SHA-256. */
export const proofBytes = 32;
const secretBytesMin = 16;
const secretBytesMax = 4_096;

/** 32 bytes from the machine's chance as 64 hex digits: never the same twice. */
export function newNonce(): string {
  return randomBytes(nonceBytes).toString("hex");
}

/** Whether a header's value has the form of a nonce. */
export function isNonce(text: unknown): text is string {
  return typeof text === "string" && /^[0-9a-f]{64}$/.test(text);
}

/** The key of one cluster's peers. It is kept in memory and never sent or logged. */
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

/** Reads a secret: all bytes of the file, but for one line feed, or CR LF, at its end. Or says what is wrong with the file. `flagName` names it. */
export function readPeerSecret(path: string, flagName = "--peer-secret-file"): Checked<PeerSecret> {
  const wrong = (what: string): Refused => refused(`${flagName} ${path} ${what}`);
  let bytes: Buffer;
  try {
    // To open a named pipe would wait for its writer.
    if (!statSync(path).isFile()) return wrong("is no regular file");
    bytes = readFileSync(path);
  } catch (error) {
    return wrong(`cannot be read: ${(error as Error).message}`);
  }
  const key = withoutLineEnd(bytes);
  if (key.length < secretBytesMin || key.length > secretBytesMax) {
    return wrong(`must hold ${secretBytesMin} to ${secretBytesMax} bytes, not ${key.length}`);
  }
  return { ok: true, value: new PeerSecret(key) };
}

function withoutLineEnd(bytes: Buffer): Buffer {
  if (bytes.at(-1) !== 0x0a) return bytes;
  return bytes.subarray(0, bytes.at(-2) === 0x0d ? -2 : -1);
}
