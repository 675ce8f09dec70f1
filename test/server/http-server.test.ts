/** The listener for clients on real sockets, with handlers of the test's own. */
import type { ServerResponse } from "node:http";
import { fc } from "@fast-check/ava";
import test from "ava";
import { type Handler, serve } from "../support/client-server.ts";
import { exchange, RawClient } from "../support/raw-http.ts";

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
}

function put(path: string, value: string): string {
  return `PUT ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${value.length}\r\n\r\n${value}`;
}

/** A map of values behind HTTP; each request takes as many turns of the event loop as `turns` says for its number. */
function slowMap(turns: (k: number) => number): Handler {
  const values = new Map<string, string>();
  let seen = 0;
  return (incoming, outgoing) => {
    const waits = turns(seen++);
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const act = (left: number): void => {
        if (left > 0) return void setImmediate(() => act(left - 1));
        const { url = "", method } = incoming;
        if (method === "PUT") values.set(url, Buffer.concat(chunks).toString("latin1"));
        outgoing.end(values.get(url) ?? "absent");
        if (method === "DELETE") values.delete(url);
      };
      act(waits);
    });
  };
}

const pipelines = fc.record({
  requests: fc.array(
    fc.record({
      method: fc.constantFrom("PUT", "GET", "DELETE"),
      path: fc.constantFrom("/a", "/b"),
      value: fc.string({ unit: "binary-ascii", maxLength: 40 }),
    }),
    { minLength: 1, maxLength: 30 },
  ),
  turns: fc.array(fc.nat({ max: 6 }), { minLength: 1, maxLength: 10 }),
  cuts: fc.array(fc.nat({ max: 200 }), { maxLength: 8 }),
});

test("requests of one connection take effect in their order, however they are cut and however long each takes", async (t) => {
  await fc.assert(
    fc.asyncProperty(pipelines, async ({ requests, turns, cuts }) => {
      const serving = await serve(slowMap((k) => turns[k % turns.length]!));
      try {
        const values = new Map<string, string>();
        const expected = requests.map(({ method, path, value }) => {
          if (method === "PUT") values.set(path, value);
          const answer = values.get(path) ?? "absent";
          if (method === "DELETE") values.delete(path);
          return answer;
        });
        const text = requests
          .map(({ method, path, value }) => put(path, method === "PUT" ? value : "").replace("PUT", method))
          .join("");
        const client = new RawClient(serving.port);
        client.socket.setNoDelay(true);
        let sent = 0;
        for (const cut of cuts) {
          client.send(text.slice(sent, sent + cut));
          sent += cut;
          await new Promise((resolve) => setImmediate(resolve));
        }
        client.send(text.slice(sent));
        const answers = await client.take(requests.length);
        client.socket.destroy();
        t.deepEqual(
          answers.map(({ body }) => body),
          expected,
        );
      } finally {
        await serving.close();
      }
    }),
    { numRuns: 60, seed: 1 },
  );
});

test("20,000 requests sent at once over one connection are answered in their order", async (t) => {
  const serving = await serve((incoming, outgoing) => setImmediate(() => outgoing.end(incoming.url)));
  const client = new RawClient(serving.port);
  client.send(Array.from({ length: 20_000 }, (_, k) => get(`/${k}`)).join(""));
  client.end();
  const answers = await client.answers();
  t.is(answers.length, 20_000);
  t.true(answers.every(({ body }, k) => body === `/${k}`));
  await serving.close();
});

test("HTTP/1.0 needs no Host", async (t) => {
  const serving = await serve((_incoming, outgoing) => outgoing.writeHead(200, { "Content-Length": 2 }).end("ok"));
  const [answer] = await exchange(serving.port, "GET /livez HTTP/1.0\r\n\r\n");
  t.deepEqual([answer!.status, answer!.body], [200, "ok"]);
  await serving.close();
});

test("what follows requests and is none is refused after they are answered", async (t) => {
  const serving = await serve((incoming, outgoing) => setImmediate(() => outgoing.end(incoming.url)));
  const answers = await exchange(serving.port, `${get("/a")}${get("/b")}nonsense\r\n\r\n`);
  t.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 400],
  );
  t.deepEqual([answers[0]!.body, answers[1]!.body], ["/a", "/b"]);
  await serving.close();
});

