/**
 * Starts and stops processes by name. Each has a process group of its own, so that a signal reaches the command and not
 * only the shell that runs it, and so that the end of one process never touches another.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";

/** A process that has not ended by then is killed. */
const stopMsMax = 20_000;
/** Whole seconds: not every sleep takes less. */
const guardLookMs = 1_000;

/** Runs its argument once the guard knows of its group: a supervisor that is killed before that leaves nothing. */
const onceTold = 'read -r go && exec sh -c "$0" </dev/null';

type Running = { readonly child: ChildProcess; readonly gone: Promise<void>; isStopping: boolean };

/** The processes of one Procfile. Whatever ends it ends them too. */
export class Supervisor {
  readonly #commands: ReadonlyMap<string, string>;
  readonly #print: (name: string, line: string) => void;
  readonly #guard: ChildProcess;
  readonly #running = new Map<string, Running>();
  #isClosing = false;

  /** `print` gets each line of output, with the name of the process that wrote it. */
  constructor(commands: ReadonlyMap<string, string>, print: (name: string, line: string) => void) {
    this.#commands = commands;
    this.#print = print;
    this.#guard = spawnGuard();
  }

  /** What it did, in words. Throws if it has no such process, or if it is closing. */
  start(name: string): string {
    const command = this.#commands.get(name);
    if (command === undefined) throw new Error(`the Procfile has no ${name}, only ${this.#names()}`);
    if (this.#isClosing) throw new Error("the supervisor is stopping");
    if (this.#running.has(name)) return `${name} runs already`;
    const child = spawn("sh", ["-c", onceTold, command], { detached: true, stdio: ["pipe", "pipe", "pipe"] });
    // It may be gone.
    child.stdin.on("error", () => undefined);
    for (const stream of [child.stdout, child.stderr]) this.#printLines(name, stream);
    const running = { child, isStopping: false };
    const gone = new Promise<void>((resolve) => {
      child.once("error", (error) => this.#print(name, `cannot start: ${error.message}`));
      // Not "exit": the shell may end before the command that it runs.
      child.once("close", (code, signal) => {
        this.#running.delete(name);
        this.#tellGuard();
        this.#print(name, this.#endingOf(name, code, signal, running.isStopping));
        resolve();
      });
    });
    this.#running.set(name, Object.assign(running, { gone }));
    this.#tellGuard();
    child.stdin.end("go\n");
    return `${name} starts`;
  }

  /** Ends the process by SIGTERM, or by SIGKILL, and completes when it is gone. */
  async stop(name: string, signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<string> {
    if (!this.#commands.has(name)) throw new Error(`the Procfile has no ${name}, only ${this.#names()}`);
    const running = this.#running.get(name);
    if (running === undefined) return `${name} does not run`;
    if (!running.isStopping || signal === "SIGKILL") signalGroup(running.child, signal);
    running.isStopping = true;
    const killer = setTimeout(() => signalGroup(running.child, "SIGKILL"), stopMsMax);
    await running.gone;
    clearTimeout(killer);
    return `${name} has ended`;
  }

  status(): string {
    return [...this.#commands.keys()]
      .map((name) => `${name} ${this.#running.has(name) ? "runs" : "does not run"}`)
      .join("\n");
  }

  /** Starts nothing more, stops all, and completes when all are gone. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.all([...this.#running.keys()].map((name) => this.stop(name)));
    this.#guard.stdin!.end();
  }

  /** Ends at once whatever still runs. */
  killAll(): void {
    for (const { child } of this.#running.values()) signalGroup(child, "SIGKILL");
  }

  /** How the process has ended. A signal that nobody here has sent is told as such, with what brings the process back. */
  #endingOf(name: string, code: number | null, signal: NodeJS.Signals | null, wasAsked: boolean): string {
    const fatal = signal ?? signalOfExit(code);
    if (fatal === null || wasAsked || this.#isClosing) return `ended (${signal ?? `exit ${code}`})`;
    const cause = fatal === "SIGKILL" ? ": by hand, or since memory was short" : "";
    return `ended (${fatal} from outside${cause}); "start ${name}" starts it again`;
  }

  #names(): string {
    return [...this.#commands.keys()].join(", ");
  }

  #printLines(name: string, stream: NodeJS.ReadableStream): void {
    let rest = "";
    stream.setEncoding("utf8");
    stream.on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop()!;
      for (const line of lines) this.#print(name, line);
    });
    stream.on("end", () => {
      if (rest !== "") this.#print(name, rest);
    });
  }

  #tellGuard(): void {
    const groups = [...this.#running.values()].map(({ child }) => child.pid).filter((pid) => pid !== undefined);
    this.#guard.stdin!.write(`${groups.map((pid) => `-${pid}`).join(" ")}\n`);
  }
}

/** A shell that has run a command says by its own exit code which signal has ended that. */
function signalOfExit(code: number | null): NodeJS.Signals | null {
  const named = Object.entries(constants.signals).find(([, number]) => code === 128 + number);
  return (named?.[0] as NodeJS.Signals | undefined) ?? null;
}

/**
 * A shell whose input is the list of the groups that run. Its input ends when this process does, also by kill -9; then it
 * ends the groups of the last line, waits until they are gone, and kills what is not. It lasts no longer than they do.
 */
function spawnGuard(): ChildProcess {
  const script =
    'while read -r line; do groups=$line; done; [ -n "$groups" ] || exit 0; kill -s TERM -- $groups; ' +
    `tries=0; while [ $tries -lt ${stopMsMax / guardLookMs} ]; do left=; ` +
    'for group in $groups; do kill -s 0 -- $group && left="$left $group"; done; ' +
    `[ -n "$left" ] || exit 0; sleep ${guardLookMs / 1000}; tries=$((tries + 1)); done; ` +
    "kill -s KILL -- $left";
  const guard = spawn("sh", ["-c", script], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
  guard.stdin.on("error", () => undefined);
  return guard;
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // It is gone.
  }
}
