/** Runs the storage and server tests on the other Node versions, which come from npm's package `node`. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { nodeBinary, otherNodes } from "./support/nodes.ts";

function install(version: string, binary: string): void {
  if (existsSync(binary)) return;
  const directory = resolve(dirname(binary), "../../..");
  mkdirSync(directory, { recursive: true });
  const args = ["install", "--prefix", directory, "--no-save", "--no-audit", "--no-fund", `node@${version}`];
  execFileSync("npm", args, { stdio: "inherit" });
}

for (const version of otherNodes) {
  const binary = nodeBinary(version);
  install(version, binary);
  const files = ["storage", "server"].flatMap((folder) =>
    readdirSync(`dist/test/${folder}`)
      .filter((name) => name.endsWith(".test.js"))
      .map((name) => `dist/test/${folder}/${name}`),
  );
  process.stdout.write(`Node ${version}: ${files.length} files of tests\n`);
  const path = `${dirname(binary)}:${process.env["PATH"]}`;
  const args = ["node_modules/ava/entrypoints/cli.mjs", ...files];
  const { status } = spawnSync(binary, args, { stdio: "inherit", env: { ...process.env, PATH: path } });
  if (status !== 0) process.exitCode = 1;
}
