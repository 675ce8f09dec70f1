/** The way to a running supervisor: a socket in its folder that only its owner can open. A request and an answer are text. */
import { rmSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";

/** Relative: the path of a Unix socket is short. */
const path = ".metastore-procs.sock";
const requestCharsMax = 4_096;

/** The answer of the supervisor of this folder; null: none runs here. */
export function ask(request: string): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => socket.write(`${request}\n`));
    let answer = "";
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => (answer += chunk));
    socket.on("end", () => resolve(answer));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "ECONNREFUSED") resolve(null);
      else reject(error);
    });
  });
}

/** Answers requests until it is closed; throws if a supervisor runs here. A socket that nobody answers is replaced. */
export async function answerRequests(answer: (words: readonly string[]) => Promise<string>): Promise<Server> {
  if ((await ask("status")) !== null) throw new Error("a supervisor runs in this folder already");
  rmSync(path, { force: true });
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let request = "";
    let isTaken = false;
    socket.setEncoding("utf8");
    // The client may be gone.
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk: string) => {
      request += chunk;
      if (request.length > requestCharsMax) socket.destroy();
      if (isTaken || !request.includes("\n")) return;
      isTaken = true;
      void answer(request.split("\n")[0]!.split(" ")).then((text) => socket.end(`${text}\n`));
    });
  });
  const umask = process.umask(0o177);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  }).finally(() => process.umask(umask));
  return server;
}
