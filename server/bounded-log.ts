/**
 * Lines that quote a peer, or a stranger that listens or dials where a peer might be. A stranger can say something else
 * each time, so that no two lines are alike: there is a bound on the lines of a minute.
 */
import type { Log } from "./log.ts";

const minuteMs = 60_000;
const linesMax = 20;

/**
 * Passes at most 20 different texts on to `log` in a minute; then a line that says that there are more of `what`. A
 * text that was passed on before is passed on again: `log` itself holds back repetitions. `nowMs` is monotonic.
 */
export function boundedLog(log: Log, what: string, nowMs: () => number): Log {
  let minuteBegan = -Infinity;
  const told = new Set<string>();
  return (level, text) => {
    if (nowMs() - minuteBegan >= minuteMs) {
      minuteBegan = nowMs();
      told.clear();
    }
    if (told.has(text)) return log(level, text);
    if (told.size > linesMax) return;
    told.add(text);
    if (told.size <= linesMax) log(level, text);
    else log(level, `more ${what}, for more reasons than ${linesMax}: the next are told in a minute`);
  };
}
