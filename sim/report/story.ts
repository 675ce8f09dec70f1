/** A run in about twelve lines, in plain words. */
import { lawName } from "../laws.ts";
import { faultFamilies } from "../plan/families.ts";
import type { Result } from "../run.ts";
import type { Line } from "../trace/recorder.ts";
import { wordOf } from "../trace/vocabulary.ts";

const leaderRole = 3;
const electionsShown = 4;
const lastShown = 4;
const telling: ReadonlySet<string> = new Set([
  "role",
  "kill",
  "powerCut",
  "rowsLost",
  "logDamaged",
  "start",
  "pause",
  "resume",
  "block",
  "clog",
  "slow",
  "clockStall",
  "newer",
  "misread",
  "change",
  "changed",
  "commit",
  "installed",
  "ended",
  "wipe",
]);

function seconds(micros: number): string {
  return `${(micros / 1e6).toFixed(3)} s`;
}

function times(many: number): string {
  return many === 1 ? "once" : many === 2 ? "twice" : `${many} times`;
}

function counted(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

function leads({ time, node, b }: Line): string {
  return `n${node} leads term ${b} from ${seconds(time)}`;
}

function elections(lines: readonly Line[]): string[] {
  const all = lines.filter(({ kind, a }) => kind === "role" && a === leaderRole);
  if (all.length === 0) return ["No leader is ever elected."];
  if (all.length <= electionsShown) return [`${all.map(leads).join("; ")}.`];
  const rest = all.slice(-electionsShown + 1);
  return [`${leads(all[0]!)}; ${all.length - electionsShown} elections later ${rest.map(leads).join("; ")}.`];
}

function faults(lines: readonly Line[]): string[] {
  const counts = new Map<string, number>();
  const count = (what: string): void => void counts.set(what, (counts.get(what) ?? 0) + 1);
  for (const { kind, node } of lines) {
    if (kind === "kill") count(`n${node} is killed`);
    else if (kind === "powerCut" || kind === "rowsLost") count(`n${node} loses power`);
    else if (kind === "logDamaged") count(`n${node}'s log is damaged`);
    else if (kind === "pause") count(`n${node} is paused`);
    else if (kind === "ended") count(`n${node} exits`);
    else if (kind === "block") count("a link is cut");
    else if (kind === "clog") count("a link is clogged");
    else if (kind === "reset") count("a stream is reset");
    else if (kind === "slow") count(`n${node} is slow`);
    else if (kind === "clockStall") count(`n${node}'s clock is frozen`);
    else if (kind === "newer") count(`n${node}'s directory has a newer format`);
    else if (kind === "misread") count(`n${node} misreads its log`);
    else if (kind === "clientBlock") count("a client is cut off");
  }
  if (counts.size === 0) return ["No node is harmed, and no link is cut."];
  const said = [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([what, many]) => `${what} ${times(many)}`);
  return [`${said.join(", ")}.`];
}

function messages({ counters }: Result): string {
  const { "network.sent": sent, "network.lost": lost, "network.copied": copied, "network.late": late } = counters;
  return `${sent} messages are sent; by chance ${lost} are lost, ${copied} doubled, ${late} late, and ${counters["network.blocked"]} meet a cut link.`;
}

/** `inCone`: which lines can have had a part in the end. */
export function storyOf(result: Result, lines: readonly Line[], inCone: Uint8Array): string[] {
  const { plan, verdict, property, message, history, counters, simulatedMicros } = result;
  const on = faultFamilies.filter((family) => plan.faults[family] > 0);
  const story = [
    `Seed ${plan.seed}: ${counted(plan.nodes, "founder")}, ${counted(plan.spares, "spare machine")}, ${counted(plan.clients, "client")} on ${counted(plan.keys, "key")}; rows in ${plan.engines}.`,
    on.length === 0 ? "No faults are enabled." : `Faults enabled: ${on.join(", ")}.`,
    ...elections(lines),
    ...faults(lines),
    messages(result),
  ];
  const asked = lines.filter(({ kind }) => kind === "change").length;
  if (asked > 0)
    story.push(
      `The operator asks for ${counted(asked, "change")} of the membership or the leader; ${counters["operator.done"]} are done.`,
    );
  const ends = history.filter(({ outcome }) => outcome === "unknown").length;
  story.push(
    `${history.length} operations are recorded, ${ends} indeterminate. ${counters["committed"]} entries are committed.`,
  );
  if (verdict === "ok") {
    story.push(
      `At ${seconds(plan.safetyMicros)} the faults end; a core is healed, elects a leader, answers, and converges.`,
    );
    story.push(
      `At ${seconds(simulatedMicros)} all is well: every invariant held after every event, and the history is linearizable.`,
    );
    return story;
  }
  const last = lines.filter((line, k) => inCone[k] === 1 && telling.has(line.kind)).slice(-lastShown);
  for (const line of last) story.push(`${seconds(line.time)}: ${wordOf(line)}.`);
  story.push(`At ${seconds(simulatedMicros)} it ends in ${verdict}, ${lawName(property)}: ${message}`);
  return story;
}
