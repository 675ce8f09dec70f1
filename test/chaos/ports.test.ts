/** The ports that processes are given before they listen. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import test from "ava";
import { freePorts } from "../../chaos/world/ports.ts";

/** A process with the id `pid`, as it believes, that draws `count` ports, prints them and stays. */
function drawing(pid: number, count: number): ChildProcess {
  const script = `Object.defineProperty(process, "pid", { value: ${pid} });
    const { freePorts } = await import(${JSON.stringify(new URL("../../chaos/world/ports.js", import.meta.url).href)});
    console.log(JSON.stringify(await freePorts(${count})));
    process.stdin.resume();`;
  return spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["pipe", "pipe", "inherit"] });
}

test("no two processes draw the same port, also where their ids ask for the same block", async (t) => {
  const children = [drawing(7, 40), drawing(7, 40), drawing(67, 40)];
  try {
    const drawn = await Promise.all(
      children.map(async (child) => JSON.parse(String((await once(child.stdout!, "data"))[0])) as number[]),
    );
    t.is(new Set(drawn.flat()).size, 120);
  } finally {
    for (const child of children) child.kill("SIGKILL");
  }
});

test("a port is not drawn again before all others of its process were", async (t) => {
  const drawn = [...(await freePorts(100)), ...(await freePorts(100))];
  t.is(new Set(drawn).size, 200);
  t.true(drawn.every((port) => port > 14_000 && port < 32_768));
});
