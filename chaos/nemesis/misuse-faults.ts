/** What people do: two processes on one directory, mistyped requests and flags, starts beside the wrong data. */
import { join } from "node:path";
import type { Member } from "../world/member.ts";
import { freePorts } from "../world/ports.ts";
import { type Family, type Field, nothing } from "./family.ts";
import { drawMember, startAgain } from "./process-faults.ts";

function someRun({ free }: Field): boolean {
  return free.some(({ isUp }) => isUp);
}

const endMs = 20_000;

/** Runs a server that must end by itself with `code`, with `says` in its last line. */
async function mustEnd(
  field: Field,
  command: readonly string[],
  code: number,
  says: string,
  what: string,
): Promise<void> {
  const { world } = field;
  const started = world.spawn(command, join(world.directory, "logs", "others.txt"), 0);
  await world.until(() => started.exit !== null, endMs);
  if (started.exit === null) {
    started.signal("SIGKILL");
    field.onFinding("misuse", `${what}: it still runs after ${endMs} ms`);
  } else if (started.exit.code !== code) {
    field.onFinding("misuse", `${what}: exit ${started.exit.code}, not ${code}: ${started.lastLine}`);
  } else if (!started.lastLine.includes(says)) {
    field.onFinding("misuse", `${what}: it does not say "${says}", but: ${started.lastLine}`);
  }
}

/** A second process is started on a member's directory: it must end, and the first must not notice. */
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
    if (!(await world.until(() => world.isReady(member), endMs))) return nothing(`n${member.id} is not ready`);
    const [port, listenPort] = (await freePorts(2)) as [number, number];
    const { id, url, joinsBy, directory } = member;
    const place = { id, port, listenPort, url, founders: world.founders, joinsBy, directory };
    await mustEnd(field, world.store.command(place), 1, "in use", `a second process on the directory of n${id}`);
    return { what: `a second process on the directory of n${id}`, heal: async () => undefined };
  },
};

/** An id that no machine has, and a URL where nobody listens. */
const nobody = 77;
const nowhere = "http://127.0.0.1:9";

/** An operator's mistakes: each must be refused in words that help, or be undone without harm. */
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
    await deleteAmbiguous(field, member, other);
    await startInVain(field);
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

/** Writes a key that has a member's number for its name, and deletes "it": the member must stay. */
async function deleteAmbiguous({ operator, onFinding }: Field, { id }: Member, other: Member): Promise<void> {
  const put = await operator.ask(id, "PUT", `/${other.id}`, "a key");
  if (put.kind !== "answer" || put.status !== 204) return;
  const reply = await operator.ask(id, "DELETE", `/${other.id}`);
  const isTold = reply.kind === "answer" && reply.status !== 503 && reply.status !== 504;
  if (isTold && reply.status !== 409)
    onFinding("misuse", `DELETE /${other.id} at n${id}, a key and a member, is answered ${reply.status}, not 409`);
  await operator.ask(id, "DELETE", `/v1/kv/${other.id}`);
}

/** Each kind in its turn. */
let startsInVain = 0;

/** Starts a server by mistake on a member's directory: beside its process, or in its place. It must end by itself. */
async function startInVain(field: Field): Promise<void> {
  const { world, chance } = field;
  const [port, listenPort] = (await freePorts(2)) as [number, number];
  const up = field.free.filter(({ isUp }) => isUp);
  if (up.length === 0) return;
  // In hand at once: what another strike has in hand it would start once more.
  const member = field.take(chance.pick(up));
  const { id, url, joinsBy, directory, process: running } = member;
  const place = { id, port, listenPort, url, founders: world.founders, joinsBy, directory };
  const all = world.store.startsInVain(place, world.present.length);
  const { what, command, code, says, isBesideProcess } = all[startsInVain++ % all.length]!;
  const words = `n${id} started with ${what}`;
  if (isBesideProcess) return mustEnd(field, command, code, says, words);
  if (!(await world.until(() => world.isReady(member), endMs)) || member.process !== running) return;
  await world.end(member, "SIGTERM");
  await mustEnd(field, command, code, says, words);
  await startAgain(field, member);
  await world.until(() => world.isReady(member), endMs);
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
