/** Where the time of a run goes, by the folders of the source. */
import { Session } from "node:inspector/promises";

/** The shares of `run`'s time in percent, the largest first. A part is a folder of ours, or what the engine does for all. */
export async function sharesOf(run: () => void): Promise<[part: string, percent: number][]> {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.start");
  run();
  const { profile } = await session.post("Profiler.stop");
  session.disconnect();
  const parts = new Map(profile.nodes.map(({ id, callFrame }) => [id, partOf(callFrame)]));
  const micros = new Map<string, number>();
  let total = 0;
  for (const [k, id] of (profile.samples ?? []).entries()) {
    const part = parts.get(id)!;
    const spent = profile.timeDeltas![k]!;
    if (part === "(idle)") continue;
    micros.set(part, (micros.get(part) ?? 0) + spent);
    total += spent;
  }
  return [...micros]
    .map(([part, spent]): [string, number] => [part, (100 * spent) / total])
    .toSorted((a, b) => b[1] - a[1]);
}

function partOf({ url, functionName }: { url: string; functionName: string }): string {
  const ours = /\/dist\/(?:(core\/\w+|sim\/\w+|checker|bench)\/|(sim|core)\/[\w-]+\.js)/.exec(url);
  if (ours !== null) return ours[1] ?? ours[2]!;
  return functionName === "(garbage collector)" || functionName === "(idle)" ? functionName : "the rest";
}
