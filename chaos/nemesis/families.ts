/** All families of faults, in one table. */
import { damage, logDeleted, oldCopy, wipe } from "./directory-faults.ts";
import type { Family } from "./family.ts";
import { link, partition, reset } from "./link-faults.ts";
import { grow, move, replace } from "./member-faults.ts";
import { mistype, stranger, twoProcesses } from "./misuse-faults.ts";
import { kill, killAll, pause, rolling } from "./process-faults.ts";
import { burst, fewDescriptors, fullDisk } from "./resource-faults.ts";

export const families: readonly Family[] = [
  kill,
  killAll,
  pause,
  rolling,
  link,
  partition,
  reset,
  wipe,
  oldCopy,
  logDeleted,
  damage,
  grow,
  replace,
  move,
  fullDisk,
  fewDescriptors,
  burst,
  stranger,
  twoProcesses,
  mistype,
];
