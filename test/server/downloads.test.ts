/** Many values that clients do not take: a common bound on what is held for them, and an answer for everybody else. */
import { getRequestListener } from "@hono/node-server";
import test from "ava";
import type { Node } from "../../core/node/node.ts";
import type { ReadOutcome } from "../../core/node/options.ts";
import { createApi } from "../../server/api/api.ts";
import { type DownloadOptions, Downloads } from "../../server/api/downloads.ts";
import { serve } from "../support/client-server.ts";
import { exchange, RawClient } from "../support/raw-http.ts";

const mebibyte = 1024 * 1024;
/** More than the machine takes for a connection that nobody reads. */
const big = "0123456789abcdef".repeat(mebibyte);
const small = "small";

/** A client server over one big and one small value. */
async function serveValues(
  options: DownloadOptions,
): Promise<{ readonly port: number; readonly downloads: Downloads; readonly close: () => Promise<void> }> {
  const downloads = new Downloads(options);
  const node = {
    status: () => ({ appliedIndex: 7 }),
    read: (key: string, _lease: boolean, done: (outcome: ReadOutcome) => void) =>
      done({
        ok: true,
        value: { row: { value: key === "big" ? big : small, modRevision: 7 }, revision: 7 },
      } as ReadOutcome),
  } as unknown as Node;
  const api = createApi(node, { valueBytesMax: big.length, version: "test", downloads });
  const listener = getRequestListener(api.fetch, { autoCleanupIncoming: false });
  const { port, close } = await serve((incoming, outgoing) => void listener(incoming, outgoing));
  return { port, downloads, close };
}

function get(path: string, method = "GET"): string {
  return `${method} ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
}

/** A client that asks and takes nothing, once the server has begun to answer it. */
async function silent(port: number, downloads: Downloads, text = get("/big")): Promise<RawClient> {
  const before = downloads.bytes;
  const client = new RawClient(port);
  client.socket.pause();
  client.send(text);
  while (downloads.bytes === before) await new Promise((resolve) => setTimeout(resolve, 5));
  return client;
}

test("a long value comes whole, to whoever takes it, and its room is free again", async (t) => {
  const { port, downloads, close } = await serveValues({ bytesMax: 32 * mebibyte, waitMs: 60_000, stallMs: 60_000 });
  const [first, second] = await exchange(port, get("/big") + get("/big"));
  t.true(first!.body === big && second!.body === big);
  const head = new RawClient(port);
  head.send(get("/big", "HEAD") + get("/small"));
  while (!head.received.endsWith(small)) await new Promise((resolve) => head.socket.once("data", resolve));
  t.true(head.received.toLowerCase().includes(`content-length: ${big.length}\r\n`));
  head.socket.destroy();
  t.is(downloads.bytes, 0);
  await close();
});

test("values that nobody takes never hold more than the bound; the next waits, and is told so in time", async (t) => {
  const { port, downloads, close } = await serveValues({ bytesMax: 32 * mebibyte, waitMs: 300, stallMs: 60_000 });
  const clients = [await silent(port, downloads), await silent(port, downloads)];
  t.is(downloads.bytes, 2 * big.length);
  const [answer] = await exchange(port, get("/big"));
  const { code, definite } = JSON.parse(answer!.body) as { code: string; definite: boolean };
  t.deepEqual([answer!.status, code, definite], [503, "busy", true]);
  // A small value needs no room.
  t.is((await exchange(port, get("/small")))[0]!.body, small);
  for (const { socket } of clients) socket.destroy();
  while (downloads.bytes > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await close();
});

test("where others wait for room, who has taken nothing for longest is disconnected", async (t) => {
  const { port, downloads, close } = await serveValues({ bytesMax: 32 * mebibyte, waitMs: 60_000, stallMs: 300 });
  const first = await silent(port, downloads);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const second = await silent(port, downloads);
  t.true((await exchange(port, get("/big")))[0]!.body === big);
  first.socket.resume();
  second.socket.resume();
  await t.throwsAsync(first.take(1), undefined, "the first is cut");
  t.is((await second.take(1))[0]!.status, 200);
  second.socket.destroy();
  await close();
});

test("a second request of a connection holds nothing while the answer to its first is not taken", async (t) => {
  const { port, downloads, close } = await serveValues({ bytesMax: 64 * mebibyte, waitMs: 60_000, stallMs: 60_000 });
  const client = await silent(port, downloads, get("/big").repeat(8));
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.is(downloads.bytes, big.length);
  client.socket.destroy();
  await close();
});
