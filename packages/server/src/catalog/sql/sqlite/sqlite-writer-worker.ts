import { parentPort, workerData } from "node:worker_threads";
import { KoboldError } from "@koboldfs/protocol";
import type { Change } from "../../../model/change.js";
import { formatOutcome } from "../../../model/change-outcome.js";
import { systemClock } from "../../../runtime/clock.js";
import type { Logger } from "../../../runtime/logger.js";
import type { SqlWriter } from "../sql-writer.js";
import { openSqliteWriter } from "./open-sqlite-writer.js";
import type { PlainError, WriterMessage, WriterRequest, WriterSettings } from "./writer-messages.js";

/**
 * The thread in which a SQLite catalog writes: SQLite waits for disks and locks without letting go of its thread, and
 * the main thread has requests to serve.
 */
const port = parentPort;
if (port === null) throw new Error("this file is the body of a worker thread");
const send = (message: WriterMessage) => port.postMessage(message);

const logger: Logger = {
  debug: (fields, message) => sendLog("debug", fields, message),
  info: (fields, message) => sendLog("info", fields, message),
  warn: (fields, message) => sendLog("warn", fields, message),
  error: (fields, message) => sendLog("error", fields, message),
};

function sendLog(level: keyof Logger, fields: object, message: string): void {
  // Errors keep only their text on the way to another thread.
  const plain = Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, value instanceof Error ? value.message : value]),
  );
  send({ kind: "log", level, fields: plain, message });
}

function formatError(error: unknown): PlainError {
  if (error instanceof KoboldError) return { code: error.code, message: error.message };
  return { code: "internal", message: error instanceof Error ? `${error.message}\n${error.stack}` : String(error) };
}

async function answer(writer: SqlWriter, request: WriterRequest): Promise<void> {
  const { id, method, parameters } = request;
  try {
    if (method === "commitGroup") {
      const outcomes = await writer.commitGroup(parameters[0] as readonly Change[], () =>
        send({ kind: "release", id }),
      );
      send({ kind: "outcomes", id, outcomes: outcomes.map(formatOutcome) });
    } else {
      const call: (...values: never) => Promise<unknown> = writer[method];
      send({ kind: "answer", id, value: await Reflect.apply(call, writer, parameters) });
    }
  } catch (error) {
    send({ kind: "failure", id, error: formatError(error) });
  }
  if (method === "close") port?.close();
}

try {
  const { clusterId, writer } = await openSqliteWriter({
    ...(workerData as WriterSettings),
    clock: systemClock,
    logger,
  });
  port.on("message", (request: WriterRequest) => void answer(writer, request));
  send({ kind: "ready", clusterId });
} catch (error) {
  send({ kind: "refused", error: formatError(error) });
}
