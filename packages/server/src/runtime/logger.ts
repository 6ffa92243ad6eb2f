/** Structured log lines, as pino writes them: fields first, then a sentence. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const ignore = () => {};

/** For tests and tools that have nowhere to write. */
export const silentLogger: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
