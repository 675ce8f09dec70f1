/** Runs the commands of a transcript (test/raft/transcripts/README.md) and writes their output below each. */
import { enterJoint } from "../../core/raft/membership.ts";
import type { NodeId } from "../../core/units.ts";
import { configurationOf, electionMicros, heartbeatMicros, Rafts } from "./rafts.ts";

type Arguments = {
  /** Words without a name, as numbers. */
  readonly numbers: readonly number[];
  /** `name=1,2,3`. */
  readonly named: ReadonlyMap<string, readonly number[]>;
};

type Command = {
  readonly knows: readonly string[];
  readonly run: (rafts: Rafts, args: Arguments) => void;
};

const without = ({ named }: Arguments): readonly NodeId[] => named.get("without") ?? [];

function first({ numbers }: Arguments): number {
  const [one] = numbers;
  if (one === undefined) throw new Error("the command needs a node");
  return one;
}

/** Each names the node that it is about first. */
const commands: Readonly<Record<string, Command>> = {
  elect: { knows: ["without"], run: (rafts, args) => rafts.elect(first(args), without(args)) },
  campaign: { knows: [], run: (rafts, args) => rafts.pass(2 * electionMicros + 1, [first(args)]) },
  settle: { knows: ["without"], run: (rafts, args) => rafts.settle(without(args)) },
  heartbeat: { knows: [], run: (rafts, { numbers }) => rafts.pass(heartbeatMicros, numbers) },
  "election-timeout": { knows: [], run: (rafts, { numbers }) => rafts.pass(electionMicros, numbers) },
  propose: { knows: [], run: (rafts, args) => void rafts.propose(first(args), args.numbers[1] ?? 1) },
  "lose-messages": {
    knows: [],
    run: (rafts) => {
      rafts.story.push(`${rafts.letters.length} messages are lost`);
      rafts.letters = [];
    },
  },
  compact: { knows: [], run: (rafts, args) => rafts.of(first(args)).compact(args.numbers[1] ?? 0) },
  "install-snapshot": {
    knows: ["from"],
    run(rafts, args) {
      const id = first(args);
      rafts.of(id).restore(rafts.of(args.named.get("from")?.[0] ?? 0).log.base);
      rafts.flush(id);
    },
  },
  "change-voters": {
    knows: ["to"],
    run(rafts, args) {
      const id = first(args);
      const raft = rafts.of(id);
      const problem = raft.proposeConfiguration(rafts.now, enterJoint(raft.configuration, args.named.get("to") ?? []));
      if (problem !== null) rafts.story.push(`n${id} refuses: ${problem}`);
      rafts.flush(id);
    },
  },
  transfer: {
    knows: ["to"],
    run(rafts, args) {
      const id = first(args);
      const isTaken = rafts.of(id).transfer(rafts.now, args.named.get("to")?.[0] ?? 0);
      if (!isTaken) rafts.story.push(`n${id} refuses`);
      rafts.flush(id);
    },
  },
  restart: {
    knows: ["terms", "term", "vote", "boot"],
    run(rafts, args) {
      const id = first(args);
      const { terms, hardState } = startOf(args.named, "");
      rafts.start(id, { terms, hardState, boot: args.named.get("boot")?.[0] ?? 2 });
      rafts.story.push(`n${id} starts again`);
    },
  },
};

/** `terms1=1,1,2 term1=2 vote1=0`: what node 1 has on disk. */
function startOf(
  named: Arguments["named"],
  id: string,
): { readonly terms: readonly number[]; readonly hardState: { readonly term: number; readonly vote: NodeId } } {
  const terms = named.get(`terms${id}`) ?? [];
  const term = named.get(`term${id}`)?.[0] ?? terms.at(-1) ?? 0;
  return { terms, hardState: { term, vote: named.get(`vote${id}`)?.[0] ?? 0 } };
}

function clusterOf({ named }: Arguments): Rafts {
  const voters = named.get("voters") ?? [];
  const learners = named.get("learners") ?? [];
  const starts = [...voters, ...learners].map((id) => [id, startOf(named, String(id))] as const);
  return new Rafts(configurationOf(voters, learners), Object.fromEntries(starts));
}

function numberOf(word: string): number {
  if (!/^\d+$/.test(word)) throw new Error(`"${word}" is no number`);
  return Number(word);
}

function argumentsOf(words: readonly string[]): Arguments {
  const pairs = words.filter((word) => word.includes("=")).map((word) => word.split("=") as [string, string]);
  return {
    numbers: words.filter((word) => !word.includes("=")).map(numberOf),
    named: new Map(pairs.map(([name, list]) => [name, list === "" ? [] : list.split(",").map(numberOf)])),
  };
}

export class Transcript {
  #rafts: Rafts | null = null;

  /**
   * `text` with the output of each command below its `----`, up to an empty line. Lines that begin with `#` and empty
   * lines stay. Throws an Error in words on a command that it does not know, or that cannot be run.
   */
  tell(text: string): string {
    const told: string[] = [];
    let command: string | null = null;
    let isOutput = false;
    for (const line of text.trimEnd().split("\n")) {
      if (isOutput && line !== "") continue;
      if (isOutput) isOutput = false;
      told.push(line);
      if (line === "----") {
        told.push(...this.#run(command ?? ""));
        command = null;
        isOutput = true;
      } else if (line !== "" && !line.startsWith("#")) {
        command = line;
      }
    }
    if (command !== null) throw new Error(`"${command}" has no line ---- below it`);
    return `${told.join("\n")}\n`;
  }

  #run(line: string): readonly string[] {
    const [name = "", ...words] = line.split(" ").filter((word) => word !== "");
    const args = argumentsOf(words);
    if (name === "cluster") {
      this.#rafts = clusterOf(args);
      return ["ok"];
    }
    const command = commands[name];
    if (command === undefined) throw new Error(`unknown command "${name}"; known: ${Object.keys(commands).join(", ")}`);
    if (this.#rafts === null) throw new Error('the first command is "cluster"');
    const strange = [...args.named.keys()].find((one) => !command.knows.includes(one));
    if (strange !== undefined) throw new Error(`${name} knows no "${strange}"`);
    const node = args.numbers.find((id, k) => (k === 0 || command.knows.length === 0) && !this.#isThere(id, name, k));
    if (node !== undefined) throw new Error(`there is no node ${node}`);
    const { story } = this.#rafts;
    const from = story.length;
    command.run(this.#rafts, args);
    return story.length === from ? ["ok"] : story.slice(from);
  }

  /** The second number of some commands is no node. */
  #isThere(id: number, name: string, at: number): boolean {
    return (at > 0 && ["propose", "compact"].includes(name)) || this.#rafts!.rafts.has(id);
  }
}
