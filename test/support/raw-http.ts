/** HTTP as bytes on a socket, for what no client library would send. */
import { connect, type Socket } from "node:net";

export type Answered = {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
};

/** A connection to a port of this machine that keeps all it is sent. */
export class RawClient {
  readonly socket: Socket;
  received = "";
  #ended: Promise<void>;

  constructor(port: number) {
    this.socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    this.socket.setTimeout(60_000, () => this.socket.destroy(new Error("no answer for 60 seconds")));
    this.socket.on("data", (chunk: Buffer) => (this.received += chunk.toString("latin1")));
    this.#ended = new Promise((resolve, reject) => {
      this.socket.once("end", resolve);
      this.socket.once("error", reject);
    });
    this.#ended.catch(() => undefined);
  }

  send(text: string): void {
    this.socket.write(Buffer.from(text, "latin1"));
  }

  /** Says that nothing more is sent. */
  end(): void {
    this.socket.end();
  }

  /** All answers, once the server has ended the connection. */
  async answers(): Promise<Answered[]> {
    await this.#ended;
    this.socket.destroy();
    return parseAnswers(this.received);
  }

  /** The answers, once there are `count`; the connection stays open. */
  async take(count: number): Promise<Answered[]> {
    for (;;) {
      const answers = parseAnswers(this.received);
      if (answers.length >= count) return answers;
      await Promise.race([new Promise((resolve) => this.socket.once("data", resolve)), this.#ended]);
      if (this.socket.readableEnded && parseAnswers(this.received).length < count) throw new Error("too few answers");
    }
  }
}

/** Sends `text`, and nothing more; the answers until the server ends the connection. */
export function exchange(port: number, text: string): Promise<Answered[]> {
  const client = new RawClient(port);
  client.send(text);
  client.end();
  return client.answers();
}

/** Complete answers with a Content-Length or without a body. */
function parseAnswers(text: string): Answered[] {
  const answers: Answered[] = [];
  for (let at = 0; ;) {
    const end = text.indexOf("\r\n\r\n", at);
    if (end < 0) return answers;
    const [line, ...fields] = text.slice(at, end).split("\r\n");
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(line!)?.[1] ?? Number.NaN);
    const headers = new Map(
      fields.map((field): [string, string] => [
        field.slice(0, field.indexOf(":")).toLowerCase(),
        field.slice(field.indexOf(":") + 1).trim(),
      ]),
    );
    const length = Number(headers.get("content-length") ?? 0);
    if (text.length < end + 4 + length) return answers;
    answers.push({ status, headers, body: text.slice(end + 4, end + 4 + length) });
    at = end + 4 + length;
  }
}
