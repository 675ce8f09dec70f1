/**
 * The cluster under test: real processes in directories of their own, behind proxies, on this machine. Whatever it makes
 * is gone when `close` completes, or when this process ends in any other way.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HttpClient } from "../http.ts";
import type { MemberState, Store } from "../store/store.ts";
import { Guard } from "./guard.ts";
import { Links } from "./links.ts";
import { type Exit, MemberProcess } from "./member-process.ts";
import { Member } from "./member.ts";
import { Pace } from "./pace.ts";
import { freePorts } from "./ports.ts";
import { ownerOf } from "./proc.ts";
import { Proxy } from "./proxy.ts";

/** A member that is asked how it is has so long to say it. */
const askMs = 2_000;
/** After it has ended by itself a member is started again. */
const lookAfterMs = 2_000;

/** Told of each process that ends although nobody ended it. */
export type OnUnexpectedEnd = (member: Member, exit: Exit, lastLine: string) => void;

/** One for each run. Members come and go; the machines on which they run do not. */
export class World {
  readonly store: Store;
  readonly directory: string;
  readonly links = new Links();
  /** By id, from 1; founders first, then spares. */
  readonly members: readonly Member[];
  readonly founders: readonly string[];
  readonly monitor = new HttpClient();
  /** The member that was last seen to lead, and in which term. */
  leader = 0;
  readonly #founderCount: number;
  readonly #guard: Guard;
  readonly #onUnexpectedEnd: OnUnexpectedEnd;
  /** Processes that run, each with its member's id; 0: a second process of none. */
  readonly #processes = new Map<number, number>();
  /** Called when the run is over: undoes what outlives processes. */
  readonly #cleanups: (() => void)[] = [];
  /** Tells whether this process had its time; no bound is judged without it. */
  readonly pace = new Pace();
  #isClosing = false;
  #isHurried = false;

  private constructor(
    store: Store,
    directory: string,
    members: readonly Member[],
    founderCount: number,
    onUnexpectedEnd: OnUnexpectedEnd,
  ) {
    this.store = store;
    this.directory = directory;
    this.members = members;
    this.#founderCount = founderCount;
    this.#guard = new Guard(directory);
    this.#onUnexpectedEnd = onUnexpectedEnd;
    this.founders = [];
  }