test("a client that ends its side after the request is answered, and its connection is closed", async (t) => {
  const serving = await serve((incoming, outgoing) => {
    incoming.resume();
    // Not before the client's end has come.
    incoming.socket.once("end", () => setImmediate(() => outgoing.end("done")));
  });
  const [answer] = await exchange(serving.port, put("/k", "v"));
  t.deepEqual([answer!.status, answer!.body], [200, "done"]);
  await until(() => serving.server.connectionCount === 0);
  const idle = new RawClient(serving.port);
  idle.end();
  t.deepEqual(await idle.answers(), []);
  await until(() => serving.server.connectionCount === 0);
  await serving.close();
});

test("a body that ends early is refused, and its handler learns that the client is gone", async (t) => {
  let isGone = false;
  const serving = await serve((incoming, outgoing) => {
    incoming.resume();
    incoming.on("error", () => undefined);
    outgoing.once("close", () => (isGone = true));
  });
  const answers = await exchange(serving.port, put("/k", "value").slice(0, -2));
  t.deepEqual(
    answers.map(({ status }) => status),
    [400],
  );
  await until(() => isGone);
  await serving.close();
});

test("a client that sends 20 MB before it reads is told that it is too much", async (t) => {
  const serving = await serve((_incoming, outgoing) => {
    outgoing.writeHead(413, { Connection: "close", "Content-Length": 0 });
    outgoing.end();
  });
  const bytes = 20_000_000;
  for (let k = 0; k < 5; k++) {
    const client = new RawClient(serving.port);
    client.socket.pause();
    client.send(`PUT /k HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes}\r\n\r\n`);
    await new Promise<void>((resolve, reject) => {
      client.socket.write(Buffer.alloc(bytes), (error) => (error ? reject(error) : resolve()));
    });
    client.socket.resume();
    const [answer] = await client.take(1);
    t.is(answer!.status, 413);
    client.socket.destroy();
  }
  await serving.close();
});

test("nothing is run after an answer that closes the connection, though it was sent", async (t) => {
  const seen: string[] = [];
  const serving = await serve((incoming, outgoing) => {
    seen.push(incoming.url!);
    outgoing.writeHead(413, { Connection: "close", "Content-Length": 0 });
    setImmediate(() => outgoing.end());
  });
  const body = "x".repeat(200_000);
  const answers = await exchange(serving.port, `${put("/big", body)}${get("/after")}${get("/after")}`);
  t.is(answers.length, 1);
  t.deepEqual(seen, ["/big"]);
  await serving.close();
});

test("what a client sends after Connection: close is neither run nor answered", async (t) => {
  const seen: string[] = [];
  const serving = await serve((incoming, outgoing) => {
    seen.push(incoming.url!);
    setImmediate(() => outgoing.end());
  });
  const last = get("/last").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
  const answers = await exchange(serving.port, `${get("/first")}${last}${put("/after", "x".repeat(200_000))}`);
  t.deepEqual(
    answers.map(({ status }) => status),
    [200, 200],
  );
  t.is(answers[1]!.headers.get("connection"), "close");
  t.deepEqual(seen, ["/first", "/last"]);
  await serving.close();
});

test("a header that comes after thousands of others counts", async (t) => {
  const serving = await serve(({ headers }, outgoing) => outgoing.end(headers["if-match"] ?? "none"));
  const many = `GET /k HTTP/1.1\r\nHost: x\r\n${"x:y\r\n".repeat(2_500)}If-Match: "9"\r\nConnection: close\r\n\r\n`;
  const [answer] = await exchange(serving.port, many);
  t.is(answer!.body, '"9"');
  await serving.close();
});

test("a client beyond the bound is told so; when another leaves there is room again", async (t) => {
  const serving = await serve((_incoming, outgoing) => outgoing.end("ok"), { connectionsMax: 2 });
  const clients = [new RawClient(serving.port), new RawClient(serving.port)];
  for (const client of clients) {
    client.send(get("/k"));
    await client.take(1);
  }
  const [refusal] = await new RawClient(serving.port).answers();
  t.is(refusal!.status, 503);
  t.is(refusal!.headers.get("retry-after"), "1");
  t.is((JSON.parse(refusal!.body) as { code: string }).code, "too-many-connections");
  clients[0]!.socket.destroy();
  await until(() => serving.server.connectionCount === 1);
  const [answer] = await exchange(serving.port, get("/k"));
  t.is(answer!.status, 200);
  clients[1]!.socket.destroy();
  await serving.close();
});

