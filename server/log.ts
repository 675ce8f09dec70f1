/** What the operator reads: a line a state change, never one a request. To stderr. */
export type LogLevel = "info" | "warn" | "silent";
export type LogFormat = "text" | "json";

export type Log = (level: "info" | "warn", text: string) => void;

export function createLog(level: LogLevel, format: LogFormat): Log {
  return (severity, text) => {
    if (level === "silent" || (level === "warn" && severity === "info")) return;
    const time = new Date().toISOString();
    const line =
      format === "json" ? JSON.stringify({ time, level: severity, message: text }) : `${time} ${severity} ${text}`;
    process.stderr.write(`${line}\n`);
  };
}
