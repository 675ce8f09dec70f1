/** One HTTP request to a member, and how it ended. Texts are latin1: a character is a byte. */
import { Agent, request } from "node:http";

/**
 * - `answer`: the member answered.
 * - `refused`: nobody took the connection; nothing was sent.
 * - `broken`: the connection ended before the answer did.
 * - `late`: the caller's own patience was over first.
 */
export type Reply =
  | { readonly kind: "answer"; readonly status: number; readonly headers: Headers; readonly body: string }
  | { readonly kind: "refused" | "broken" | "late"; readonly why: string };
/** By lower-case name. */
export type Headers = Readonly<Record<string, string | undefined>>;

/** A request before it is sent; the Content-Length is added then. */
export type Ask = {
  readonly method: string;
  /** As it goes on the wire. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
};

/** Connections that one kind of client keeps open, and none outlives `close`. */
export class HttpClient {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 512, maxFreeSockets: 16 });

  /** Never rejects. */
  ask(port: number, { method, path, headers = {}, body }: Ask, patienceMs: number): Promise<Reply> {
    return new Promise((resolve) => {
      let isSent = false;
      let timer: NodeJS.Timeout | null = null;
      const end = (reply: Reply): void => {
        if (timer !== null) clearTimeout(timer);
        resolve(reply);
      };
      const bytes = body === undefined ? null : Buffer.from(body, "latin1");
      const length = bytes === null ? {} : { "Content-Length": String(bytes.length) };
      const sent = request({
        host: "127.0.0.1",
        port,
        method,
        path,
        headers: { ...headers, ...length },
        agent: this.#agent,
      });
      timer = setTimeout(() => {
        end({ kind: "late", why: `no answer within ${patienceMs} ms` });
        sent.destroy();
      }, patienceMs);
      sent.on("socket", (socket) => {
        if (socket.connecting) socket.once("connect", () => (isSent = true));
        else isSent = true;
      });
      sent.on("error", (error: NodeJS.ErrnoException) => {
        end({ kind: isSent ? "broken" : "refused", why: error.code ?? error.message });
      });
      sent.on("response", (response) => {
        let text = "";
        response.setEncoding("latin1");
        response.on("data", (chunk: string) => (text += chunk));
        response.on("error", (error) => end({ kind: "broken", why: error.message }));
        response.on("aborted", () => end({ kind: "broken", why: "the answer ended in its middle" }));
        response.on("end", () => {
          const { statusCode = 0 } = response;
          end({ kind: "answer", status: statusCode, headers: response.headers as Headers, body: text });
        });
      });
      sent.end(bytes);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
