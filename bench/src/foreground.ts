import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { loadavg } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Load, LoadResult } from "./load/load-generator.js";
import { putFiles } from "./load/put-files.js";
import { WrkLoadGenerator } from "./load/wrk.js";
import { prepareFiles } from "./measure/files.js";
import { isFilled } from "./measure/fill.js";
import { median } from "./measure/median.js";
import { makeRunFolder } from "./run-folder.js";
import { createNamespace, FIRST_SECONDS, NAMESPACE, startNode, waitUntilComplete } from "./subjects/koboldfs.js";
import { provideTools } from "./tools.js";

/**
 * What clients of a node notice while the other one of two is filled again after its disk was replaced, at the default rate of
 * repair: latencies of puts and gets of 4 KiB before and meanwhile, in turn. Both nodes share the machine's cores and disk.
 */
const ROUNDS = 3;
const SECONDS = 4;
const CONNECTIONS = 4;
const POLL_MS = 100;
const KEYS = 2000;
const SIZE_BYTES = 4096;
/** Half a minute of filling: longer than the loads of one round. */
const TO_FILL = [
  { prefix: "large", files: 1_500, sizeBytes: 1024 * 1024 },
  { prefix: "small", files: 5_000, sizeBytes: SIZE_BYTES },
] as const;

const OPERATIONS = ["put", "get"] as const;
type Operation = (typeof OPERATIONS)[number];
type Latency = LoadResult["latencyMs"];

interface Seen {
  readonly operation: Operation;
  readonly alone: Latency;
  readonly beside: Latency;
}

async function main(): Promise<void> {
  provideTools();
  const folder = await makeRunFolder(resolve(".bench"), true);
  try {
    const seen = await measureAll(folder.path);
    for (const operation of OPERATIONS)
      tell(
        operation,
        seen.filter((one) => one.operation === operation),
      );
  } finally {
    await folder.remove();
  }
}

async function measureAll(folder: string): Promise<Seen[]> {
  mkdirSync(folder, { recursive: true });
  const cluster = { nodes: 2, dsn: `sqlite:${join(folder, "catalog.sqlite")}` };
  const start = (number: number) => startNode({ folder }, cluster, { number });
  const first = await start(1);
  let second = await start(2);
  try {
    await waitUntilComplete([first, second]);
    await createNamespace(first.url);
    await prepare(first.url);
    const seen: Seen[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const alone = await runBoth(first.url, `alone${round}/`);
      await second.child.stop();
      await orderRefill(first.url);
      rmSync(join(folder, "node2"), { recursive: true });
      second = await start(2);
      const beside = await runBoth(first.url, `beside${round}/`);
      if (await isFilled(first.url, "node2")) throw new Error("the node was filled before the loads had ended");
      while (!(await isFilled(first.url, "node2"))) await sleep(POLL_MS);
      for (const operation of OPERATIONS) seen.push({ operation, alone: alone[operation], beside: beside[operation] });
    }
    return seen;
  } finally {
    await Promise.all([first, second].map(({ child }) => child.stop()));
  }
}

async function prepare(url: string): Promise<void> {
  for (const files of TO_FILL) await putFiles(url, files);
  await prepareFiles({ folderUrls: folderUrlsOf(url) }, loadOf(url, "get", { putPrefix: "", seconds: 0 }));
  for (const operation of OPERATIONS)
    await run(url, operation, { putPrefix: "first/", seconds: FIRST_SECONDS[operation] });
}

/** As soon as the node is seen to be down. */
async function orderRefill(url: string): Promise<void> {
  for (;;) {
    const response = await fetch(`${url}/v1/nodes/node2/refill`, { method: "POST" });
    if (response.ok) return;
    const { code } = (await response.json()) as { code: string };
    if (code !== "node_running") throw new Error(`the refill was refused: ${code}`);
    await sleep(POLL_MS);
  }
}

async function runBoth(url: string, putPrefix: string): Promise<Record<Operation, Latency>> {
  return {
    put: await run(url, "put", { putPrefix, seconds: SECONDS }),
    get: await run(url, "get", { putPrefix, seconds: SECONDS }),
  };
}

async function run(url: string, operation: Operation, when: Pick<Load, "putPrefix" | "seconds">): Promise<Latency> {
  execFileSync("sync");
  const { latencyMs, errors } = await new WrkLoadGenerator().run(loadOf(url, operation, when));
  if (errors.length > 0) throw new Error(`${operation}: ${errors.join(", ")}`);
  return latencyMs;
}

function loadOf(url: string, operation: Operation, when: Pick<Load, "putPrefix" | "seconds">): Load {
  const folderUrls = folderUrlsOf(url);
  return {
    operation,
    sizeBytes: SIZE_BYTES,
    concurrency: CONNECTIONS,
    folderUrls,
    keyPrefix: "key/",
    keyCount: KEYS,
    ...when,
  };
}

function folderUrlsOf(url: string): string[] {
  return [`${url}/v1/files/${NAMESPACE}/`];
}

function tell(operation: Operation, seen: readonly Seen[]): void {
  const of = (side: "alone" | "beside", at: "p50" | "p99") => median(seen.map((one) => one[side][at]));
  const ratio = median(seen.map(({ alone, beside }) => beside.p99 / alone.p99));
  const show = (side: "alone" | "beside") =>
    `p50 ${of(side, "p50").toFixed(1)} ms, p99 ${of(side, "p99").toFixed(1)} ms`;
  const load = loadavg()[0]?.toFixed(1);
  process.stdout.write(
    `${operation}  alone ${show("alone")}; while a node is filled ${show("beside")}; p99 ${ratio.toFixed(2)} times  load ${load}\n`,
  );
}

await main();
