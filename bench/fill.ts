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
      for (let end = text.indexOf("\r\n\r\n"); end !== -1; end = text.indexOf("\r\n\r\n")) {
        if (!text.startsWith("HTTP/1.1 204")) reject(new Error(text.slice(0, end)));
        text = text.slice(end + 4);
        waiting -= 1;
      }
      if (waiting === 0) more();
    });
  });
}