test("when it drains, every answer ends its connection, and others are still taken", async (t) => {
  const running: ServerResponse[] = [];
  const serving = await serve((incoming, outgoing) => {
    if (incoming.url === "/wait") running.push(outgoing);
    else outgoing.end("told");
  });
  const idle = new RawClient(serving.port);
  idle.send(get("/k"));
  await idle.take(1);
  const waiting = new RawClient(serving.port);
  waiting.send(get("/first") + get("/wait"));
  await until(() => running.length === 1);
  serving.server.drain();
  const later = new RawClient(serving.port);
  for (const client of [idle, later]) {
    client.send(get("/k"));
    const answer = (await client.answers()).at(-1)!;
    t.deepEqual([answer.headers.get("connection"), answer.body], ["close", "told"]);
  }
  running[0]!.end("done");
  const answer = (await waiting.answers()).at(-1)!;
  t.deepEqual([answer.headers.get("connection"), answer.body], ["close", "done"]);
  await serving.close();
});

test("when it closes, what is running is answered with Connection: close, and what is idle is closed", async (t) => {
  const running: ServerResponse[] = [];
  const serving = await serve((incoming, outgoing) => {
    if (incoming.url === "/wait") running.push(outgoing);
    else outgoing.end();
  });
  const idle = new RawClient(serving.port);
  idle.send(get("/k"));
  await idle.take(1);
  const silent = new RawClient(serving.port);
  const waiting = new RawClient(serving.port);
  waiting.send(get("/first") + get("/wait"));
  await until(() => serving.server.connectionCount === 3 && running.length === 1);
  const closed = serving.server.close(20_000);
  t.is((await idle.answers()).length, 1);
  t.is((await silent.answers()).length, 0);
  running[0]!.end("done");
  const answers = await waiting.answers();
  t.is(answers.at(-1)!.headers.get("connection"), "close");
  t.is(answers.at(-1)!.body, "done");
  await closed;
  await t.throwsAsync(new RawClient(serving.port).answers(), { code: "ECONNREFUSED" });
});

test("an idle connection is told how long it may stay", async (t) => {
  const serving = await serve((_incoming, outgoing) => outgoing.end(), { keepAliveMs: 75_000 });
  const client = new RawClient(serving.port);
  client.send(get("/k"));
  const [answer] = await client.take(1);
  t.is(answer!.headers.get("keep-alive"), "timeout=75");
  client.socket.destroy();
  await serving.close();
});

test("a shortage of descriptors closes clients that ask for nothing, and no others", async (t) => {
  const running: ServerResponse[] = [];
  const serving = await serve((_incoming, outgoing) => running.push(outgoing));
  const busy = new RawClient(serving.port);
  busy.send(get("/k"));
  const silent = Array.from({ length: 5 }, () => new RawClient(serving.port));
  await until(() => serving.server.connectionCount === 6 && running.length === 1);
  serving.server.onShortage();
  for (const client of silent) t.deepEqual(await client.answers(), []);
  running[0]!.end("done");
  t.is((await busy.take(1))[0]!.body, "done");
  busy.socket.destroy();
  await serving.close();
});

test("OPTIONS * is answered with what the server takes, in its turn, and the connection goes on", async (t) => {
  const asked: string[] = [];
  const { port, close } = await serve((incoming, outgoing) => {
    asked.push(`${incoming.method} ${incoming.url}`);
    setImmediate(() => outgoing.end("handled"));
  });
  try {
    const star = "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n";
    const answers = await exchange(port, get("/a") + star + get("/b"));
    t.deepEqual(
      answers.map(({ status }) => status),
      [200, 204, 200],
    );
    t.is(answers[1]!.headers.get("allow"), "GET, HEAD, PUT, POST, DELETE");
    t.is(answers[1]!.headers.get("metastore-revision"), "7");
    // No other method asks about the server: that is for the handlers to refuse.
    await exchange(port, get("*"));
    t.deepEqual(asked, ["GET /a", "GET /b", "GET *"]);
  } finally {
    await close();
  }
});

test("the scheme of an absolute target may be written in any letters", async (t) => {
  const { port, close } = await serve((incoming, outgoing) => outgoing.end(incoming.url));
  const [first, second] = await exchange(port, get("HTTP://h/Key") + get("http://h/Key"));
  t.deepEqual([first!.body, second!.body], ["http://h/Key", "http://h/Key"]);
  await close();
});

test("CONNECT is refused with what the server allows", async (t) => {
  const { port, close } = await serve((_incoming, outgoing) => outgoing.end());
  const [answer] = await exchange(port, "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n");
  t.deepEqual([answer!.status, answer!.headers.get("allow")], [405, "GET, HEAD, PUT, POST, DELETE"]);
  await close();
});
