/** Requests that no handler may run, and the answer where a handler has begun already. */
import test from "ava";
import { serve } from "../support/client-server.ts";
import { exchange } from "../support/raw-http.ts";

for (const [what, request, status, code] of [
  ["a line without a version", "GET /k\r\n\r\n", 400, "bad-request"],
  ["a DELETE without a version", "DELETE /k\r\n", 400, "bad-request"],
  ["HTTP/0.9 by name", "GET /k HTTP/0.9\r\n\r\n", 400, "bad-request"],
  ["HTTP/2.0", "GET /k HTTP/2.0\r\nHost: x\r\n\r\n", 505, "version-not-supported"],
  ["a method that does not exist", "FETCH /k HTTP/1.1\r\nHost: x\r\n\r\n", 405, "method-not-allowed"],
  ["bytes that are no method", "\x16\x03\x01 /k HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad-request"],
  ["HTTP/1.2", "GET /k HTTP/1.2\r\nHost: x\r\n\r\n", 505, "version-not-supported"],
  ["a target with a fragment", "PUT /order#1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nv", 400, "bad-target"],
  ["a fragment in a query", "GET /x?a#b HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad-target"],
  ["a space in the target", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad-request"],
  ["HTTP/1.1 without Host", "GET /k HTTP/1.1\r\n\r\n", 400, "bad-host"],
  ["two Host headers", "GET /k HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", 400, "bad-host"],
  ["two lengths", "PUT /k HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400, "bad-request"],
  [
    "20 kB of headers",
    `GET /k HTTP/1.1\r\nHost: x\r\n${`X: ${"y".repeat(100)}\r\n`.repeat(200)}\r\n`,
    431,
    "headers-too-large",
  ],
  ["an unknown expectation", "GET /k HTTP/1.1\r\nHost: x\r\nExpect: cake\r\n\r\n", 417, "bad-expectation"],
  [
    "a transfer coding beside chunked",
    "PUT /k HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    501,
    "coding-unsupported",
  ],
  ["CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 405, "method-not-allowed"],
] as const) {
  test(`${what} is refused and never run: ${status} ${code}`, async (t) => {
    let runs = 0;
    const serving = await serve((_incoming, outgoing) => {
      runs += 1;
      outgoing.end();
    });
    const answers = await exchange(serving.port, request);
    t.is(answers.length, 1);
    const { headers, body } = answers[0]!;
    t.is(answers[0]!.status, status);
    t.is(headers.get("content-type"), "application/problem+json");
    t.is(headers.get("connection"), "close");
    t.is(headers.get("metastore-revision"), "7");
    const problem = JSON.parse(body) as { code: string; definite: boolean };
    t.deepEqual([problem.code, problem.definite], [code, true]);
    t.is(runs, 0);
    await serving.close();
  });
}

for (const [method, definite] of [
  ["DELETE", false],
  ["POST", false],
  ["PUT", true],
] as const) {
  const says = definite ? "it certainly did not happen" : "a handler has it, and it may have happened";
  test(`a ${method} whose body is broken is refused: ${says}`, async (t) => {
    const serving = await serve(() => undefined);
    const [answer] = await exchange(
      serving.port,
      `${method} /k HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n`,
    );
    t.is(answer!.status, 400);
    t.is((JSON.parse(answer!.body) as { definite: boolean }).definite, definite);
    await serving.close();
  });
}
