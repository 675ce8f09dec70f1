/** The listener for clients, with a handler of the test's own. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { ClientServer, type ClientServerOptions } from "../../server/http-server.ts";

export type Handler = (incoming: IncomingMessage, outgoing: ServerResponse) => void;
type Serving = { readonly port: number; readonly server: ClientServer; readonly close: () => Promise<void> };

const options: ClientServerOptions = { keepAliveMs: 60_000, connectionsMax: 0 };

/** Listens at a free port; the store's revision is 7. */
export async function serve(answer: Handler, changes: Partial<ClientServerOptions> = {}): Promise<Serving> {
  const server = new ClientServer(
    answer,
    () => 7,
    () => undefined,
    { ...options, ...changes },
  );
  const port = await server.listen("127.0.0.1", 0);
  return {
    port,
    server,
    close: async () => {
      server.drain();
      await server.close(0);
    },
  };
}
