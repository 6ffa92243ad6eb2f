import { rmSync } from "node:fs";
import type { Socket } from "node:net";
import { dirname } from "node:path";
import { runReader, type RunningReader } from "./run-reader.js";
import type { FromReader, ToReader } from "./reader-messages.js";

/** Closed connections and counts are told this often. */
const REPORT_MS = 100;

let reader: RunningReader | undefined;
let folder: string | undefined;

// What a terminal or a supervisor tells the whole group, the node process is told too; it says when it is time.
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => {});

// The node process is gone, however it ended: nobody answers for this one any more.
process.on("disconnect", () => {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  process.exit(0);
});

process.on("message", (message: ToReader, connection?: Socket) => {
  switch (message.kind) {
    case "start":
      folder = dirname(message.settings.socketPath);
      reader = runReader(message.settings, send);
      reader.setState(message.state);
      startReports(reader);
      send({ kind: "ready" });
      return;
    case "state":
      reader?.setState(message.state);
      return;
    case "known":
      reader?.answerKnown(message.question, message.known);
      return;
    case "connection":
      reader?.take(connection, Buffer.from(message.head, "base64"));
      return;
    case "stop":
      void reader?.stop().then(() => process.exit(0));
  }
});

function startReports(running: RunningReader): void {
  let told = "";
  const tell = () => {
    const report = running.report();
    const text = JSON.stringify(report);
    if (text !== told) send({ kind: "report", ...report });
    told = text;
  };
  setInterval(tell, REPORT_MS);
}

function send(message: FromReader): void {
  // Between the end of the node process and the notice of it, there is nobody to be told.
  if (process.connected) process.send?.(message, undefined, {}, () => {});
}
