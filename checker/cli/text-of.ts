/** The text of a file's bytes: gzip is unpacked; UTF-8, with or without its mark, or UTF-16 by its mark or by its shape. */
import { isAscii } from "node:buffer";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";

/** The bytes are no text; `message` says what they must be. */
export class TextError extends Error {}

/** As TextDecoder names them. */
export const encodings = ["utf-8", "utf-16le", "utf-16be"] as const;
/** How the text of a file is encoded, as far as its first bytes tell. */
export type Encoding = (typeof encodings)[number];

/** Of the first bytes; UTF-16 without a mark has a zero beside each letter of the first ones. */
export function encodingOf(bytes: Uint8Array): Encoding {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return "utf-16le";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  if (first === 0 && second !== 0 && second !== undefined) return "utf-16be";
  return first !== 0 && second === 0 ? "utf-16le" : "utf-8";
}

/** Pieces of text, none of them empty. Throws TextError where the bytes are not what they begin as. */
export async function* textOf(bytes: Readable): AsyncGenerator<string> {
  const text = new Text();
  for await (const piece of await unpacked(bytes)) {
    const part = text.take(piece);
    if (part !== "") yield part;
  }
  const rest = text.end();
  if (rest !== "") yield rest;
}

/** One text, from its bytes piece by piece. */
class Text {
  /** Null: nothing was read so far. */
  #decoder: InstanceType<typeof TextDecoder> | null = null;
  #encoding: Encoding = "utf-8";
  #lines = 0;
  /** The last piece may have ended inside a character. */
  #isOpen = true;

  /** Throws TextError. */
  take(piece: Uint8Array): string {
    if (this.#decoder === null) {
      this.#encoding = encodingOf(piece);
      this.#decoder = new TextDecoder(this.#encoding, { fatal: true });
    }
    // Most files are plain ASCII, and a string of it takes half the memory.
    const isPlain = this.#encoding === "utf-8" && !this.#isOpen && isAscii(piece);
    const text = isPlain
      ? Buffer.from(piece.buffer, piece.byteOffset, piece.length).toString("latin1")
      : this.#decode(piece);
    this.#isOpen = piece.at(-1)! >= 0x80;
    for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) this.#lines += 1;
    return text;
  }

  /** What is left when the bytes have ended. Throws TextError. */
  end(): string {
    return this.#decoder === null ? "" : this.#decode();
  }

  #decode(piece?: Uint8Array): string {
    try {
      return this.#decoder!.decode(piece, { stream: piece !== undefined });
    } catch {
      const before = this.#encoding === "utf-8" && piece !== undefined ? linesToFault(piece) : 0;
      throw new TextError(`line ${this.#lines + before + 1}: the text must be ${this.#encoding.toUpperCase()}`);
    }
  }
}

/** How many whole lines of UTF-8 stand before the first that is none. The first one may begin inside a character. */
function linesToFault(piece: Uint8Array): number {
  let from = 0;
  while (from < 3 && (piece[from]! & 0xc0) === 0x80) from += 1;
  for (let count = 0; ; count++) {
    const end = piece.indexOf(0x0a, from) + 1;
    if (!isText(piece.subarray(from, end === 0 ? undefined : end))) return count;
    // It is a character that began before the piece.
    if (end === 0) return 0;
    from = end;
  }
}

/** Whether the bytes are UTF-8; the last character may be cut off. */
function isText(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}

/** The same bytes, unpacked where they begin as gzip does. The first piece has at least two of them, if there are so many. */
async function unpacked(bytes: Readable): Promise<AsyncIterable<Uint8Array>> {
  const pieces = bytes[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  let first: Uint8Array = new Uint8Array();
  while (first.length < 2) {
    const next = await pieces.next();
    if (next.done === true) break;
    first = Buffer.concat([first, next.value]);
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    if (first.length > 0) yield first;
    for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) yield next.value;
  }
  return first[0] === 0x1f && first[1] === 0x8b ? gunzipped(all()) : all();
}

async function* gunzipped(packed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = Readable.from(packed);
  const gunzip = createGunzip();
  source.on("error", (error) => gunzip.destroy(error));
  source.pipe(gunzip);
  try {
    for await (const piece of gunzip) yield piece as Uint8Array;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (!code.startsWith("Z_")) throw error;
    throw new TextError(`it begins as gzip, and must be whole: ${(error as Error).message}`);
  } finally {
    source.destroy();
  }
}
