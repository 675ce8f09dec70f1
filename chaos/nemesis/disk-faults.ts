/** A disk that is full: a member's own small file system, or a limit on its files. */
import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Member } from "../world/member.ts";
import type { World } from "../world/world.ts";
import { type Family, type Field, nothing, type Strike } from "./family.ts";
import { drawMember, startAgain } from "./process-faults.ts";

/** Snapshots of a state that bursts have made large need their room, twice. */
const tmpfsMb = 512;
const onTmpfs = new Set<Member>();
/** Null: not tried yet. */
let mayMount: boolean | null = null;

/** Root of a container often may not. */
function canMount({ directory }: World): boolean {
  const place = join(directory, "n0");
  mkdirSync(place);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", place], { stdio: "ignore" });
  } catch {
    rmSync(place, { recursive: true });
    return false;
  }
  unmount(place);
  rmSync(place, { recursive: true });
  return true;
}

/** Also where something still holds a file there: then the kernel does it once nobody does. Throws what umount says. */
function unmount(place: string): void {
  try {
    execFileSync("umount", [place], { stdio: "ignore" });
  } catch {
    execFileSync("umount", ["-l", place], { stdio: "ignore" });
  }
}

/** What a log or snapshot soon needs more than. */
const fileBytesMax = 4_096;

/**
 * Where nothing can be mounted: no file of the process may grow beyond this, so a log that has more takes no byte. The
 * process sees EFBIG where a full disk gives ENOSPC.
 */
export async function limitFiles(field: Field, member: Member): Promise<Strike> {
  const { process: limited } = member;
  if (limited === null || limited.exit !== null) return nothing(`n${member.id} does not run`);
  const limit = (soft: string): void =>
    void execFileSync("prlimit", ["--pid", String(limited.pid), `--fsize=${soft}:`], { stdio: "ignore" });
  member.mayEnd = "its files may not grow";
  try {
    limit(String(fileBytesMax));
  } catch {
    // It has just ended, or there is no prlimit.
    member.mayEnd = null;
    return nothing("its files cannot be limited");
  }
  return {
    what: `no file of n${member.id} may grow`,
    heal: async () => {
      if (member.process === limited && limited.exit === null) limit("unlimited");
      await endShortage(field, member);
    },
  };
}

/** The member has room again: it runs on, or is started again where it has ended, or is still ending, for what it lacked. */
async function endShortage(field: Field, member: Member): Promise<void> {
  const { world } = field;
  await startAgain(field, member);
  await world.until(async () => member.process === null || (await world.isReady(member)), 20_000);
  await startAgain(field, member);
  member.mayEnd = null;
}

/** Moves the directory of a member that does not run to a small file system of its own, where it stays. */
function toTmpfs(world: World, member: Member): void {
  const old = `${member.directory}-before`;
  renameSync(member.directory, old);
  mkdirSync(member.directory);
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${tmpfsMb}m`, "tmpfs", member.directory]);
  world.atEnd(() => unmount(member.directory));
  Member.copy(old, member.directory);
  rmSync(old, { recursive: true });
  onTmpfs.add(member);
}

/** A member's disk is full, until there is room again. It may end, and must come back with all that it had. */
export const fullDisk: Family = {
  name: "full-disk",
  needs: "root that may mount a small tmpfs, else prlimit",
  isolation: "process",
  holdMs: [1_000, 6_000],
  isGeneral: false,
  may: ({ free }) => free.some(({ isUp }) => isUp),
  async strike(field) {
    const { world } = field;
    const member = field.take(drawMember(field));
    mayMount ??= canMount(world);
    if (!mayMount) return limitFiles(field, member);
    if (!onTmpfs.has(member)) {
      await world.end(member, "SIGTERM");
      toTmpfs(world, member);
      world.start(member);
      await world.until(() => world.isReady(member), 30_000);
    }
    member.mayEnd = "its disk is full";
    const filler = join(member.directory, "filler");
    try {
      for (let k = 0; k < tmpfsMb * 16; k++) writeFileSync(filler, Buffer.alloc(65_536, 1), { flag: "a" });
    } catch {
      // It is full.
    }
    return {
      what: `disk of n${member.id} full`,
      heal: async () => {
        rmSync(filler, { force: true });
        await endShortage(field, member);
      },
    };
  },
};
