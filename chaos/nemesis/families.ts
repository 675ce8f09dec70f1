/** All families of faults, in one table. */
import type { Family } from "./family.ts";
import { link, partition, reset } from "./link-faults.ts";
import { kill, killAll, pause, rolling } from "./process-faults.ts";

export const families: readonly Family[] = [kill, killAll, pause, rolling, link, partition, reset];
