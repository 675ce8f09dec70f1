/**
 * What stands at a member's advertised peer URL: it passes each connection on to where the member really listens, through
 * the dialler's link.
 *
 * Members name one URL each, so one listener serves all diallers. Who dialled is asked of the kernel when the connection
 * is accepted (whose descriptor is the other end?), not read from the handshake: so a link is faulty from its first byte,
 * a store with another protocol is served alike, and a peer cannot say that it is another. It costs that a run needs Linux.
 */
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Links } from "./links.ts";
import { SocketPipe } from "./pipe.ts";

/** Tells who has dialled, by what the kernel knows of the connection. */
export interface Diallers {
  /** Which member's process has the connection from `port` to `toPort`; 0: none; null: the connection is over. */
  ownerOf(port: number, toPort: number): number | null;
}

/** One address of one member. Only `open` makes one. */
export class Proxy {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  /** Listens on `port`, and passes on to member `to` at `targetPort`. Rejects where the port cannot be had. */
  static open(port: number, to: number, targetPort: number, links: Links, diallers: Diallers): Promise<Proxy> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
    const proxy = new Proxy(server, port);
    server.on("connection", (dialler) => proxy.#accept(dialler, to, targetPort, links, diallers));
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, "127.0.0.1", () => resolve(proxy));
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Ends every connection through it. */
  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(dialler: Socket, to: number, targetPort: number, links: Links, diallers: Diallers): void {
    this.#keep(dialler);
    dialler.on("error", () => undefined);
    const from = diallers.ownerOf(dialler.remotePort ?? 0, this.port);
    // Its dialler has not waited. On a busy machine all that queue up could be such: nothing is spent on them.
    if (from === null) return void dialler.destroy();
    if (links.faultOf(from, to) === "cut") return void dialler.resetAndDestroy();
    const listener = connect({ host: "127.0.0.1", port: targetPort, allowHalfOpen: true });
    this.#keep(listener);
    // Nobody listens: the dialler must not believe that somebody does.
    listener.once("error", () => dialler.resetAndDestroy());
    listener.once("connect", () => {
      if (dialler.destroyed) listener.destroy();
      else links.opened(new SocketPipe(from, to, dialler, listener, links));
    });
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
  }
}
