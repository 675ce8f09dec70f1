#!/usr/bin/env node
/**
 * Runs the Procfile of this folder: `start [NAME…]`, `stop NAME…`, `kill NAME…`, `restart NAME…`, `status`. The first
 * `start` stays in the foreground; the others talk to it. Exit codes: 0 done or stopped by a signal, 1 not done, 2 usage.
 */
import { readFileSync } from "node:fs";
import { answerRequests, ask } from "./control.ts";
import { parseProcfile } from "./procfile.ts";
import { Supervisor } from "./supervisor.ts";

const usage = "usage: start [NAME…] | stop NAME… | kill NAME… | restart NAME… | status";
const [command = "start", ...names] = process.argv.slice(2);
const takesNames = /^(stop|kill|restart)$/.test(command);
if (!/^(start|stop|kill|restart|status)$/.test(command) || (takesNames && names.length === 0)) exit(2, usage);
if (!names.every((name) => /^[A-Za-z0-9_-]+$/.test(name))) exit(2, usage);

const answer = await ask([command, ...names].join(" "));
if (answer !== null) {
  const isDone = !answer.startsWith("error: ");
  process[isDone ? "stdout" : "stderr"].write(answer);
  process.exitCode = isDone ? 0 : 1;
} else if (command === "start") {
  await supervise(names);
} else {
  exit(1, "no supervisor runs in this folder: start one first");
}

function exit(code: number, line: string): never {
  process.stderr.write(`${line}\n`);
  process.exit(code);
}

function commandsOfProcfile(): ReadonlyMap<string, string> {
  try {
    return parseProcfile(readFileSync("Procfile", "utf8"));
  } catch (error) {
    return exit(2, `Procfile: ${(error as Error).message}`);
  }
}

async function supervise(first: readonly string[]): Promise<void> {
  const commands = commandsOfProcfile();
  const unknown = first.find((name) => !commands.has(name));
  if (unknown !== undefined) exit(2, `the Procfile has no ${unknown}`);
  const width = Math.max(...[...commands.keys()].map((name) => name.length));
  const supervisor = new Supervisor(commands, (name, line) => {
    process.stdout.write(`${name.padEnd(width)} | ${line}\n`);
  });
  const all = first.length === 0 ? [...commands.keys()] : first;
  const control = await answerRequests((words) => answerOf(supervisor, words, [...commands.keys()]));
  let isStopping = false;
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    process.on(signal, () => {
      // A second signal does not wait.
      if (isStopping) return supervisor.killAll();
      isStopping = true;
      control.close();
      void supervisor.close().then(() => process.exit(0));
    });
  }
  for (const name of all) supervisor.start(name);
}

async function answerOf(
  supervisor: Supervisor,
  [verb, ...asked]: readonly string[],
  all: readonly string[],
): Promise<string> {
  const said: string[] = [];
  try {
    if (verb === "status") return supervisor.status();
    for (const name of verb === "start" && asked.length === 0 ? all : asked) {
      if (verb === "kill") said.push(await supervisor.stop(name, "SIGKILL"));
      if (verb === "stop" || verb === "restart") said.push(await supervisor.stop(name));
      if (verb === "start" || verb === "restart") said.push(supervisor.start(name));
    }
    return said.join("\n");
  } catch (error) {
    return `error: ${(error as Error).message}`;
  }
}
