/** Writes many keys fast: a few connections, each with a run of requests under way. */
import { connect } from "node:net";

const connections = 8;
const pipelined = 64;

/** PUTs key-`from` to key-(`to` - 1); rejects where an answer is not 204. */
export async function fill(port: number, from: number, to: number, value: string): Promise<void> {
  let next = from;
  const run = (): string => {
    let requests = "";
    for (let k = 0; k < pipelined && next < to; k++) {
      requests += `PUT /key-${next++} HTTP/1.1\r\nHost: x\r\nContent-Length: ${value.length}\r\n\r\n${value}`;
    }
    return requests;
  };
  await Promise.all(Array.from({ length: connections }, () => send(port, run)));
}

function send(port: number, run: () => string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let waiting = 0;
    let text = "";
    const more = (): void => {
      const requests = run();
      if (requests === "") {
        socket.end();
        return resolve();
      }
      waiting = requests.split("PUT /key-").length - 1;
      socket.write(requests);
    };
    socket.on("connect", more);
    socket.on("error", reject);
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      const answers = text.split("HTTP/1.1 ");
      for (const answer of answers.slice(1, -1)) if (!answer.startsWith("204")) reject(new Error(answer.slice(0, 200)));
      const last = answers.at(-1)!;
      const isWhole = last.includes("\r\n\r\n");
      waiting -= answers.length - 2 + (isWhole ? 1 : 0);
      text = isWhole ? "" : `HTTP/1.1 ${last}`;
      if (waiting === 0) more();
    });
  });
}
