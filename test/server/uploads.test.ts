/** Many request bodies at once: a common bound on what is held, and an end to what does not come. */
import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import { getRequestListener } from "@hono/node-server";
import test from "ava";
import type { Node } from "../../core/node/node.ts";
import type { WriteOutcome } from "../../core/node/options.ts";
import { createApi } from "../../server/api/api.ts";
import { type UploadOptions, Uploads } from "../../server/api/uploads.ts";
import { ClientServer } from "../../server/http-server.ts";
import { exchange, RawClient } from "../support/raw-http.ts";

const forever = new AbortController().signal;
const patient: UploadOptions = {
  bytesMax: 100,
  waitMs: 60_000,
  stallMs: 60_000,
  paceMs: 60_000,
  bytesPerSecondMin: 1,
};

test("bodies are let in whole, in the order of arrival, and never beyond the bound", async (t) => {
  const uploads = new Uploads(patient);
  const first = await uploads.reserve(60, forever);
  const order: string[] = [];
  const second = uploads.reserve(60, forever).then((room) => (order.push("second"), room));
  const third = uploads.reserve(10, forever).then((room) => (order.push("third"), room));
  t.is(uploads.bytes, 60);
  first!.release();
  first!.release();
  await Promise.all([second, third]);
  // The small one was not let in past the large one before it.
  t.deepEqual(order, ["second", "third"]);
  t.is(uploads.bytes, 70);
  (await second)!.release();
  (await third)!.release();
  t.is(uploads.bytes, 0);
});

test("a body that waits in vain, or whose client goes away, makes way for the next", async (t) => {
  const uploads = new Uploads({ ...patient, waitMs: 1 });
  const first = await uploads.reserve(60, forever);
  t.is(await uploads.reserve(60, forever), null);
  const gone = new AbortController();
  const second = uploads.reserve(60, gone.signal);
  const third = uploads.reserve(40, forever);
  gone.abort();
  t.is(await second, null);
  t.not(await third, null);
  first!.release();
});

/** A client server whose node answers every write as done, when `open` allows. */
async function serve(
  uploads: Uploads,
  gate: Promise<void>,
): Promise<{ port: number; writes: number[]; close: () => Promise<void> }> {
  const writes: number[] = [];
  const node = {
    status: () => ({ appliedIndex: 7 }),
    cancelWrite: () => false,
    write: (command: { value: string }, _session: unknown, done: (outcome: WriteOutcome) => void) => {
      writes.push(command.value.length);
      void gate.then(() => done({ ok: true, value: { code: "done", revision: 7 } } as WriteOutcome));
      return 1;
    },
  } as unknown as Node;
  const listener = getRequestListener(createApi(node, { valueBytesMax: 1_000_000, version: "test", uploads }).fetch, {
    autoCleanupIncoming: false,
  });
  const server = new ClientServer(
    (incoming, outgoing) => void listener(incoming, outgoing),
    () => 7,
    () => undefined,
    { keepAliveMs: 60_000, connectionsMax: 0 },
  );
  const port = await server.listen("127.0.0.1", 0);
  const close = async (): Promise<void> => {
    server.drain();
    await server.close(0);
  };
  return { port, writes, close };
}

function head(bytes: number, more = ""): string {
  return `PUT /k HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes}\r\n${more}\r\n`;
}

