import { LOG_LEVELS, type LogLevel } from "../../config/setting-values.js";
import type { Logger } from "../../runtime/logger.js";
import type { FromReader } from "./reader-messages.js";

/** Has the node process write what a reader has to say: one log, in one form, of one node. */
export function createReaderLogger(level: LogLevel, send: (message: FromReader) => void): Logger {
  const write = (at: LogLevel) => {
    if (LOG_LEVELS.indexOf(at) < LOG_LEVELS.indexOf(level)) return () => {};
    return (fields: object, message: string) => send({ kind: "log", level: at, fields: plain(fields), message });
  };
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}

/** Errors lose everything on the way through a channel that carries JSON. */
function plain(fields: object): object {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, describe(value)]));
}

function describe(value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const { name: type, message, stack, code, cause } = value as Error & { code?: unknown };
  return {
    type,
    message,
    stack,
    ...(code !== undefined && { code }),
    ...(cause !== undefined && { cause: describe(cause) }),
  };
}
