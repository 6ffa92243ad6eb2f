import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import type { Logger } from "../logger.js";
import { formatThreadError, type ThreadMessage, type ThreadRequest } from "./thread-messages.js";

/** A method takes the parameters of the call, and behind them what sends a note. */
export type ThreadMethod = (...parameters: never[]) => Promise<unknown>;

/** What is called from the other thread, by name. `close` ends the thread after its answer. */
export interface ThreadService {
  readonly greeting: unknown;
  readonly methods: Readonly<Record<string, ThreadMethod>> & { readonly close: () => Promise<void> };
}

/** The far end of `ThreadCalls`: the whole body of a worker thread. */
export async function serveThread<Settings>(
  open: (settings: Settings, logger: Logger) => Promise<ThreadService>,
): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error("this file is the body of a worker thread");
  // Until it listens, nothing else keeps the thread there: who opens may sleep, and a sleep does not.
  port.ref();
  try {
    const { greeting, methods } = await open(workerData as Settings, createThreadLogger(port));
    port.on("message", (request: ThreadRequest) => void answer(port, methods, request));
    send(port, { kind: "ready", greeting });
  } catch (error) {
    send(port, { kind: "refused", error: formatThreadError(error) });
    port.unref();
  }
}

function send(port: MessagePort, message: ThreadMessage): void {
  port.postMessage(message);
}

async function answer(port: MessagePort, methods: ThreadService["methods"], request: ThreadRequest): Promise<void> {
  const { id, method, parameters } = request;
  try {
    const call = methods[method];
    if (call === undefined) throw new Error(`the thread has no method ${method}`);
    const note = () => send(port, { kind: "note", id });
    const value: unknown = await Reflect.apply(call, undefined, [...parameters, note]);
    send(port, { kind: "answer", id, value });
  } catch (error) {
    send(port, { kind: "failure", id, error: formatThreadError(error) });
  }
  if (method === "close") port.close();
}

function createThreadLogger(port: MessagePort): Logger {
  const log = (level: keyof Logger) => (fields: object, message: string) => {
    // Errors keep only their text on the way to another thread.
    const plain = Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [name, value instanceof Error ? value.message : value]),
    );
    send(port, { kind: "log", level, fields: plain, message });
  };
  return { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") };
}
