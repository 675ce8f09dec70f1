/** A request as its handlers get it. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Context } from "hono";

/** What the HTTP server adds to a request; absent under `app.request`. */
export type Bindings = { readonly incoming?: IncomingMessage; readonly outgoing?: ServerResponse };
export type Ctx = Context<{ Bindings: Bindings }>;
