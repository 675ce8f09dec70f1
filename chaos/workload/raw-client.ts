/**
 * Connections as no client library makes them. Pipelined: requests take effect in their order, which answers on a key that
 * nobody else uses show. Half-closed: the client says that it sends no more, and still gets its answer.
 */
import { connect } from "node:net";
import type { Ask, Reply } from "../http.ts";
import type { KeyAsk } from "../store/store.ts";
import { hadItsTime, slackMs } from "../world/requests.ts";
import { memberFor, type Shop } from "./client.ts";

const beatMs = 400;
/** Its number among the clients, for its draws. */
const client = 900;

/** Sends until the run is over, one connection after the other. */
export async function sendRaw(shop: Shop): Promise<void> {
  const { world, isOver } = shop;
  for (let k = 0; !isOver(); k++) {
    await new Promise((resolve) => setTimeout(resolve, beatMs));
    const member = memberFor(shop, client, k, 0);
    const isHalfClosed = k % 3 === 0;
    const asks = asksOf(`raw.${k}`, isHalfClosed ? 1 : 6);
    const text = asks.map((ask) => textOf(world.store.keyAsk(ask))).join("");
    const exchanged = await exchange(member.port, text, asks.length, isHalfClosed, world.store.requestMsMax + slackMs);
    // The harness learns a little later that a member's process has ended.
    await new Promise((resolve) => setTimeout(resolve, beatMs));
    const what = isHalfClosed ? "a half-closed request" : `${asks.length} pipelined requests`;
    const wrong = whatHangs(exchanged, asks.length, isHalfClosed);
    if (
      wrong !== null &&
      hadItsTime(member, exchanged.sinceMs, world.pace) &&
      (exchanged.isLate || member.mayEnd === null)
    )
      shop.onFinding("hung", `${what} at n${member.id}: ${wrong}`);
    const { replies } = exchanged;
    judge(shop, asks, replies);
  }
}

/**
 * What is wrong with an exchange with a member that had its time, in words; or null. A half-closed connection is owed
 * its answer; the member may end any other connection between two answers.
 */
export function whatHangs(exchanged: Exchanged, count: number, isHalfClosed: boolean): string | null {
  const { replies, isLate, isTaken } = exchanged;
  if (replies.length >= count) return null;
  if (isLate) return isTaken ? `no answer after the first ${replies.length}` : "the connection is not taken";
  return isHalfClosed && isTaken ? `closed after ${replies.length} answers` : null;
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

/** `sinceMs`: when the connection began, or the last answer came; late: then nothing came within the bound. */
export type Exchanged = {
  readonly replies: readonly Reply[];
  readonly isLate: boolean;
  readonly isTaken: boolean;
  readonly sinceMs: number;
};

/** The answers in their order, each within `boundMs` of the one before; fewer than `count` where the connection ends. */
function exchange(port: number, text: string, count: number, ends: boolean, boundMs: number): Promise<Exchanged> {
  return new Promise((resolve) => {
    let received = "";
    let isTaken = false;
    let answers = 0;
    let sinceMs = performance.now();
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const finish = (isLate: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ replies: parse(received), isLate, isTaken, sinceMs });
    };
    let timer = setTimeout(() => finish(true), boundMs);
    socket.on("error", () => finish(false));
    socket.on("end", () => finish(false));
    socket.on("connect", () => (isTaken = true));
    socket.on("data", (chunk: Buffer) => {
      received += chunk.toString("latin1");
      const { length } = parse(received);
      if (length >= count) return finish(false);
      if (length === answers) return;
      answers = length;
      sinceMs = performance.now();
      clearTimeout(timer);
      timer = setTimeout(() => finish(true), boundMs);
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
