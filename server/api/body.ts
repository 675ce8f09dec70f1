import type { IncomingMessage } from "node:http";

/** The body as one-byte characters, or null where it is longer than `bytesMax`. Rejects where the client goes away. */
export async function readBody(
  request: Request,
  incoming: IncomingMessage | undefined,
  bytesMax: number,
): Promise<string | null> {
  if (Number(request.headers.get("content-length") ?? 0) > bytesMax) return null;
  if (incoming === undefined) {
    const body = Buffer.from(await request.arrayBuffer());
    return body.length > bytesMax ? null : body.toString("latin1");
  }
  return readStream(incoming, bytesMax);
}

/** Straight from the socket's stream: a web Request's arrayBuffer() costs a third of the throughput. */
function readStream(incoming: IncomingMessage, bytesMax: number): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    incoming.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= bytesMax) chunks.push(chunk);
      else resolve(null);
    });
    incoming.on("end", () =>
      resolve(chunks.length === 1 ? chunks[0]!.toString("latin1") : Buffer.concat(chunks).toString("latin1")),
    );
    incoming.on("error", reject);
    incoming.on("close", () => reject(new Error("the client went away")));
  });
}
