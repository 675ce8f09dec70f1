/** The numbers of what a message says with a name. A number is on the wire, in the simulator's trace and in the keys of its draws. */
import type { Change } from "./configuration.ts";
import type { ChangeOutcome, Message, RebindStanding, RemovalReason } from "./message.ts";

/** Every kind of message. A number is never reused; a new name for an old number changes no byte, no trace and no draw. */
export const messageKinds = {
  "pre-vote": 1,
  "pre-vote-reply": 2,
  vote: 3,
  "vote-reply": 4,
  append: 5,
  "append-reply": 6,
  forward: 7,
  "forward-refused": 8,
  read: 9,
  "read-reply": 10,
  "bootstrap-hello": 11,
  "timeout-now": 12,
  "snapshot-chunk": 13,
  "snapshot-reply": 14,
  "join-request": 15,
  "join-accepted": 16,
  removed: 17,
  change: 18,
  "change-reply": 19,
  "snapshot-wanted": 20,
  "bootstrap-reply": 21,
  "rebind-pending": 22,
  "directory-check": 23,
  "directory-confirmed": 24,
  "bind-request": 25,
  "learned-address": 26,
} as const satisfies Record<Message["kind"], number>;

/** What a change request asks for. */
export const changeKinds = {
  add: 0,
  remove: 1,
  promote: 2,
  "transfer-leader": 3,
  move: 4,
} as const satisfies Record<Change["kind"], number>;

/** What became of a change request. */
export const changeOutcomes = {
  done: 0,
  "other-change": 1,
  "gave-up": 2,
  "member-exists": 3,
  "url-in-use": 4,
  "unknown-member": 5,
  "last-voter": 6,
  "no-majority-left": 7,
  "not-bound": 8,
  "no-voter": 9,
  "not-caught-up": 10,
} as const satisfies Record<ChangeOutcome, number>;

/** Why a node is told that it takes no part. */
export const removalReasons = {
  removed: 0,
  "another-directory": 1,
  "too-few-voters": 2,
  "id-of-leader": 3,
} as const satisfies Record<RemovalReason, number>;

/** Why a member does not rebind another one now. */
export const rebindStandings = {
  recovering: 0,
  "needs-asker": 1,
  "no-leader": 2,
  "has-leader": 3,
} as const satisfies Record<RebindStanding, number>;

/** The names of `numbers`, each at its number; a hole where no name has a number. */
export function namesByNumber<Name extends string>(
  numbers: Readonly<Record<Name, number>>,
): readonly (Name | undefined)[] {
  const names: (Name | undefined)[] = [];
  for (const name of Object.keys(numbers) as Name[]) names[numbers[name]] = name;
  return names;
}
