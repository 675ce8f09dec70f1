/**
 * Stories of a few Rafts, event by event, as files to be read. Where the algorithm changes on purpose,
 * `UPDATE_TRANSCRIPTS=1 npx ava dist/test/raft/transcripts.test.js` writes them anew, and the difference is to be read.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { enterJoint } from "../../core/raft/membership.ts";
import { configurationOf, heartbeatMicros, electionMicros, Rafts } from "../support/rafts.ts";

const three = configurationOf([1, 2, 3]);
const folder = "test/raft/transcripts";

const stories: readonly (readonly [name: string, tell: () => Rafts])[] = [
  [
    "election",
    () => {
      const rafts = new Rafts(three);
      rafts.elect(1);
      rafts.propose(1, 1);
      rafts.settle();
      return rafts;
    },
  ],
  [
    "log repair",
    () => {
      const hardState = { term: 3, vote: 0 };
      const terms = [1, 1, 2, 2, 2];
      const rafts = new Rafts(three, {
        1: { terms: [1, 1, 3], hardState },
        2: { terms, hardState },
        3: { terms: [1], hardState },
      });
      rafts.elect(1, [2]);
      rafts.pass(heartbeatMicros, [1]);
      rafts.settle();
      return rafts;
    },
  ],
  [
    "snapshot",
    () => {
      const rafts = new Rafts(three);
      rafts.elect(1, [3]);
      for (const seq of [1, 2]) rafts.propose(1, seq);
      rafts.settle([3]);
      rafts.of(1).compact(2);
      const { base } = rafts.of(1).log;
      rafts.story.push("n1 lets go of its log up to 2; n3 is back, and needs a snapshot");
      rafts.pass(heartbeatMicros, [1]);
      rafts.settle();
      rafts.story.push("the snapshot has come to n3");
      rafts.of(3).restore(base);
      rafts.flush(3);
      rafts.settle();
      rafts.pass(heartbeatMicros, [1]);
      rafts.settle();
      return rafts;
    },
  ],
  [
    "joint change",
    () => {
      const rafts = new Rafts(configurationOf([1, 2, 3], [4]));
      rafts.elect(1);
      rafts.pass(heartbeatMicros, [1]);
      rafts.settle();
      rafts.story.push("n4 takes the place of n3");
      rafts.of(1).proposeConfiguration(rafts.now, enterJoint(rafts.of(1).configuration, [1, 2, 4]));
      rafts.flush(1);
      rafts.settle();
      return rafts;
    },
  ],
  [
    "transfer",
    () => {
      const rafts = new Rafts(three);
      rafts.elect(1);
      rafts.propose(1, 1);
      rafts.story.push("n1 is to hand over to n2, which does not hold the command yet");
      rafts.of(1).transfer(rafts.now, 2);
      rafts.flush(1);
      rafts.settle();
      return rafts;
    },
  ],
  [
    "a leader is cut off",
    () => {
      const rafts = new Rafts(three);
      rafts.elect(1);
      rafts.story.push("n1 is cut off");
      rafts.propose(1, 1);
      rafts.settle([1]);
      rafts.elect(2, [1]);
      rafts.propose(2, 2);
      rafts.settle([1]);
      rafts.story.push("n1 is back");
      rafts.pass(electionMicros, [1, 2]);
      rafts.settle();
      return rafts;
    },
  ],
];

for (const [name, tell] of stories) {
  test(`the story of "${name}" is as it is written`, (t) => {
    const path = join(folder, `${name.replaceAll(" ", "-")}.txt`);
    const text = `${tell().story.join("\n")}\n`;
    if (process.env["UPDATE_TRANSCRIPTS"] === "1") {
      mkdirSync(folder, { recursive: true });
      writeFileSync(path, text);
    }
    t.true(existsSync(path), `${path} is missing`);
    t.is(text, readFileSync(path, "utf8"));
  });
}
