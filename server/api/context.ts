/** A request as its handlers get it. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Context } from "hono";

/** What the HTTP server adds to a request; absent under `app.request`. */
export type Bindings = { readonly incoming?: IncomingMessage; readonly outgoing?: ServerResponse };
/** One request and what answers it. It is not used after its answer is given. */
export type Ctx = Context<{ Bindings: Bindings }>;
