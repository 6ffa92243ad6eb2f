import { destination as fileDestination, pino } from "pino";
import type { LogLevel } from "../config/setting-values.js";
import type { Logger } from "../runtime/logger.js";

/** Takes finished lines. */
export interface LogDestination {
  write(line: string): void;
}

/**
 * JSON lines with level names and RFC 3339 times; every line carries the node's name as `name`. Without a destination they go to
 * standard output, each at once: the last ones before a crash are those that matter.
 */
export function createNodeLogger(level: LogLevel, node: string, destination?: LogDestination): Logger {
  const options = {
    level,
    base: { name: node },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(options, destination ?? fileDestination({ dest: 1, sync: true }));
}
