/**
 * The mutants that the simulator must notice. A mutant that no longer applies, or that does not compile, fails the tests.
 * Those of the checker's engines and of the kept tapes are asked by tests of their own.
 */
import type { Mutant } from "../mutant.ts";
import { mutantsOfLies } from "./lies.ts";
import { mutantsOfNumbers } from "./numbers.ts";
import { mutantsOfPromises } from "./promises.ts";
import { mutantsOfRaft } from "./raft.ts";
import { mutantsOfRequests } from "./requests.ts";
import { mutantsOfService } from "./service.ts";
import { mutantsOfSizes } from "./sizes.ts";
import { mutantsOfState } from "./state.ts";
import { mutantsOfTransport } from "./transport.ts";
import { mutantsOfTheWorld } from "./world.ts";

/** In the order of the table. */
export const mutants: readonly Mutant[] = [
  ...mutantsOfRaft,
  ...mutantsOfState,
  ...mutantsOfTransport,
  ...mutantsOfService,
  ...mutantsOfSizes,
  ...mutantsOfRequests,
  ...mutantsOfTheWorld,
  ...mutantsOfPromises,
  ...mutantsOfLies,
  ...mutantsOfNumbers,
];
