/**
 * Connections as no client library makes them. Pipelined: requests take effect in their order, which answers on a key that
 * nobody else uses show. Half-closed: the client says that it sends no more, and still gets its answer.
 */
import { connect } from "node:net";
import type { Ask, Reply } from "../http.ts";
import type { KeyAsk } from "../store/store.ts";
import { memberFor, type Shop, slackMs } from "./client.ts";

const beatMs = 400;
/** Its number among the clients, for its draws. */
const client = 900;

/** Sends until the run is over, one connection after the other. */
export async function sendRaw(shop: Shop): Promise<void> {
  const { world, isOver } = shop;
  for (let k = 0; !isOver(); k++) {
    await new Promise((resolve) => setTimeout(resolve, beatMs));
    const member = memberFor(shop, client, k, 0);
    const sinceMs = performance.now();
    const isHalfClosed = k % 3 === 0;
    const asks = asksOf(`raw.${k}`, isHalfClosed ? 1 : 6);
    const text = asks.map((ask) => textOf(world.store.keyAsk(ask))).join("");
    // One after the other, each in its own time.
    const patienceMs = asks.length * world.store.requestMsMax + slackMs;
    const { replies, isLate, isTaken } = await exchange(member.port, text, asks.length, isHalfClosed, patienceMs);
    // Whose process has ended is known a little later.
    await new Promise((resolve) => setTimeout(resolve, beatMs));
    const isUndisturbed = member.isUp && member.mayEnd === null && !member.isShort && member.disturbedAtMs < sinceMs;
    if (replies.length < asks.length && isUndisturbed && isTaken && (isLate || isHalfClosed)) {
      const how = isHalfClosed ? "a half-closed request" : `${asks.length} pipelined requests`;
      shop.onFinding("hung", `${how} at n${member.id}: ${replies.length} answers`);
    }
    judge(shop, asks, replies);
  }
}

/** Put and get, delete and get, put and get on one key; the last of them delete it. */
function asksOf(key: string, count: number): KeyAsk[] {
  const all: KeyAsk[] = [];
  for (let k = 0; k < count; k++) {
    const op = k % 4 === 0 ? "put" : "delete";
    if (k % 2 === 1) all.push({ op: "get", key, isStale: false });
    else all.push({ op, key, value: op === "put" ? `r${k}` : "", expected: null, idempotency: null });
  }
  return all;
}

function judge({ world, onFinding }: Shop, asks: readonly KeyAsk[], replies: readonly Reply[]): void {
  let value: string | null = null;
  for (const [k, reply] of replies.entries()) {
    const ask = asks[k]!;
    const told = world.store.keyTold(ask, reply);
    if (told.kind === "wrong") return onFinding("wrong answer", `a pipelined ${ask.op}: ${told.why}`);
    if (told.kind === "none") continue;
    // From here on the key may hold either.
    if (told.kind !== "ok") return;
    if (ask.op === "put") value = ask.value;
    else if (ask.op === "delete") value = null;
    else if (told.value !== value) {
      const words = `${told.value ?? "its absence"}, not ${value ?? "its absence"}`;
      return onFinding("order", `of pipelined requests the get of ${ask.key} at place ${k + 1} reads ${words}`);
    }
  }
}

function textOf({ method, path, headers = {}, body = "" }: Ask): string {
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n${fields.join("")}\r\n${body}`;
}

type Exchanged = { readonly replies: readonly Reply[]; readonly isLate: boolean; readonly isTaken: boolean };

/** The answers in their order: fewer than `count` where the connection ends before; late: where \`patienceMs\` is over. */
function exchange(port: number, text: string, count: number, ends: boolean, patienceMs: number): Promise<Exchanged> {
  return new Promise((resolve) => {
    let received = "";
    let isTaken = false;
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const finish = (isLate: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ replies: parse(received), isLate, isTaken });
    };
    const timer = setTimeout(() => finish(true), patienceMs);
    socket.on("error", () => finish(false));
    socket.on("end", () => finish(false));
    socket.on("connect", () => (isTaken = true));
    socket.on("data", (chunk: Buffer) => {
      received += chunk.toString("latin1");
      if (parse(received).length >= count) finish(false);
    });
    socket.write(Buffer.from(text, "latin1"));
    if (ends) socket.end();
  });
}

/** Complete answers with a Content-Length, or without a body. */
function parse(text: string): Reply[] {
  const replies: Reply[] = [];
  for (let at = 0; ;) {
    const end = text.indexOf("\r\n\r\n", at);
    if (end < 0) return replies;
    const [first, ...fields] = text.slice(at, end).split("\r\n");
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first!)?.[1] ?? 0);
    const headers = Object.fromEntries(
      fields.map((field) => [field.slice(0, field.indexOf(":")).toLowerCase(), field.slice(field.indexOf(":") + 2)]),
    );
    const length = Number(headers["content-length"] ?? 0);
    if (text.length < end + 4 + length) return replies;
    replies.push({ kind: "answer", status, headers, body: text.slice(end + 4, end + 4 + length) });
    at = end + 4 + length;
  }
}
