/** All families of faults, in one table. */
import { damage, logDeleted, oldCopy, wipe } from "./directory-faults.ts";
import { fullDisk } from "./disk-faults.ts";
import type { Family } from "./family.ts";
import { link, partition, reset } from "./link-faults.ts";
import { grow, move, moveAll, replace } from "./member-faults.ts";
import { mistype, twoProcesses } from "./misuse-faults.ts";
import { kill, killAll, pause, rolling } from "./process-faults.ts";
import { burst, fewDescriptors } from "./resource-faults.ts";
import { stranger } from "./strangers.ts";

/** Strikes are drawn by the places here: a new family changes every seed's plan. */
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
  moveAll,
  fullDisk,
  fewDescriptors,
  burst,
  stranger,
  twoProcesses,
  mistype,
];