  /** Makes directories and proxies; starts nothing. Rejects where this machine does not give them. */
  static async open(store: Store, founders: number, spares: number, onUnexpectedEnd: OnUnexpectedEnd): Promise<World> {
    const directory = mkdtempSync(join(tmpdir(), "metastore-chaos-"));
    mkdirSync(join(directory, "logs"));
    const count = founders + spares;
    const ports = await freePorts(3 * count);
    const members = Array.from({ length: count }, (_, k) => {
      const [port, listenPort] = [ports[k]!, ports[count + k]!];
      return new Member(
        k + 1,
        port,
        listenPort,
        join(directory, `n${k + 1}`),
        join(directory, "logs", `n${k + 1}.txt`),
      );
    });
    const world = new World(store, directory, members, founders, onUnexpectedEnd);
    for (const member of members) {
      writeFileSync(member.logFile, "");
      member.proxies.push(await world.#openProxy(member, ports[2 * count + member.id - 1]!));
    }
    (world.founders as string[]).push(...members.slice(0, founders).map(({ url }) => url));
    return world;
  }

  #openProxy(member: Member, port: number): Promise<Proxy> {
    const diallers = { ownerOf: (from: number, to: number) => ownerOf(from, to, this.#processes) };
    return Proxy.open(port, member.id, member.listenPort, this.links, diallers);
  }

  member(id: number): Member {
    return this.members[id - 1]!;
  }

  /** Members that are part of the cluster, running or not. */
  get present(): readonly Member[] {
    return this.members.filter(({ phase }) => phase !== "absent");
  }

  /** Starts the member's process; throws where it runs: two processes of one member are a fault of the harness. `extra`: flags besides the store's own. */
  start(member: Member, extra: readonly string[] = []): MemberProcess {
    const { id, port, listenPort, url, joinsBy, directory } = member;
    if (member.process !== null && member.process.exit === null) throw new Error(`n${id} runs already`);
    this.store.prepare(directory);
    const place = { id, port, listenPort, url, founders: this.founders, joinsBy, directory };
    const started = this.spawn([...this.store.command(place), ...extra], member.logFile, id);
    member.process = started;
    member.phase = "running";
    member.isPaused = false;
    member.starts += 1;
    member.disturb();
    void started.ended.then((exit) => this.#onEnd(member, started, exit));
    return started;
  }

  #onEnd(member: Member, ended: MemberProcess, exit: Exit): void {
    member.disturb();
    if (member.process !== ended || member.phase !== "running" || this.#isClosing) return;
    member.process = null;
    if (member.mayEnd !== null) return;
    this.#onUnexpectedEnd(member, exit, ended.lastLine);
    // Somebody looks after it: what else goes wrong is to be seen too.
    setTimeout(() => {
      if (member.process === null && member.phase === "running" && !this.#isClosing) this.start(member);
    }, lookAfterMs);
  }

  /** A process that is cleaned up with the others. `id`: whose connections it makes; 0: nobody's. */
  spawn(command: readonly string[], logFile: string, id: number): MemberProcess {
    const started = new MemberProcess(command, logFile);
    const { pid } = started;
    if (pid !== 0) this.#processes.set(pid, id);
    this.#guard.tell([...this.#processes.keys()]);
    void started.ended.then(() => {
      this.#processes.delete(pid);
      this.#guard.tell([...this.#processes.keys()]);
    });
    return started;
  }

  /** Ends the member's process by `signal`, and completes when it is gone; a process that ignores SIGTERM is killed. */
  async end(member: Member, signal: "SIGKILL" | "SIGTERM", patienceMs = 20_000): Promise<Exit | null> {
    member.phase = "stopped";
    member.disturb();
    const { process: running } = member;
    member.process = null;
    if (running === null) return null;
    if (member.isPaused) running.signal("SIGCONT");
    member.isPaused = false;
    running.signal(signal);
    if (signal === "SIGTERM") {
      const isGone = this.until(() => running.exit !== null, patienceMs);
      void isGone.then((isSo) => isSo || running.signal("SIGKILL"));
    }
    return running.ended;
  }

  pause(member: Member): void {
    member.isPaused = true;
    member.disturb();
    member.process?.signal("SIGSTOP");
  }

  resume(member: Member): void {
    member.process?.signal("SIGCONT");
    member.isPaused = false;
    member.disturb();
  }

  /** Gives the member, which does not run, another advertised URL; its old one leads nowhere. */
  async move(member: Member): Promise<void> {
    const [port] = await freePorts(1);
    for (const proxy of member.proxies.splice(0)) proxy.close();
    member.proxies.push(await this.#openProxy(member, port!));
  }

  /** From now on members are started with the founders' present URLs in --cluster. */
  renameFounders(): void {
    (this.founders as string[]).splice(0, this.#founderCount, ...this.members.slice(0, this.#founderCount).map(urlOf));
  }

  /** Whether every member was founded with the cluster, or is at a founder's place again. */
  get hasOnlyFounders(): boolean {
    return this.present.every(({ id }) => id <= this.#founderCount) && this.present.length === this.#founderCount;
  }

  /**
   * Whether nothing was done to any member or link since `sinceMs`, and the machine had time for all; what is done to
   * `except` does not count.
   */
  wasLeftAlone(sinceMs: number, except: Member | null = null): boolean {
    if (this.pace.wasStarvedSince(sinceMs) || this.links.hasFaults || this.links.touchedAtMs >= sinceMs) return false;
    const others = this.present.filter((member) => member !== except);
    return others.every(
      ({ isUp, mayEnd, isShort, disturbedAtMs }) => isUp && mayEnd === null && !isShort && disturbedAtMs < sinceMs,
    );
  }

  /** What the member says of itself; null where it does not. */
  async stateOf(member: Member): Promise<MemberState | null> {
    const { statusAsk } = this.store;
    const reply = await this.monitor.ask(member.port, statusAsk, askMs);
    return this.store.stateOf(
      reply,
      this.members.map(({ id }) => id),
    );
  }

  async isReady(member: Member): Promise<boolean> {
    const reply = await this.monitor.ask(member.port, this.store.readyAsk, askMs);
    return reply.kind === "answer" && reply.status === 200;
  }

  /** Waits until `condition`; whether it came within `patienceMs`, in the time that this process had. */
  until(condition: () => boolean | Promise<boolean>, patienceMs: number): Promise<boolean> {
    return this.pace.until(condition, patienceMs, () => this.#isClosing || this.#isHurried);
  }

  /** From now on nothing is waited for. */
  hurry(): void {
    this.#isHurried = true;
  }

  get isHurried(): boolean {
    return this.#isHurried;
  }

  /** Has `undo` called at the end of the run. */
  atEnd(undo: () => void): void {
    this.#cleanups.push(undo);
  }

  /** Kills every process, closes every socket, removes every file. What could not be done, a line each; never rejects. */
  async close(): Promise<readonly string[]> {
    this.#isClosing = true;
    await Promise.all(this.members.map((member) => this.end(member, "SIGKILL")));
    for (const pid of this.#processes.keys()) killIfThere(pid);
    for (const { proxies } of this.members) for (const proxy of proxies) proxy.close();
    this.monitor.close();
    const failed = [
      ...this.#cleanups,
      () => rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 }),
    ].flatMap((undo) => whyNot(undo));
    await this.#guard.close();
    this.pace.close();
    // The guard has had its own try at the same.
    return existsSync(this.directory) ? [...failed, `${this.directory} is left`] : [];
  }
}

function whyNot(undo: () => void): string[] {
  try {
    undo();
    return [];
  } catch (error) {
    return [(error as Error).message.split("\n")[0]!];
  }
}

function urlOf({ url }: Member): string {
  return url;
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}
