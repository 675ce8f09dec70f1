/** What people do: strangers at the peer port, two processes on one directory, mistyped requests and flags. */
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { freePorts } from "../world/ports.ts";
import type { Family, Field } from "./family.ts";
import { drawMember } from "./process-faults.ts";

function someRun({ free }: Field): boolean {
  return free.some(({ isUp }) => isUp);
}

const upgrade = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: metastore-peer\r\n\r\n";
/** A frame that says it is 30 MB long, bytes of chance, the beginning of a request, and silence. */
const sayings = [`${upgrade}\x00\x00\xc9\x01abcd`, `${upgrade}${"\x07".repeat(900)}`, "GET /", "", "\x16\x03\x01\x02"];

export const stranger: Family = {
  name: "stranger",
  needs: "a member that runs",
  isolation: "link",
  holdMs: [1_000, 6_000],
  isGeneral: false,
  may: someRun,
  async strike(field) {
    const member = field.chance.pick(field.free.filter(({ isUp }) => isUp));
    const port = Number(new URL(member.url).port);
    const sockets: Socket[] = Array.from({ length: 30 }, () => {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => undefined);
      socket.write(Buffer.from(field.chance.pick(sayings), "latin1"));
      return socket;
    });
    return {
      what: `30 strangers at n${member.id}'s peer port`,
      heal: async () => sockets.forEach((socket) => void socket.destroy()),
    };
  },
};

const endMs = 20_000;

/** Runs a server that must end by itself with `code`. */
async function mustEnd(field: Field, command: readonly string[], code: number, what: string): Promise<void> {
  const { world } = field;
  const started = world.spawn(command, join(world.directory, "logs", "others.txt"), 0);
  await world.until(() => started.exit !== null, endMs);
  if (started.exit === null) {
    started.signal("SIGKILL");
    field.onFinding("misuse", `${what}: it still runs after ${endMs} ms`);
  } else if (started.exit.code !== code) {
    field.onFinding("misuse", `${what}: exit ${started.exit.code}, not ${code}: ${started.lastLine}`);
  }
}

export const twoProcesses: Family = {
  name: "two-processes",
  needs: "a member that is ready",
  isolation: "process",
  holdMs: [0, 0],
  isGeneral: false,
  may: someRun,
  async strike(field) {
    const { world } = field;
    const member = field.take(drawMember(field));
    // Before it has the lock, the second process may get it.
    if (!(await world.until(() => world.isReady(member), endMs)))
      return { what: "nothing", heal: async () => undefined };
    const [port, listenPort] = (await freePorts(2)) as [number, number];
    const { id, url, joinsBy, directory } = member;
    const place = { id, port, listenPort, url, founders: world.founders, joinsBy, directory };
    await mustEnd(field, world.store.command(place), 1, `a second process on the directory of n${id}`);
    return { what: `a second process on the directory of n${id}`, heal: async () => undefined };
  },
};

/** An id that no machine has, and a URL where nobody listens. */
const nobody = 77;
const nowhere = "http://127.0.0.1:9";

export const mistype: Family = {
  name: "mistype",
  needs: "a member that runs",
  isolation: "members",
  holdMs: [500, 3_000],
  isGeneral: false,
  may: someRun,
  async strike(field) {
    const { world, operator, chance } = field;
    const member = chance.pick(field.free.filter(({ isUp }) => isUp));
    const other = chance.pick(world.present);
    const requests = [
      ["POST", `/${nobody}`, "htp:/127.0.0.1", 400],
      ["POST", "/not-a-number", nowhere, 400],
      ["DELETE", "/v1/members/88", undefined, 404],
      ["POST", `/${other.id}`, nowhere, 409],
      ["PUT", "/v1/kv/", "x", 400],
      ["PUT", "/v1", "x", 400],
    ] as const;
    for (const [method, path, body, status] of requests) {
      const reply = await operator.ask(member.id, method, path, body);
      // Another strike may have the member, or its leader, in hand: then it cannot be told now.
      const isTold = reply.kind === "answer" && reply.status !== 503 && reply.status !== 504;
      if (isTold && reply.status !== status)
        field.onFinding("misuse", `${method} ${path} at n${member.id} is answered ${reply.status}, not ${status}`);
    }
    const command = [...world.store.command({ ...placeOf(field), id: 1 }), "--clutser", "x"];
    await mustEnd(field, command, 2, "an unknown flag");
    await operator.ask(member.id, "POST", `/${nobody}`, nowhere);
    return {
      what: `mistyped requests at n${member.id}, and a member that nobody is`,
      heal: async () => {
        const isGone = await removed(field);
        if (!isGone) field.onFinding("membership", "a mistyped member cannot be removed");
      },
    };
  },
};

function placeOf({ world }: Field) {
  const { port, listenPort, url, joinsBy, directory } = world.member(1);
  return { port, listenPort, url, founders: world.founders, joinsBy, directory };
}

/** It may never have been added. */
async function removed({ world, operator }: Field): Promise<boolean> {
  return world.until(async () => {
    const up = world.present.filter(({ isUp }) => isUp);
    for (const { id } of up) {
      const reply = await operator.ask(id, "DELETE", `/v1/members/${nobody}`);
      if (reply.kind === "answer" && (reply.status === 204 || reply.status === 404)) return true;
    }
    return false;
  }, 60_000);
}
