/** What a secret file holds, byte by byte, and what is no secret file. */
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { readPeerSecret } from "../../server/peer-secret.ts";
import { freshDirectory, runServer } from "../support/processes.ts";

/** The proof that a file with these bytes gives. */
function proofOf(bytes: Buffer): string {
  const directory = freshDirectory();
  const path = join(directory, "secret");
  writeFileSync(path, bytes);
  const secret = readPeerSecret(path);
  rmSync(directory, { recursive: true });
  if (!secret.ok) throw new Error(secret.reason);
  return secret.value.proof("dialler", "a", "b").toString("hex");
}

test("secrets that differ in one byte are different, whatever the bytes are", (t) => {
  const proofs = new Set<string>();
  for (let byte = 0; byte < 256; byte++) proofs.add(proofOf(Buffer.from([...Buffer.alloc(31, 7), byte, 7])));
  t.is(proofs.size, 256);
});

test("one line end is no part of the secret; all other white space is", (t) => {
  const secret = Buffer.from(" a secret of some length\t");
  const proof = proofOf(secret);
  const followedBy = (end: string): string => proofOf(Buffer.concat([secret, Buffer.from(end)]));
  t.deepEqual([followedBy("\n"), followedBy("\r\n")], [proof, proof]);
  for (const end of ["\r", "\n\n", "\n\r\n", " ", " \n"]) t.not(followedBy(end), proof, JSON.stringify(end));
});

test("a named pipe, a directory or a device is refused at once: one line, exit code 2", async (t) => {
  const directory = freshDirectory();
  try {
    const pipe = join(directory, "pipe");
    execFileSync("/usr/bin/env", ["mkfifo", pipe]);
    mkdirSync(join(directory, "folder"));
    for (const path of [pipe, join(directory, "folder"), "/dev/zero"]) {
      const { code, stderr } = await runServer(["--data-dir", directory, "--peer-secret-file", path]);
      t.is(code, 2);
      t.is(stderr, `metaStore: --peer-secret-file ${path} is no regular file (--help lists the flags)\n`);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});
