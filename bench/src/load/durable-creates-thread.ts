import { closeSync, fdatasyncSync, fsyncSync, openSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import type { CreatorOrder } from "./durable-creates.js";

/** What the smallest durable put does on a disk: a file under another name, its bytes flushed, its name, the name flushed. */
const { folder, sizeBytes, milliseconds } = workerData as CreatorOrder;
const bytes = Buffer.alloc(sizeBytes, "koboldfs");
const folderHandle = openSync(folder, "r");
const latencies: number[] = [];
const end = performance.now() + milliseconds;
for (let number = 0; performance.now() < end; number++) {
  const begun = performance.now();
  const temporary = join(folder, "temporary");
  const file = openSync(temporary, "w");
  writeSync(file, bytes);
  fdatasyncSync(file);
  closeSync(file);
  renameSync(temporary, join(folder, String(number)));
  fsyncSync(folderHandle);
  latencies.push(performance.now() - begun);
}
closeSync(folderHandle);
parentPort?.postMessage({ latencies: Float64Array.from(latencies) });
