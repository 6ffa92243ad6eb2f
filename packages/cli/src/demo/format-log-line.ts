import { styleText } from "node:util";

/** What people need of a JSON log line: time, level unless it is the usual one, sentence, and an error's sentence. */
export function formatLogLine(line: string, colorize: boolean): string {
  const entry = parseEntry(line);
  if (entry === undefined) return line;
  const style = (format: "dim" | "yellow" | "red", text: string) => (colorize ? styleText(format, text) : text);
  const time = style("dim", new Date(entry.time).toLocaleTimeString("en-GB"));
  const reason = entry.err === undefined ? "" : `: ${entry.err.message}`;
  const level = entry.level === "info" ? "" : `${entry.level}: `;
  const text = `${level}${entry.msg}${reason}`;
  if (entry.level === "warn") return `${time}  ${style("yellow", text)}`;
  return `${time}  ${entry.level === "error" ? style("red", text) : text}`;
}

interface LogEntry {
  readonly level: string;
  readonly time: string;
  readonly msg: string;
  readonly err?: { readonly message: string };
}

/** Undefined for what is no line of the log: the last words of a process that could not start. */
function parseEntry(line: string): LogEntry | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return JSON.parse(line) as LogEntry;
  } catch {
    return undefined;
  }
}