test("an upload that stops sending is told 408, and what waited for its room goes on", async (t) => {
  const uploads = new Uploads({ ...patient, bytesMax: 100_000, waitMs: 60_000, stallMs: 2_000 });
  const { port, writes, close } = await serve(uploads, Promise.resolve());
  const stalled = new RawClient(port);
  stalled.send(`${head(90_000)}some`);
  while (uploads.bytes === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const waiting = exchange(port, head(90_000) + "x".repeat(90_000));
  // A small body needs no room.
  t.is((await exchange(port, `${head(5)}small`))[0]!.status, 204);
  const [answer] = await stalled.answers();
  t.is(answer!.status, 408);
  t.is((JSON.parse(answer!.body) as { code: string }).code, "upload-stalled");
  t.is((await waiting)[0]!.status, 204);
  t.deepEqual(writes, [5, 90_000]);
  while (uploads.bytes > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await close();
});

test("a small upload that stops sending is told 408 as well", async (t) => {
  const uploads = new Uploads({ ...patient, bytesMax: 100_000, waitMs: 60_000, stallMs: 300 });
  const { port, writes, close } = await serve(uploads, Promise.resolve());
  const stalled = new RawClient(port);
  stalled.send(`${head(5)}som`);
  const [answer] = await stalled.answers();
  t.is(answer!.status, 408);
  t.is((JSON.parse(answer!.body) as { code: string }).code, "upload-stalled");
  t.deepEqual(writes, []);
  await close();
});

test("an upload that drips holds no room for which others wait; a slow one that nobody is in the way of is done", async (t) => {
  const uploads = new Uploads({ ...patient, bytesMax: 100_000, paceMs: 300, bytesPerSecondMin: 1_000 });
  const { port, writes, close } = await serve(uploads, Promise.resolve());
  const dripping = new RawClient(port);
  dripping.send(head(90_000));
  const drip = setInterval(() => dripping.send("x"), 20);
  while (uploads.bytes === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await new Promise((resolve) => setTimeout(resolve, 600));
  t.is(uploads.bytes, 90_000, "nobody waits for its room");
  t.is((await exchange(port, head(90_000) + "x".repeat(90_000)))[0]!.status, 204);
  const [answer] = await dripping.answers();
  clearInterval(drip);
  t.is(answer!.status, 408);
  // A client at the least pace keeps its room, while another client waits.
  const steady = new RawClient(port);
  steady.send(head(90_000) + "x".repeat(89_000));
  while (uploads.bytes === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const waiting = exchange(port, head(80_000) + "x".repeat(80_000));
  await new Promise((resolve) => setTimeout(resolve, 900));
  t.deepEqual(writes, [90_000]);
  steady.send("x".repeat(1_000));
  t.is((await steady.take(1))[0]!.status, 204);
  steady.socket.destroy();
  t.is((await waiting)[0]!.status, 204);
  t.deepEqual(writes, [90_000, 90_000, 80_000]);
  await close();
});

test("no more slow bodies are given up than the room that is lacking, also before those are answered", async (t) => {
  const uploads = new Uploads({ ...patient, bytesMax: 100_000, paceMs: 100, bytesPerSecondMin: 1_000 });
  const outgoing = Object.assign(new EventEmitter(), { headersSent: false, destroyed: false });
  const givenUp: string[] = [];
  t.true(await uploads.hold(45_000, outgoing as unknown as ServerResponse));
  await uploads.reserve(45_000, forever);
  uploads.began(45_000, () => givenUp.push("the slowest"));
  uploads.began(45_000, () => givenUp.push("another")).receivedBytes = 1;
  // 10,000 bytes are free, so 40,000 are lacking.
  const waiting = uploads.reserve(50_000, forever, 60_000);
  await new Promise((resolve) => setTimeout(resolve, 700));
  t.deepEqual(givenUp, ["the slowest"]);
  outgoing.headersSent = true;
  t.not(await waiting, null);
  t.deepEqual(givenUp, ["the slowest"]);
});

test("an answer that its client does not take holds no room for which others wait", async (t) => {
  const uploads = new Uploads({ ...patient, bytesMax: 100_000 });
  const outgoing = Object.assign(new EventEmitter(), { headersSent: false, destroyed: false });
  t.true(await uploads.hold(90_000, outgoing as unknown as ServerResponse));
  const waiting = uploads.reserve(90_000, forever, 60_000);
  await new Promise((resolve) => setTimeout(resolve, 300));
  t.is(uploads.bytes, 90_000, "it is not answered yet");
  outgoing.headersSent = true;
  t.not(await waiting, null);
  outgoing.emit("close");
  t.is(uploads.bytes, 90_000, "the room of the other one");
});

test("a body keeps its room until its answer; without room the next is refused, definite", async (t) => {
  const uploads = new Uploads({ ...patient, bytesMax: 100_000, waitMs: 50, stallMs: 60_000 });
  const gates: (() => void)[] = [];
  const { port, close } = await serve(uploads, new Promise((resolve) => gates.push(resolve)));
  const first = exchange(port, head(90_000) + "x".repeat(90_000));
  while (uploads.bytes === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const [refusal] = await exchange(port, head(90_000) + "x".repeat(90_000));
  t.is(refusal!.status, 503);
  const { code, definite } = JSON.parse(refusal!.body) as { code: string; definite: boolean };
  t.deepEqual([code, definite], ["busy", true]);
  gates[0]!();
  t.is((await first)[0]!.status, 204);
  await close();
});

test("what a body has waited for room is taken from the time that its write has", async (t) => {
  const uploads = new Uploads({ ...patient, bytesMax: 30_000, waitMs: 1_500, stallMs: 60_000 });
  const serving = await serve(uploads, new Promise(() => undefined));
  const room = await uploads.reserve(30_000, forever);
  setTimeout(() => room!.release(), 1_000);
  const beganMs = performance.now();
  const [answer] = await exchange(
    serving.port,
    `PUT /k HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n${"v".repeat(20_000)}`,
  );
  t.true(performance.now() - beganMs < 60_000);
  t.is(answer!.status, 504);
  t.deepEqual(serving.writes, [20_000]);
  t.like(JSON.parse(answer!.body), { code: "timeout", definite: false });
  await serving.close();
});

test("a client whose connection breaks gives its room back", async (t) => {
  const uploads = new Uploads({ ...patient, bytesMax: 100_000, waitMs: 60_000, stallMs: 60_000 });
  const { port, writes, close } = await serve(uploads, Promise.resolve());
  const client = new RawClient(port);
  client.send(`${head(90_000)}some`);
  while (uploads.bytes === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  client.socket.resetAndDestroy();
  while (uploads.bytes > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  t.deepEqual(writes, []);
  await close();
});

test("a client that asks before it sends is told to go on, or that it is too much", async (t) => {
  const { port, writes, close } = await serve(new Uploads({ ...patient, bytesMax: 1_000_000 }), Promise.resolve());
  const expect = "Expect: 100-continue\r\n";
  const [refusal, ...rest] = await exchange(port, head(20_000_000, expect));
  t.deepEqual([refusal!.status, rest.length], [413, 0]);
  const client = new RawClient(port);
  client.send(head(30_000, expect));
  t.is((await client.take(1))[0]!.status, 100);
  client.send("x".repeat(30_000));
  t.is((await client.take(2))[1]!.status, 204);
  client.socket.destroy();
  t.deepEqual(writes, [30_000]);
  await close();
});

test("a client of HTTP/1.0 that asks before it sends gets no interim answer", async (t) => {
  const { port, writes, close } = await serve(new Uploads({ ...patient, bytesMax: 1_000_000 }), Promise.resolve());
  const text = `PUT /k HTTP/1.0\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\nbody`;
  const answers = await exchange(port, text);
  t.deepEqual(
    answers.map(({ status }) => status),
    [204],
  );
  t.deepEqual(writes, [4]);
  await close();
});
